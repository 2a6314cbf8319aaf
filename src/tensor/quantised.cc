#include "tensor/quantised.h"

#include <algorithm>
#include <cmath>

#include "base/float_mode.h"
#include "tensor/products.h"
#include "tensor/quantised_format.h"
#include "tensor/quantised_kernels.h"

namespace cairn::tensor {

namespace {

std::size_t panels_of(std::size_t rows) { return (rows + kQuantPanel - 1) / kQuantPanel; }

void check_shape(WeightType type, std::size_t cols) {
    CHECK(cols > 0 && cols % weight_group(type) == 0);
    CHECK(type != WeightType::kW8A8Row || cols <= kMaxW8A8Columns);
}

/// Rows [first, first + a.rows) of every C; so many that their quantised form fits into scratch.
void product(const Compute& compute, ConstMatrix a, std::span<const Product> products,
             std::size_t first) {
    constexpr std::size_t kWorthAThread = std::size_t{1} << 18;
    const QuantisedKernels& kernels = quantised_kernels_of(*compute.kernels);
    const WeightType type = products.front().w.type;
    const std::size_t bytes = kernels.activation_bytes(type, a.rows, a.cols);
    void* const activations = thread_scratch((bytes + 3) / 4, Scratch::kOperator);
    const auto quantise_part = [&](std::size_t begin, std::size_t end) {
        kernels.quantise_rows(type, a, begin, end, activations);
    };
    const auto product_part = [&](const Product& p, std::size_t begin, std::size_t end) {
        kernels.product(activations, p.w, p.c.row_range(first, a.rows), begin / kQuantPanel,
                        panels_of(end));
    };
    if (a.rows * a.cols < kWorthAThread)
        quantise_part(0, a.rows);
    else
        split(compute, a.rows, kernels.row_grain, quantise_part);
    std::size_t outputs = 0;
    for (const Product& p : products) outputs += p.w.rows;
    if (a.rows * a.cols * outputs < kWorthAThread)
        for (const Product& p : products) product_part(p, 0, p.w.rows);
    else
        split_products(compute, products, kernels.panel_grain * kQuantPanel, product_part);
}

}  // namespace

const QuantisedKernels& quantised_kernels_of(const Kernels& kernels) {
    const QuantisedKernels* found = nullptr;
    switch (kernel_set_of(kernels)) {
        case KernelSet::kReference:
            found = reference_quantised_kernels();
            break;
        case KernelSet::kScalar:
            found = scalar_quantised_kernels();
            break;
        case KernelSet::kAvx2:
            found = avx2_quantised_kernels();
            break;
        case KernelSet::kAvx512:
            found = avx512_quantised_kernels();
            break;
        case KernelSet::kNeon:
            found = neon_quantised_kernels();
            break;
    }
    CHECK(found != nullptr);
    return *found;
}

std::size_t quantised_packed_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    check_shape(type, cols);
    return panels_of(rows) * panel_bytes(type, cols);
}

Weight pack_quantised(const Compute& compute, const Weight& w, void* out) {
    check_shape(w.type, w.cols);
    CHECK(!w.packed);
    const std::size_t chunk_bytes = chunk_layout(w.type, chunk_columns(w.type)).bytes;
    const std::size_t chunks = (w.cols + chunk_columns(w.type) - 1) / chunk_columns(w.type);
    split(compute, panels_of(w.rows), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t panel = begin; panel < end; ++panel) {
            auto* to = static_cast<std::uint8_t*>(out) + panel * panel_bytes(w.type, w.cols);
            pack_panel_head(w, panel, to);
            to += panel_head_bytes(w.type);
            for (std::size_t chunk = 0; chunk < chunks; ++chunk)
                pack_chunk(w, panel, chunk, to + chunk * chunk_bytes);
        }
    });
    return {w.type, w.rows, w.cols, out, true};
}

void matmul_nt_quantised(const Compute& compute, ConstMatrix a, std::span<const Product> products) {
    constexpr std::size_t kMostRows = 768;
    for (const Product& p : products) check_shape(p.w.type, p.w.cols);
    check_float_mode();
    for (std::size_t i = 0; i < a.rows; i += kMostRows)
        product(compute, a.row_range(i, std::min(kMostRows, a.rows - i)), products, i);
}

void quantised_row(const Weight& w, std::size_t row, float* out) {
    for (std::size_t g = 0; g < quantised_groups(w); ++g) {
        const QuantisedGroup group = quantised_group(w, row, g);
        const std::size_t first = g * kQuantGroup;
        for (std::size_t i = 0; i < std::min(kQuantGroup, w.cols - first); ++i)
            out[first + i] =
                std::fma(group.scale[i / 16], static_cast<float>(group.q[i]), -group.minimum);
    }
}

}  // namespace cairn::tensor
