// CONSENSUS: changing a result here splits the network.
//
// The body of SrhtKernels: included by one .cc file per instruction set, each of which compiles it
// with its own flags. Everything is in an unnamed namespace, so that no copy can be linked in place
// of another. Plain loops that compilers turn into vector code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/srht_kernels.h"

namespace cairn::codec {
namespace {

constexpr std::size_t kSide = 64;
constexpr std::size_t kCells = kSide * kSide;

/// Butterflies over the high six bits of the index: strides 64 to 2048.
template <typename T>
void high_stage(T* __restrict x) {
    for (std::size_t stride = kSide; stride < kCells; stride *= 2) {
        for (std::size_t base = 0; base < kCells; base += 2 * stride) {
            T* __restrict low = x + base;
            T* __restrict high = x + base + stride;
            for (std::size_t i = 0; i < stride; ++i) {
                const T a = low[i];
                const T b = high[i];
                low[i] = a + b;
                high[i] = a - b;
            }
        }
    }
}

/// Exchanges the halves of the index, in blocks that stay in the nearest cache.
template <typename T>
void transpose(T* __restrict x) {
    constexpr std::size_t kBlock = 8;
    for (std::size_t r = 0; r < kSide; r += kBlock) {
        for (std::size_t c = r; c < kSide; c += kBlock) {
            for (std::size_t i = 0; i < kBlock; ++i) {
                for (std::size_t j = (r == c ? i + 1 : 0); j < kBlock; ++j) {
                    T& a = x[(r + i) * kSide + c + j];
                    T& b = x[(c + j) * kSide + r + i];
                    const T kept = a;
                    a = b;
                    b = kept;
                }
            }
        }
    }
}

template <typename T>
void transform(T* x) {
    high_stage(x);
    transpose(x);
    high_stage(x);
}

void random_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::uint32_t* out,
                  std::size_t blocks) {
    constexpr std::size_t kWide = 16;
    for (std::size_t at = 0; at < blocks; at += kWide) {
        std::uint32_t c0[kWide], c1[kWide], c2[kWide], c3[kWide];
        for (std::size_t i = 0; i < kWide; ++i) {
            const std::uint64_t index = first + at + i;
            c0[i] = static_cast<std::uint32_t>(index);
            c1[i] = static_cast<std::uint32_t>(index >> 32);
            c2[i] = static_cast<std::uint32_t>(stream);
            c3[i] = static_cast<std::uint32_t>(stream >> 32);
        }
        std::uint32_t key0 = static_cast<std::uint32_t>(seed);
        std::uint32_t key1 = static_cast<std::uint32_t>(seed >> 32);
        for (int round = 0; round < 10; ++round) {
            for (std::size_t i = 0; i < kWide; ++i) {
                const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c0[i];
                const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c2[i];
                c0[i] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[i] ^ key0;
                c1[i] = static_cast<std::uint32_t>(p1);
                c2[i] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[i] ^ key1;
                c3[i] = static_cast<std::uint32_t>(p0);
            }
            key0 += 0x9E3779B9U;
            key1 += 0xBB67AE85U;
        }
        for (std::size_t i = 0; i < kWide; ++i) {
            std::uint32_t* words = out + 4 * (at + i);
            words[0] = c0[i];
            words[1] = c1[i];
            words[2] = c2[i];
            words[3] = c3[i];
        }
    }
}

void scale_signed(const std::int32_t* __restrict x, const std::uint32_t* __restrict signs,
                  std::uint32_t scale, int shift, std::int32_t* __restrict out) {
    const std::uint64_t half = shift == 0 ? 0 : std::uint64_t{1} << (shift - 1);
    for (std::size_t word = 0; word < kCells / 32; ++word) {
        const std::uint32_t bits = signs[word];
        for (std::uint32_t i = 0; i < 32; ++i) {
            const std::int32_t value = x[32 * word + i];
            const std::int32_t flip = -static_cast<std::int32_t>((bits >> i) & 1U);
            const std::int32_t sign = (value >> 31) ^ flip;
            const std::int32_t negative = value >> 31;
            const auto magnitude = static_cast<std::uint32_t>((value ^ negative) - negative);
            const std::uint64_t product = std::uint64_t{magnitude} * scale + half;
            const auto rounded = static_cast<std::int32_t>(product >> shift);
            out[32 * word + i] = (rounded ^ sign) - sign;
        }
    }
}

/// Bits set in a word, less 16, in steps that vector units have.
std::int32_t normal_entry(std::uint32_t word) {
    word -= (word >> 1) & 0x55555555U;
    word = (word & 0x33333333U) + ((word >> 2) & 0x33333333U);
    word = (word + (word >> 4)) & 0x0F0F0F0FU;
    word += word >> 8;
    word += word >> 16;
    return static_cast<std::int32_t>(word & 63U) - 16;
}

std::int64_t sign_dot(const std::uint32_t* __restrict words, const std::int32_t* __restrict v) {
    std::int64_t sum = 0;
    for (std::size_t word = 0; word < kCells / 32; ++word) {
        const std::uint32_t bits = words[word];
        for (std::uint32_t i = 0; i < 32; ++i) {
            const std::int32_t flip = -static_cast<std::int32_t>((bits >> i) & 1U);
            sum += (v[32 * word + i] ^ flip) - flip;
        }
    }
    return sum;
}

std::int64_t normal_dot(const std::uint32_t* __restrict words, const std::int32_t* __restrict v) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < kCells; ++i) sum += std::int64_t{normal_entry(words[i])} * v[i];
    return sum;
}

void sign_add(const std::uint32_t* __restrict words, std::int32_t q,
              std::int32_t* __restrict sums) {
    for (std::size_t word = 0; word < kCells / 32; ++word) {
        const std::uint32_t bits = words[word];
        for (std::uint32_t i = 0; i < 32; ++i) {
            const std::int32_t flip = -static_cast<std::int32_t>((bits >> i) & 1U);
            sums[32 * word + i] += (q ^ flip) - flip;
        }
    }
}

void normal_add(const std::uint32_t* __restrict words, std::int32_t q,
                std::int32_t* __restrict sums) {
    for (std::size_t i = 0; i < kCells; ++i) sums[i] += normal_entry(words[i]) * q;
}

constexpr SrhtKernels kTable{random_words,
                             transform<std::int32_t>,
                             transform<std::int64_t>,
                             scale_signed,
                             sign_dot,
                             normal_dot,
                             sign_add,
                             normal_add};

}  // namespace
}  // namespace cairn::codec
