// CONSENSUS: changing a result here splits the network.
#include "tensor/dense_weight.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tensor/kv_type.h"
#include "tensor/matmul.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

/// Element `index` of values stored as `type`; files give no more alignment than bytes.
float element(WeightType type, const void* data, std::size_t index) {
    if (type == WeightType::kF32) {
        float value;
        std::memcpy(&value, static_cast<const std::byte*>(data) + index * 4, 4);
        return value;
    }
    std::uint16_t bits;
    std::memcpy(&bits, static_cast<const std::byte*>(data) + index * 2, 2);
    return type == WeightType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

std::size_t panels_of(std::size_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

}  // namespace

std::size_t dense_bytes(WeightType type) { return type == WeightType::kF32 ? 4 : 2; }

std::size_t dense_packed_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    return panels_of(rows) * kPanelRows * cols * dense_bytes(type);
}

Weight pack_dense(const Compute& compute, const Weight& w, void* out) {
    const std::size_t size = dense_bytes(w.type);
    const auto* from = static_cast<const std::byte*>(w.data);
    auto* to = static_cast<std::byte*>(out);
    split(compute, panels_of(w.rows), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t panel = begin; panel < end; ++panel) {
            std::byte* next = to + panel * kPanelRows * w.cols * size;
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
    });
    return {w.type, w.rows, w.cols, out, true};
}

void dense_row(const Weight& w, std::size_t row, float* out) {
    const std::size_t panel = row / kPanelRows * kPanelRows * w.cols + row % kPanelRows;
    for (std::size_t k = 0; k < w.cols; ++k)
        out[k] = element(w.type, w.data, w.packed ? panel + k * kPanelRows : row * w.cols + k);
}

void matmul_nt_dense(const Compute& compute, ConstMatrix a, const Weight& w, Matrix c) {
    constexpr std::size_t kRows = 64;
    std::vector<float> wide(kRows * w.cols);
    for (std::size_t first = 0; first < w.rows; first += kRows) {
        const std::size_t rows = std::min(kRows, w.rows - first);
        for (std::size_t j = 0; j < rows; ++j) dense_row(w, first + j, wide.data() + j * w.cols);
        matmul_nt(compute, a, ConstMatrix(wide.data(), rows, w.cols), c.column_range(first, rows));
    }
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
