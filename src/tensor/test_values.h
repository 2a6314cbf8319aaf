// Values for the tests: numbers from Philox, and the comparison of bits.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tensor/compute.h"
#include "tensor/philox.h"

namespace cairn::tensor {

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

}  // namespace cairn::tensor
