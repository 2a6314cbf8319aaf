// CONSENSUS: changing a result here splits the network.
#include "codec/sketch_matrix.h"

#include <array>
#include <bit>
#include <numeric>

#include "base/check.h"
#include "codec/matrix_tile.h"

namespace cairn::codec {

namespace {

using chain::CodecKind;

bool is_minus(std::span<const std::uint32_t> words, std::size_t bit) {
    return (words[bit / 32] >> (bit % 32) & 1U) != 0;
}

/// Words that hold a sign for each of so many.
std::size_t sign_words(std::size_t count) { return (count + 31) / 32; }

int rotations(CodecKind kind) { return kind == chain::kSrht2 ? 2 : 1; }

/// W of srht_kernels.h, of any order that is a power of four.
std::int64_t walsh_entry(std::size_t dim, std::size_t i, std::size_t j) {
    const int half = std::countr_zero(dim) / 2;
    const std::size_t swapped = (j >> half) | ((j & ((std::size_t{1} << half) - 1)) << half);
    return std::popcount(i & swapped) % 2 != 0 ? -1 : 1;
}

/// Row i of W D, or of W D' W D.
std::vector<std::int64_t> rotation_row(CodecKind kind, std::size_t dim, std::size_t i,
                                       std::span<const std::uint32_t> words) {
    std::vector<std::int64_t> row(dim);
    const std::size_t each = sign_words(dim);
    const auto first = words.first(each);
    if (rotations(kind) == 1) {
        for (std::size_t j = 0; j < dim; ++j)
            row[j] = walsh_entry(dim, i, j) * (is_minus(first, j) ? -1 : 1);
        return row;
    }
    const auto second = words.subspan(each, each);
    for (std::size_t j = 0; j < dim; ++j) {
        for (std::size_t k = 0; k < dim; ++k)
            row[j] +=
                walsh_entry(dim, i, k) * (is_minus(second, k) ? -1 : 1) * walsh_entry(dim, k, j);
        if (is_minus(first, j)) row[j] = -row[j];
    }
    return row;
}

void fill_rotation(CodecKind kind, std::span<const std::uint32_t> words, SketchMatrix& matrix) {
    const std::size_t dim = matrix.dim;
    CHECK(std::has_single_bit(dim) && std::countr_zero(dim) % 2 == 0 && matrix.rows <= dim);
    const int log2_dim = std::countr_zero(dim);
    matrix.shift = std::countr_zero(matrix.rows) + (rotations(kind) - 1) * log2_dim;
    std::vector<std::size_t> rows(dim);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const auto choices = words.subspan(static_cast<std::size_t>(rotations(kind)) * sign_words(dim));
    for (std::size_t j = 0; j < matrix.rows; ++j) {
        const std::uint64_t other = std::uint64_t{choices[j]} * (dim - j) >> 32;
        std::swap(rows[j], rows[j + static_cast<std::size_t>(other)]);
        const auto row = rotation_row(kind, dim, rows[j], words);
        std::copy(row.begin(), row.end(),
                  matrix.entries.begin() + static_cast<std::ptrdiff_t>(j * dim));
    }
}

void fill_columns(CodecKind kind, std::span<const std::uint32_t> words, SketchMatrix& matrix) {
    const std::size_t each = entries_per_column(kind, matrix.rows);
    for (std::size_t j = 0; j < matrix.dim; ++j) {
        std::array<std::uint16_t, kSparseEntries> taken{};
        for (std::size_t e = 0; e < each; ++e) {
            const std::uint32_t word = words[j * each + e];
            taken[e] = entry_row(kind, matrix.rows, e, word, std::span(taken).first(e));
            matrix.entries[taken[e] * matrix.dim + j] = (word & 1U) != 0 ? -1 : 1;
        }
    }
}

}  // namespace

std::size_t sketch_words(CodecKind kind, std::size_t dim, std::size_t rows) {
    if (chain::is_rotation(kind))
        return static_cast<std::size_t>(rotations(kind)) * sign_words(dim) + rows;
    if (kind == chain::kGaussian) return rows * dim;
    if (kind == chain::kAms) return sign_words(rows * dim);
    return dim * entries_per_column(kind, rows);
}

SketchMatrix sketch_matrix(CodecKind kind, std::size_t dim, std::size_t rows,
                           std::span<const std::uint32_t> words) {
    CHECK(kind != CodecKind::kDense && std::has_single_bit(rows) &&
          words.size() == sketch_words(kind, dim, rows));
    SketchMatrix matrix{rows, dim, 0, std::vector<std::int64_t>(rows * dim)};
    if (chain::is_rotation(kind)) {
        fill_rotation(kind, words, matrix);
        return matrix;
    }
    matrix.shift = matrix_shift(kind, rows);
    if (!chain::is_dense_sketch(kind)) {
        fill_columns(kind, words, matrix);
        return matrix;
    }
    for (std::size_t i = 0; i < matrix.entries.size(); ++i)
        matrix.entries[i] =
            kind == chain::kAms ? (is_minus(words, i) ? -1 : 1) : std::popcount(words[i]) - 16;
    return matrix;
}

}  // namespace cairn::codec
