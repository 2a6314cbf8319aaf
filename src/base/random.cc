#include "base/random.h"

#include <sys/random.h>

namespace cairn {

std::uint64_t Random::u64() {
    std::uint8_t buffer[8];
    fill(buffer);
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(buffer[i]) << (8 * i);
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
    CHECK(bound > 0);
    const std::uint64_t limit = -bound % bound;  // values below it would favour small results
    for (;;) {
        const std::uint64_t value = u64();
        if (value >= limit) return value % bound;
    }
}

Hash256 Random::hash256() {
    Hash256 value;
    fill(value.bytes);
    return value;
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
        CHECK(got > 0);
        done += static_cast<std::size_t>(got);
    }
}

std::uint64_t SeededRandom::next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); i += 8) {
        const std::uint64_t value = next();
        for (std::size_t j = 0; j < 8 && i + j < out.size(); ++j)
            out[i + j] = static_cast<std::uint8_t>(value >> (8 * j));
    }
}

}  // namespace cairn
