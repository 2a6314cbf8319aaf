// Values for the tests: numbers from Philox, and the comparison of bits.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tensor/compute.h"
#include "tensor/philox.h"

namespace cairn::tensor {

using Results = std::vector<std::vector<float>>;

/// `count` standard normal numbers times `scale`.
inline std::vector<float> normal_values(std::size_t count, std::uint64_t stream,
                                        double scale = 1.0) {
    std::vector<float> values(count);
    philox_normal(2024, stream, scale, values);
    return values;
}

inline std::vector<std::uint32_t> id_values(std::size_t count, std::uint32_t bound,
                                            std::uint64_t stream) {
    std::vector<std::uint32_t> ids(count);
    for (std::size_t i = 0; i < count; ++i) ids[i] = philox(2025, stream, i)[0] % bound;
    return ids;
}

/// Every `every`-th value replaced by what arithmetic must survive.
inline std::vector<float> among_extremes(std::vector<float> values, std::size_t every) {
    const float extremes[] = {0.0F,   -0.0F,   std::numeric_limits<float>::infinity(),
                              1e-42F, -1e-30F, -std::numeric_limits<float>::quiet_NaN(),
                              3e38F,  -3e38F,  -std::numeric_limits<float>::infinity()};
    for (std::size_t i = every / 2, next = 0; i < values.size(); i += every, ++next)
        values[i] = extremes[next % std::size(extremes)];
    return values;
}

/// Empty if the bits agree, else where they first do not.
inline std::string bits_differ(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return "sizes differ";
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::memcmp(&a[i], &b[i], sizeof(float)) == 0) continue;
        char text[96];
        std::snprintf(text, sizeof text, "element %zu: %a against %a", i, static_cast<double>(a[i]),
                      static_cast<double>(b[i]));
        return text;
    }
    return {};
}

/// FNV-1a over the bits, little-endian, continuing from `hash`.
inline std::uint64_t fnv1a(const std::vector<float>& values,
                           std::uint64_t hash = 0xcbf29ce484222325) {
    for (const float value : values) {
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        for (int shift = 0; shift < 32; shift += 8)
            hash = (hash ^ (bits >> shift & 0xFF)) * 0x100000001b3;
    }
    return hash;
}

inline std::uint64_t fnv1a(const Results& results) {
    std::uint64_t hash = fnv1a(results.front());
    for (std::size_t i = 1; i < results.size(); ++i) hash = fnv1a(results[i], hash);
    return hash;
}

}  // namespace cairn::tensor
