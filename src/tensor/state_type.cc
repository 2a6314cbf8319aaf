#include "tensor/state_type.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.h"
#include "tensor/elementary_constants.h"
#include "tensor/kv_type.h"

namespace cairn::tensor {

namespace {

// The scale keeps 17 significant bits, so that 127 times it is exact.
constexpr std::uint32_t kScaleStep = 0x80U;

// The scale of a row: its largest magnitude / 127, rounded up to kScaleStep; 0 for a row that is
// all but zero, NaN for one that has none.
float scale_of(std::span<const float> row) {
    float most = 0.0F;
    bool finite = true;
    for (const float x : row) {
        const float magnitude = std::fabs(x);
        finite &= magnitude < INFINITY;  // false for NaN too
        most = magnitude > most ? magnitude : most;
    }
    if (!finite) return std::bit_cast<float>(kNanBits);
    const float exact = most / 127.0F;
    if (exact < 0x1p-126F) return 0.0F;  // a subnormal one would have too few bits
    const auto bits = std::bit_cast<std::uint32_t>(exact);
    const float scale = std::bit_cast<float>((bits + kScaleStep - 1) & ~(kScaleStep - 1));
    return scale * 127.0F < INFINITY ? scale : std::bit_cast<float>(kNanBits);
}

// x / scale to the nearest whole number, halves to even: -127 to 127.
int steps_of(float x, float scale) {
    // Adding 1.5 * 2^23 leaves a sum whose last place is 1, so it rounds as f32 does.
    constexpr float kShift = 0x1.8p23F;
    return scale == 0.0F ? 0 : static_cast<int>((x / scale + kShift) - kShift);
}

}  // namespace

std::string_view state_type_name(StateType type) {
    switch (type) {
        case StateType::kF32:
            return "f32";
        case StateType::kF16:
            return "f16";
        case StateType::kI8:
            return "i8";
    }
    return "unknown";
}

Result<StateType> parse_state_type(std::string_view name) {
    for (const StateType type : {StateType::kF32, StateType::kF16, StateType::kI8})
        if (name == state_type_name(type)) return type;
    return invalid("unknown type of hidden states '" + std::string(name) +
                   "'; the types are f32, f16, i8");
}

std::size_t state_row_bytes(StateType type, std::size_t dim) {
    switch (type) {
        case StateType::kF32:
            return 4 * dim;
        case StateType::kF16:
            return 2 * dim;
        case StateType::kI8:
            return 4 + dim;
    }
    return 0;
}

void round_states(StateType type, std::size_t dim, std::span<float> x) {
    CHECK(dim > 0 && x.size() % dim == 0);
    if (type == StateType::kF16) round_to_kv_type(KvType::kF16, x.size(), x.data());
    if (type != StateType::kI8) return;
    for (std::size_t at = 0; at < x.size(); at += dim) {
        const std::span<float> row = x.subspan(at, dim);
        const float scale = scale_of(row);
        for (float& value : row)
            value = scale == scale ? static_cast<float>(steps_of(value, scale)) * scale : scale;
    }
}

void pack_states(StateType type, std::size_t dim, std::span<const float> x,
                 std::span<std::uint8_t> to) {
    CHECK(dim > 0 && x.size() % dim == 0);
    CHECK(to.size() == x.size() / dim * state_row_bytes(type, dim));
    std::uint8_t* out = to.data();
    switch (type) {
        case StateType::kF32:
            if (!x.empty()) std::memcpy(out, x.data(), x.size_bytes());
            return;
        case StateType::kF16:
            for (const float value : x) {
                const std::uint16_t half = f32_to_f16(value);
                std::memcpy(out, &half, sizeof half);
                out += sizeof half;
            }
            return;
        case StateType::kI8:
            for (std::size_t at = 0; at < x.size(); at += dim) {
                const std::span<const float> row = x.subspan(at, dim);
                const float scale = scale_of(row);
                std::memcpy(out, &scale, sizeof scale);
                out += sizeof scale;
                for (const float value : row)
                    *out++ = static_cast<std::uint8_t>(scale == scale ? steps_of(value, scale) : 0);
            }
    }
}

bool unpack_states(StateType type, std::size_t dim, std::span<const std::uint8_t> from,
                   std::span<float> x) {
    CHECK(dim > 0 && x.size() % dim == 0);
    CHECK(from.size() == x.size() / dim * state_row_bytes(type, dim));
    const std::uint8_t* in = from.data();
    switch (type) {
        case StateType::kF32:
            if (!x.empty()) std::memcpy(x.data(), in, x.size_bytes());
            return true;
        case StateType::kF16:
            for (float& value : x) {
                std::uint16_t half = 0;
                std::memcpy(&half, in, sizeof half);
                in += sizeof half;
                value = f16_to_f32(half);
                if (f32_to_f16(value) != half) return false;  // another NaN
            }
            return true;
        case StateType::kI8:
            for (std::size_t at = 0; at < x.size(); at += dim) {
                const std::span<float> row = x.subspan(at, dim);
                float scale = 0.0F;
                std::memcpy(&scale, in, sizeof scale);
                in += sizeof scale;
                bool same = true;
                for (float& value : row) {
                    const auto steps = static_cast<std::int8_t>(*in++);
                    value = scale == scale ? static_cast<float>(steps) * scale : scale;
                    same &= steps != -128 && ((scale == scale && scale != 0.0F) || steps == 0);
                }
                // A row has one spelling: the scale that rounding it would choose.
                const auto bits = std::bit_cast<std::uint32_t>(scale);
                if (!same || std::bit_cast<std::uint32_t>(scale_of(row)) != bits) return false;
            }
            return true;
    }
    return false;
}

}  // namespace cairn::tensor
