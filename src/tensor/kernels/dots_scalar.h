// Products of quants in plain C++: for processors without a kernel set of their own, and the
// plainest statement of what the operations mean. The other dots_*.h do the same in registers;
// quantised_body.h is a template over them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/kernels/exact_fma.h"
#include "tensor/kv_type.h"

namespace cairn::tensor::kernels {

struct DotsScalar {
    /// Outputs in a vector, rows of activations in a tile, vectors in a tile.
    static constexpr std::size_t kLanes = 16;
    static constexpr std::size_t kTileRows = 2;
    static constexpr std::size_t kTileVectors = 1;
    /// Steps that one dot() takes: 1 or 2.
    static constexpr std::size_t kSteps = 2;
    /// Whether prepare() takes the bias of 128 off full bytes, so that sums of them start at 0
    /// instead of -128 * sum(a).
    static constexpr bool kSignsWide = true;

    struct Floats {
        float v[kLanes];
    };
    struct Sums {
        std::int32_t v[kLanes];
    };
    /// Four unsigned quants of each of the outputs, as stored.
    struct Quants {
        std::uint32_t v[kLanes];
    };
    /// What dot() takes: the quants, sign-extended.
    struct Operand {
        std::int16_t v[4 * kLanes];
    };

    template <typename Result, typename Function>
    static inline Result map(const Function& function) {
        Result result;
        for (std::size_t i = 0; i < kLanes; ++i) result.v[i] = function(i);
        return result;
    }

    static Floats set1(float x) {
        return map<Floats>([&](std::size_t) { return x; });
    }
    static Floats load(const float* p) {
        return map<Floats>([&](std::size_t i) { return p[i]; });
    }
    static void store(float* p, const Floats& a) { std::memcpy(p, a.v, sizeof a.v); }
    /// The first n lanes.
    static void store_n(float* p, const Floats& a, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) p[i] = a.v[i];
    }
    static Floats add(const Floats& a, const Floats& b) {
        return map<Floats>([&](std::size_t i) { return a.v[i] + b.v[i]; });
    }
    static Floats mul(const Floats& a, const Floats& b) {
        return map<Floats>([&](std::size_t i) { return a.v[i] * b.v[i]; });
    }
    /// a * b + c, rounded once.
    static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
        return map<Floats>([&](std::size_t i) { return exact_fma(a.v[i], b.v[i], c.v[i]); });
    }
    /// The one NaN for every NaN.
    static Floats canonical(const Floats& a) {
        return map<Floats>([&](std::size_t i) {
            return a.v[i] == a.v[i] ? a.v[i] : std::bit_cast<float>(0x7FC00000U);
        });
    }
    /// Scales of the lanes: 16-bit floats, bytes without and with a sign.
    static Floats f16(const std::uint8_t* p) {
        return map<Floats>([&](std::size_t i) {
            return f16_to_f32(static_cast<std::uint16_t>(p[2 * i] | p[2 * i + 1] << 8));
        });
    }
    static Floats u8(const std::uint8_t* p) {
        return map<Floats>([&](std::size_t i) { return static_cast<float>(p[i]); });
    }
    static Floats s8(const std::uint8_t* p) {
        return map<Floats>(
            [&](std::size_t i) { return static_cast<float>(static_cast<std::int8_t>(p[i])); });
    }

    static Sums set1_sum(std::int32_t x) {
        return map<Sums>([&](std::size_t) { return x; });
    }
    /// Partial sums: int32 bits, kept in a buffer of floats.
    static Sums load_sums(const float* p) {
        return map<Sums>([&](std::size_t i) { return std::bit_cast<std::int32_t>(p[i]); });
    }
    static void store_sums(float* p, const Sums& a) { std::memcpy(p, a.v, sizeof a.v); }
    static Floats to_floats(const Sums& a) {
        return map<Floats>([&](std::size_t i) { return static_cast<float>(a.v[i]); });
    }

    static Quants load_quants(const std::uint8_t* p) {
        Quants quants;
        std::memcpy(quants.v, p, sizeof quants.v);
        return quants;
    }
    /// The low and the high nibble of every byte.
    static Quants low(const Quants& a) {
        return map<Quants>([&](std::size_t i) { return a.v[i] & 0x0F0F0F0FU; });
    }
    static Quants high(const Quants& a) {
        return map<Quants>([&](std::size_t i) { return a.v[i] >> 4 & 0x0F0F0F0FU; });
    }
    /// a with the bits kMask << kShift of the plane's bytes as bits 4 up.
    template <std::size_t kShift, int kMask>
    static Quants with_high(const Quants& a, const Quants& plane) {
        constexpr std::uint32_t kBits = static_cast<std::uint32_t>(kMask) * 0x01010101U;
        return map<Quants>(
            [&](std::size_t i) { return a.v[i] | (plane.v[i] >> kShift & kBits) << 4; });
    }
    /// kWide: quants use all eight bits; else they are below 64.
    template <bool kWide>
    static Operand prepare(const Quants& a) {
        Operand operand;
        std::uint8_t bytes[4 * kLanes];
        std::memcpy(bytes, a.v, sizeof bytes);
        for (std::size_t i = 0; i < 4 * kLanes; ++i)
            operand.v[i] = static_cast<std::int16_t>(bytes[i] - (kWide ? 128 : 0));
        return operand;
    }
    /// sums + the products of kSteps steps with the words a[0], a[stride]: four quants each.
    static Sums dot(const Sums& sums, const Operand (&w)[kSteps], const std::int32_t* a,
                    std::size_t stride) {
        Sums result = sums;
        for (std::size_t step = 0; step < kSteps; ++step) {
            std::int8_t q[4];
            std::memcpy(q, a + step * stride, 4);
            for (std::size_t i = 0; i < kLanes; ++i)
                result.v[i] += w[step].v[4 * i] * q[0] + w[step].v[4 * i + 1] * q[1] +
                               w[step].v[4 * i + 2] * q[2] + w[step].v[4 * i + 3] * q[3];
        }
        return result;
    }
};

}  // namespace cairn::tensor::kernels
