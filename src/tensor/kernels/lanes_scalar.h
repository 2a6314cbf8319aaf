// CONSENSUS: changing a result here splits the network.
//
// Sixteen lanes of fp32 as an array: for processors without a kernel set of their own, and the
// plainest statement of what the lane operations mean. The other lanes_*.h do the same in
// registers; kernel bodies are templates over them.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tensor/kernels/exact_fma.h"
#include "tensor/kv_type.h"

namespace cairn::tensor::kernels {

struct LanesScalar {
    float v[16];
    using L = LanesScalar;
    using Mask = std::uint32_t;  // bit i for lane i

    // The register tile of a matrix product: rows of A by groups of 16 columns of B.
    static constexpr std::size_t kTileRows = 4;
    static constexpr std::size_t kTileLanes = 1;
    static constexpr std::size_t kBlockChunks = 4;

    template <typename Function>
    static inline L map(const Function& function) {
        L result;
        for (std::size_t i = 0; i < 16; ++i) result.v[i] = function(i);
        return result;
    }

    static L zero() { return set1(0.0F); }
    static L set1(float x) {
        return map([&](std::size_t) { return x; });
    }
    static L load(const float* p) {
        return map([&](std::size_t i) { return p[i]; });
    }
    /// The first n lanes from memory, +0 in the others.
    static L load_n(const float* p, std::size_t n) {
        return map([&](std::size_t i) { return i < n ? p[i] : 0.0F; });
    }
    /// Sixteen fp16 or bf16 numbers, widened exactly.
    static L load_f16(const std::uint16_t* p) {
        return map([&](std::size_t i) { return f16_to_f32(p[i]); });
    }
    static L load_bf16(const std::uint16_t* p) {
        return map([&](std::size_t i) { return bf16_to_f32(p[i]); });
    }
    static void store(float* p, const L& a) { store_n(p, a, 16); }
    static void store_n(float* p, const L& a, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) p[i] = a.v[i];
    }

    static L add(const L& a, const L& b) {
        return map([&](std::size_t i) { return a.v[i] + b.v[i]; });
    }
    static L sub(const L& a, const L& b) {
        return map([&](std::size_t i) { return a.v[i] - b.v[i]; });
    }
    static L mul(const L& a, const L& b) {
        return map([&](std::size_t i) { return a.v[i] * b.v[i]; });
    }
    static L div(const L& a, const L& b) {
        return map([&](std::size_t i) { return a.v[i] / b.v[i]; });
    }
    static L sqrt(const L& a) {
        return map([&](std::size_t i) { return std::sqrt(a.v[i]); });
    }
    /// a * b + c, rounded once.
    static L fma(const L& a, const L& b, const L& c) {
        return map([&](std::size_t i) { return exact_fma(a.v[i], b.v[i], c.v[i]); });
    }
    /// a > b ? a : b; so b where either is NaN or both are zero.
    static L max(const L& a, const L& b) {
        return map([&](std::size_t i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
    }
    static L neg(const L& a) {
        return map([&](std::size_t i) { return -a.v[i]; });
    }
    static L abs(const L& a) {
        return map([&](std::size_t i) { return std::fabs(a.v[i]); });
    }

    /// The first n lanes.
    static Mask first(std::size_t n) { return (1U << n) - 1U; }
    static Mask less(const L& a, const L& b) {
        Mask mask = 0;
        for (std::size_t i = 0; i < 16; ++i) mask |= static_cast<Mask>(a.v[i] < b.v[i]) << i;
        return mask;
    }
    static Mask is_nan(const L& a) {
        Mask mask = 0;
        for (std::size_t i = 0; i < 16; ++i) mask |= static_cast<Mask>(a.v[i] != a.v[i]) << i;
        return mask;
    }
    static L select(Mask mask, const L& yes, const L& no) {
        return map([&](std::size_t i) { return (mask >> i & 1U) != 0 ? yes.v[i] : no.v[i]; });
    }

    /// a * 2^n by adding n to the exponent; meaningless, but harmless, when that leaves the normal
    /// numbers or n is no integer.
    static L scale_by_power(const L& a, const L& n) {
        return map([&](std::size_t i) {
            const float power = n.v[i] > -200.0F && n.v[i] < 200.0F ? n.v[i] : 0.0F;
            const auto shift = static_cast<std::uint32_t>(static_cast<std::int32_t>(power)) << 23;
            return std::bit_cast<float>(std::bit_cast<std::uint32_t>(a.v[i]) + shift);
        });
    }

    /// Lanes 2i and 2i + 1 change places.
    static L swap_pairs(const L& a) {
        return map([&](std::size_t i) { return a.v[i ^ 1]; });
    }
    /// Lanes 2i and 2i + 1 are p[i] for i < n <= 8, +0 beyond.
    static L spread_n(const float* p, std::size_t n) {
        return map([&](std::size_t i) { return i / 2 < n ? p[i / 2] : 0.0F; });
    }
    static Mask odd() { return 0xAAAA; }

    /// The sum of the lanes, folded 8, 4, 2, 1.
    static float fold(L a) {
        for (std::size_t width = 8; width >= 1; width /= 2)
            for (std::size_t i = 0; i < width; ++i) a.v[i] += a.v[i + width];
        return a.v[0];
    }

    /// x[j] lane i becomes x[i] lane j.
    static void transpose(L (&x)[16], std::size_t = 16) {
        for (std::size_t i = 0; i < 16; ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                const float kept = x[i].v[j];
                x[i].v[j] = x[j].v[i];
                x[j].v[i] = kept;
            }
        }
    }
};

}  // namespace cairn::tensor::kernels
