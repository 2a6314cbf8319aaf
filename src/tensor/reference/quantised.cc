// N2, as quantised.h states it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tensor/elementary.h"
#include "tensor/matmul.h"
#include "tensor/quantised_format.h"
#include "tensor/quantised_kernels.h"

namespace cairn::tensor {

namespace {

/// One group of a token's activations. In W8A8-row every group of a token has the same scale.
struct Activations {
    float scale;
    std::int32_t q[kQuantGroup];
};

std::size_t groups_of(std::size_t cols) { return (cols + kQuantGroup - 1) / kQuantGroup; }

/// The scale of `count` activations that are quantised together.
float activation_scale(const float* x, std::size_t count) {
    float largest = 0.0F;
    for (std::size_t i = 0; i < count; ++i) {
        if (!(std::fabs(x[i]) <= std::numeric_limits<float>::max()))
            return std::bit_cast<float>(0x7FC00000U);
        largest = std::max(largest, std::fabs(x[i]));
    }
    return largest < 0x1p-100F ? 0.0F : largest / 127.0F;
}

std::int32_t round_half_even(float x) {
    const auto down = static_cast<std::int32_t>(x) - (x < 0.0F ? 1 : 0);
    const float rest = x - static_cast<float>(down);  // exact, in [0, 1]
    if (rest > 0.5F || (rest == 0.5F && down % 2 != 0)) return down + 1;
    return down;
}

std::int32_t quantised(float x, float scale) {
    if (!(scale > 0.0F)) return 0;  // zero or NaN
    return std::clamp(round_half_even(x / scale), -127, 127);
}

std::size_t activation_bytes(WeightType, std::size_t rows, std::size_t cols) {
    return rows * groups_of(cols) * sizeof(Activations);
}

void quantise_rows(WeightType type, ConstMatrix a, std::size_t begin, std::size_t end, void* out) {
    for (std::size_t i = begin; i < end; ++i) {
        Activations* groups = static_cast<Activations*>(out) + i * groups_of(a.cols);
        const bool one_scale = type == WeightType::kW8A8Row;
        const float row_scale = one_scale ? activation_scale(a.row(i), a.cols) : 0.0F;
        for (std::size_t g = 0; g < groups_of(a.cols); ++g) {
            const std::size_t first = g * kQuantGroup;
            const std::size_t count = std::min(kQuantGroup, a.cols - first);
            const float* x = a.row(i) + first;
            groups[g].scale = one_scale ? row_scale : activation_scale(x, count);
            for (std::size_t k = 0; k < kQuantGroup; ++k)
                groups[g].q[k] = k < count ? quantised(x[k], groups[g].scale) : 0;
        }
    }
}

std::int32_t dot(const std::int32_t* a, const std::int32_t* b, std::size_t count) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

/// acc and one group's contribution.
float add_group(WeightType type, const Activations& a, const QuantisedGroup& w, float acc) {
    if (type == WeightType::kQ6K) {
        for (std::size_t half = 0; half < 2; ++half)
            acc = std::fma(static_cast<float>(dot(a.q + 16 * half, w.q + 16 * half, 16)),
                           w.scale[half] * a.scale, acc);
        return acc;
    }
    acc = std::fma(static_cast<float>(dot(a.q, w.q, kQuantGroup)), w.scale[0] * a.scale, acc);
    if (has_minima(type)) {
        std::int32_t sum = 0;
        for (const std::int32_t q : a.q) sum += q;
        acc = std::fma(w.minimum, -(static_cast<float>(sum) * a.scale), acc);
    }
    return acc;
}

float grouped_product(const Activations* a, const Weight& w, std::size_t row) {
    constexpr std::size_t kGroupsInChunk = kChunk / kQuantGroup;
    float result = 0.0F;
    for (std::size_t chunk = 0; chunk < quantised_groups(w); chunk += kGroupsInChunk) {
        float sum = 0.0F;
        for (std::size_t g = chunk; g < std::min(chunk + kGroupsInChunk, quantised_groups(w)); ++g)
            sum = add_group(w.type, a[g], quantised_group(w, row, g), sum);
        result += sum;
    }
    return result;
}

float w8a8_product(const Activations* a, const Weight& w, std::size_t row) {
    std::int32_t sum = 0;
    for (std::size_t g = 0; g < quantised_groups(w); ++g)
        sum += dot(a[g].q, quantised_group(w, row, g).q, kQuantGroup);
    return static_cast<float>(sum) * (quantised_group(w, row, 0).scale[0] * a[0].scale);
}

void product(const void* activations, const Weight& w, Matrix c, std::size_t begin,
             std::size_t end) {
    const auto* a = static_cast<const Activations*>(activations);
    for (std::size_t i = 0; i < c.rows; ++i, a += groups_of(w.cols))
        for (std::size_t j = begin * kQuantPanel; j < std::min(end * kQuantPanel, w.rows); ++j)
            c.row(i)[j] = canonical(w.type == WeightType::kW8A8Row ? w8a8_product(a, w, j)
                                                                   : grouped_product(a, w, j));
}

}  // namespace

const QuantisedKernels* reference_quantised_kernels() {
    static constexpr QuantisedKernels kTable = {1, 1, activation_bytes, quantise_rows, product};
    return &kTable;
}

}  // namespace cairn::tensor
