// CONSENSUS: changing a result here splits the network.
#include "tensor/weight.h"

#include <cstring>
#include <string>

#include "tensor/dense_weight.h"
#include "tensor/matmul.h"
#include "tensor/quantised.h"

namespace cairn::tensor {

namespace {

/// What the files' formats fix: bytes of a block of so many columns, and of a row besides them.
struct TypeInfo {
    WeightType type;
    std::string_view name;
    std::size_t group;
    std::size_t group_bytes;
    std::size_t row_head_bytes;
};

constexpr TypeInfo kTypes[] = {
    {WeightType::kF32, "f32", 1, 4, 0},      {WeightType::kF16, "f16", 1, 2, 0},
    {WeightType::kBf16, "bf16", 1, 2, 0},    {WeightType::kQ8_0, "q8_0", 32, 34, 0},
    {WeightType::kQ4_0, "q4_0", 32, 18, 0},  {WeightType::kW8A8Row, "w8a8-row", 4, 4, 4},
    {WeightType::kQ4K, "q4_k", 256, 144, 0}, {WeightType::kQ5K, "q5_k", 256, 176, 0},
    {WeightType::kQ6K, "q6_k", 256, 210, 0}, {WeightType::kQ4_1, "q4_1", 32, 20, 0},
    {WeightType::kQ5_0, "q5_0", 32, 22, 0},  {WeightType::kQ5_1, "q5_1", 32, 24, 0},
};

const TypeInfo& info_of(WeightType type) {
    const auto index = static_cast<std::size_t>(type);
    CHECK(index < std::size(kTypes) && kTypes[index].type == type);
    return kTypes[index];
}

bool is_dense(WeightType type) {
    return type == WeightType::kF32 || type == WeightType::kF16 || type == WeightType::kBf16;
}

}  // namespace

std::string_view weight_type_name(WeightType type) { return info_of(type).name; }

Result<WeightType> parse_weight_type(std::string_view name) {
    std::string names;
    for (const TypeInfo& info : kTypes) {
        if (name == info.name) return info.type;
        names.append(names.empty() ? "" : ", ").append(info.name);
    }
    return invalid("unknown weight type '" + std::string(name) + "'; the types are " + names);
}

std::size_t weight_group(WeightType type) { return info_of(type).group; }

std::size_t weight_row_bytes(WeightType type, std::size_t cols) {
    const TypeInfo& info = info_of(type);
    CHECK(cols % info.group == 0);
    return info.row_head_bytes + cols / info.group * info.group_bytes;
}

std::size_t Weight::canonical_bytes() const { return rows * weight_row_bytes(type, cols); }

std::span<const std::uint8_t> Weight::canonical() const {
    CHECK(!empty() && !packed);
    return {static_cast<const std::uint8_t*>(data), canonical_bytes()};
}

void matmul_nt(const Compute& compute, ConstMatrix a, const Weight& w, Matrix c) {
    const Product product{w, c};
    matmul_nt(compute, a, std::span(&product, 1));
}

void matmul_nt(const Compute& compute, ConstMatrix a, std::span<const Product> products) {
    while (!products.empty()) {
        const Weight& w = products.front().w;
        std::size_t count = 0;
        for (; count < products.size(); ++count) {
            const auto& [other, c] = products[count];
            CHECK(a.rows == c.rows && other.rows == c.cols && a.cols == other.cols);
            if (other.type != w.type || other.packed != w.packed) break;
        }
        if (w.is_dense_f32()) {
            for (const Product& p : products.first(count)) matmul_nt(compute, a, p.w.f32(), p.c);
        } else if (is_dense(w.type)) {
            matmul_nt_dense(compute, a, products.first(count));
        } else {
            matmul_nt_quantised(compute, a, products.first(count));
        }
        products = products.subspan(count);
    }
}

void weight_row(const Weight& w, std::size_t row, float* out) {
    CHECK(row < w.rows);
    if (is_dense(w.type))
        dense_row(w, row, out);
    else
        quantised_row(w, row, out);
}

std::size_t packed_bytes(WeightType type, std::size_t rows, std::size_t cols) {
    CHECK(cols % weight_group(type) == 0);
    return is_dense(type) ? dense_packed_bytes(type, rows, cols)
                          : quantised_packed_bytes(type, rows, cols);
}

Weight pack_weight(const Compute& compute, const Weight& w, void* out) {
    CHECK(!w.packed && reinterpret_cast<std::uintptr_t>(out) % 64 == 0);
    return is_dense(w.type) ? pack_dense(compute, w, out) : pack_quantised(compute, w, out);
}

bool can_take_rows(WeightType type, std::size_t count) {
    return is_dense(type) && count % kPanelRows == 0;
}

Weight weight_rows(const Weight& w, std::size_t begin, std::size_t count) {
    CHECK(begin + count <= w.rows);
    CHECK(!w.packed || (can_take_rows(w.type, begin) && can_take_rows(w.type, count)));
    // Whole panels take as many bytes as their rows do.
    const auto* data = static_cast<const std::byte*>(w.data);
    return {w.type, count, w.cols, data + begin * weight_row_bytes(w.type, w.cols), w.packed};
}

void matmul_nt_blocks(const Compute& compute, ConstMatrix x, const Weight& w, std::size_t blocks,
                      Matrix y) {
    CHECK(blocks > 0 && w.rows % blocks == 0);
    const std::size_t rows = w.rows / blocks;
    CHECK(x.cols == blocks * w.cols && y.cols == w.rows && x.rows == y.rows);
    if (blocks == 1) return matmul_nt(compute, x, w, y);
    for (std::size_t block = 0; block < blocks; ++block)
        matmul_nt(compute, x.column_range(block * w.cols, w.cols),
                  weight_rows(w, block * rows, rows), y.column_range(block * rows, rows));
}

Status quantise_weight(ConstMatrix values, WeightType type, void* out) {
    if (!is_dense(type)) return quantise(values, type, out);
    narrow_dense(values, type, out);
    return ok_status();
}

}  // namespace cairn::tensor
