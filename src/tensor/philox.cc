// CONSENSUS: changing a result here splits the network.
#include "tensor/philox.h"

#include <cmath>

#include "base/int128.h"
#include "tensor/elementary.h"

namespace cairn::tensor {

namespace {

constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;
constexpr double kTwoPi = 0x1.921fb54442d18p+2;

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

/// 53 bits of two words, in [0, 1).
double unit(std::uint32_t first, std::uint32_t second) {
    const std::uint64_t bits = (std::uint64_t{second} << 32 | first) >> 11;
    return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(const std::array<std::uint32_t, 4>& counter,
                                        const std::array<std::uint32_t, 2>& key) {
    std::array<std::uint32_t, 4> c = counter;
    std::uint32_t key0 = key[0];
    std::uint32_t key1 = key[1];
    for (int round = 0; round < kRounds; ++round) {
        const std::uint64_t product0 = kMultiplier0 * c[0];
        const std::uint64_t product1 = kMultiplier1 * c[2];
        c = {high(product1) ^ c[1] ^ key0, low(product1), high(product0) ^ c[3] ^ key1,
             low(product0)};
        key0 += kWeyl0;
        key1 += kWeyl1;
    }
    return c;
}

std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
    return philox4x32({low(index), high(index), low(stream), high(stream)},
                      {low(seed), high(seed)});
}

std::uint64_t philox_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
    const auto words = philox(seed, stream, index);
    return std::uint64_t{words[1]} << 32 | words[0];
}

std::uint64_t mulhi64(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(static_cast<Uint128>(a) * b >> 64);
}

void philox_normal(std::uint64_t seed, std::uint64_t stream, double scale, std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); i += 2) {
        const auto words = philox(seed, stream, i / 2);
        const double u = unit(words[0], words[1]) + 0x1p-53;  // in (0, 1]
        const double angle = kTwoPi * unit(words[2], words[3]);
        const double radius = scale * std::sqrt(-2.0 * log_f64(u));
        out[i] = static_cast<float>(radius * cos_f64(angle));
        if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * sin_f64(angle));
    }
}

void philox_uniform(std::uint64_t seed, std::uint64_t stream, float low_end, float high_end,
                    std::span<float> out) {
    const double width = static_cast<double>(high_end) - static_cast<double>(low_end);
    for (std::size_t i = 0; i < out.size(); i += 4) {
        const auto words = philox(seed, stream, i / 4);
        for (std::size_t j = 0; j < 4 && i + j < out.size(); ++j) {
            // 24 bits: the result stays below the upper end
            const double u = static_cast<double>(words[j] >> 8) * 0x1p-24;
            out[i + j] = static_cast<float>(std::fma(width, u, static_cast<double>(low_end)));
        }
    }
}

}  // namespace cairn::tensor
