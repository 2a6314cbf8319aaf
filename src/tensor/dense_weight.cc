// CONSENSUS: changing a result here splits the network.
#include "tensor/dense_weight.h"

#include <algorithm>
#include <cstring>

#include "base/float_mode.h"
#include "tensor/kernels.h"
#include "tensor/kv_type.h"
#include "tensor/products.h"

namespace cairn::tensor {

namespace {

std::size_t panels_of(std::size_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

}  // namespace

float dense_element(WeightType type, const void* data, std::size_t index) {
    if (type == WeightType::kF32) {
        float value;
        std::memcpy(&value, static_cast<const std::byte*>(data) + index * 4, 4);
        return value;
    }
    std::uint16_t bits;
    std::memcpy(&bits, static_cast<const std::byte*>(data) + index * 2, 2);
    return type == WeightType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

std::size_t dense_bytes(WeightType type) { return type == WeightType::kF32 ? 4 : 2; }

std::size_t dense_packed_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    return panels_of(rows) * kPanelRows * cols * dense_bytes(type);
}

namespace {

/// Rows [16 * begin, 16 * end) of w as panels.
void pack_panels(const Weight& w, std::size_t begin, std::size_t end, void* out) {
    const std::size_t size = dense_bytes(w.type);
    const auto* from = static_cast<const std::byte*>(w.data);
    auto* next = static_cast<std::byte*>(out);
    for (std::size_t panel = begin; panel < end; ++panel) {
        for (std::size_t k = 0; k < w.cols; ++k) {
            for (std::size_t j = 0; j < kPanelRows; ++j, next += size) {
                const std::size_t row = panel * kPanelRows + j;
                if (row < w.rows)
                    std::memcpy(next, from + (row * w.cols + k) * size, size);
                else
                    std::memset(next, 0, size);
            }
        }
    }
}

/// Columns of C that one task computes: what the kernels stream at once.
constexpr std::size_t kColumnGrain = 4 * kPanelRows;

/// Where A has many rows each task packs all of A for itself, so there are few tasks: yet some for
/// each thread, since one that is disturbed leaves some of its own to the others.
std::size_t columns_grain(const Compute& compute, ConstMatrix a,
                          std::span<const Product> products) {
    constexpr std::size_t kFewRows = 12;
    constexpr std::size_t kTasksPerThread = 4;
    std::size_t columns = grain_for(a.rows * a.cols);
    if (a.rows > kFewRows && compute.pool != nullptr) {
        std::size_t total = 0;
        for (const Product& product : products) total += product.w.rows;
        const std::size_t tasks = kTasksPerThread * compute.pool->size();
        columns = std::max(columns, (total + tasks - 1) / tasks);
    }
    return (columns + kColumnGrain - 1) / kColumnGrain * kColumnGrain;
}

/// Columns [begin, end) of C from weights that are packed already.
void product_of_panels(const Compute& compute, ConstMatrix a, const Product& product,
                       std::size_t begin, std::size_t end) {
    const Weight& w = product.w;
    const auto* panels = static_cast<const std::byte*>(w.data);
    compute.kernels->matmul_packed(a, w.type, panels + begin * w.cols * dense_bytes(w.type),
                                   product.c.column_range(begin, end - begin));
}

/// The same from canonical weights. Whoever multiplies often packs once; here each group of rows is
/// packed for its one use.
void product_of_rows(const Compute& compute, ConstMatrix a, const Product& product,
                     std::size_t begin, std::size_t end) {
    const Weight& w = product.w;
    float* panels = thread_scratch(kColumnGrain * w.cols / 2, Scratch::kOperator);
    for (std::size_t j = begin; j < end; j += kColumnGrain) {
        const std::size_t here = std::min(kColumnGrain, end - j);
        pack_panels(w, j / kPanelRows, j / kPanelRows + panels_of(here), panels);
        compute.kernels->matmul_packed(a, w.type, panels, product.c.column_range(j, here));
    }
}

}  // namespace

Weight pack_dense(const Compute& compute, const Weight& w, void* out) {
    const std::size_t panel_bytes = kPanelRows * w.cols * dense_bytes(w.type);
    split(compute, panels_of(w.rows), 1, [&](std::size_t begin, std::size_t end) {
        pack_panels(w, begin, end, static_cast<std::byte*>(out) + begin * panel_bytes);
    });
    return {w.type, w.rows, w.cols, out, true};
}

void dense_row(const Weight& w, std::size_t row, float* out) {
    const std::size_t panel = row / kPanelRows * kPanelRows * w.cols + row % kPanelRows;
    for (std::size_t k = 0; k < w.cols; ++k)
        out[k] =
            dense_element(w.type, w.data, w.packed ? panel + k * kPanelRows : row * w.cols + k);
}

void matmul_nt_dense(const Compute& compute, ConstMatrix a, std::span<const Product> products) {
    check_float_mode();
    split_products(compute, products, columns_grain(compute, a, products),
                   [&](const Product& product, std::size_t begin, std::size_t end) {
                       const auto part = product.w.packed ? product_of_panels : product_of_rows;
                       part(compute, a, product, begin, end);
                   });
}

void narrow_dense(ConstMatrix values, WeightType type, void* out) {
    auto* to = static_cast<std::byte*>(out);
    for (std::size_t i = 0; i < values.rows; ++i) {
        for (std::size_t k = 0; k < values.cols; ++k, to += dense_bytes(type)) {
            const float value = values.row(i)[k];
            const std::uint16_t bits =
                type == WeightType::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
            if (type == WeightType::kF32)
                std::memcpy(to, &value, 4);
            else
                std::memcpy(to, &bits, 2);
        }
    }
}

}  // namespace cairn::tensor
