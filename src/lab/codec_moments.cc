#include "lab/codec_moments.h"

#include <cmath>
#include <map>
#include <vector>

#include "chain/codec_kinds.h"
#include "codec/matrix_tile.h"
#include "codec/sketch_matrix.h"

namespace cairn::lab {

namespace {

using chain::CodecKind;

using Column = std::vector<std::int64_t>;
/// What a part of a matrix can be, and how probable each is.
using Chances = std::map<Column, double>;

/// A word from which the codec draws number `choice` of `choices`, odd or even as asked.
std::uint32_t word_for(std::uint64_t choice, std::uint64_t choices, bool odd) {
    const std::uint64_t word = ((choice << 32) + choices - 1) / choices;
    return static_cast<std::uint32_t>((word & 1U) == (odd ? 1U : 0U) ? word : word + 1);
}

/// The words that make a difference at one place of a column, and their chances.
std::vector<std::pair<std::uint32_t, double>> words_at(CodecKind kind, std::size_t rows,
                                                       std::size_t e) {
    std::vector<std::pair<std::uint32_t, double>> words;
    if (kind == chain::kGaussian) {
        double chance = std::exp2(-32);
        for (int set = 0; set <= 32; ++set) {
            words.emplace_back(static_cast<std::uint32_t>((std::uint64_t{1} << set) - 1), chance);
            chance *= static_cast<double>(32 - set) / (set + 1);
        }
        return words;
    }
    std::size_t choices = rows;
    if (kind == chain::kSparse1) choices = rows - codec::kSparseEntries + e + 1;
    if (kind == chain::kSparse2) choices = rows / codec::kSparseEntries;
    for (std::size_t choice = 0; choice < choices; ++choice)
        for (const bool odd : {false, true})
            words.emplace_back(word_for(choice, choices, odd), 0.5 / static_cast<double>(choices));
    return words;
}

/// Every column that a sketch can have, drawn by the codec from all words that differ.
Chances columns_of(CodecKind kind, std::size_t rows) {
    Chances columns;
    if (kind == chain::kAms) {
        for (std::uint32_t word = 0; word < std::uint32_t{1} << rows; ++word)
            columns[codec::sketch_matrix(kind, 1, rows, {&word, 1}).entries] +=
                std::exp2(-static_cast<double>(rows));
        return columns;
    }
    std::vector<std::uint32_t> words(codec::sketch_words(kind, 1, rows));
    const auto draw = [&](const auto& self, std::size_t e, double chance) -> void {
        if (e == words.size()) {
            columns[codec::sketch_matrix(kind, 1, rows, words).entries] += chance;
            return;
        }
        for (const auto& [word, own] : words_at(kind, rows, e)) {
            words[e] = word;
            self(self, e + 1, chance * own);
        }
    };
    draw(draw, 0, 1);
    return columns;
}

/// Takes one matrix (row by row, E[M^T M] = 2^shift I) into the means.
void take(const std::vector<std::int64_t>& m, std::size_t rows, int shift,
          std::span<const double> g, std::span<const double> h, double chance,
          CodecMoments& moments) {
    const std::size_t dim = g.size();
    std::vector<double> back(dim);
    double inner = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        double mg = 0, mh = 0;
        for (std::size_t j = 0; j < dim; ++j) {
            mg += static_cast<double>(m[i * dim + j]) * g[j];
            mh += static_cast<double>(m[i * dim + j]) * h[j];
        }
        inner += mg * mh;
        for (std::size_t j = 0; j < dim; ++j) back[j] += static_cast<double>(m[i * dim + j]) * mh;
    }
    const double scale = std::exp2(-shift);
    double norm = 0, h2 = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        norm += back[j] * scale * back[j] * scale;
        h2 += h[j] * h[j];
    }
    ++moments.cases;
    moments.inner += chance * inner * scale;
    moments.inner_squared += chance * inner * scale * inner * scale;
    moments.norm_ratio += chance * norm / h2;
}

CodecMoments by_columns(CodecKind kind, std::size_t rows, std::span<const double> g,
                        std::span<const double> h) {
    const Chances columns = columns_of(kind, rows);
    const std::size_t dim = g.size();
    const int shift = codec::matrix_shift(kind, rows);
    CodecMoments moments;
    std::vector<std::int64_t> m(rows * dim);
    const auto place = [&](const auto& self, std::size_t j, double chance) -> void {
        if (j == dim) return take(m, rows, shift, g, h, chance, moments);
        for (const auto& [column, own] : columns) {
            for (std::size_t i = 0; i < rows; ++i) m[i * dim + j] = column[i];
            self(self, j + 1, chance * own);
        }
    };
    place(place, 0, 1);
    return moments;
}

CodecMoments by_rotations(CodecKind kind, std::size_t rows, std::span<const double> g,
                          std::span<const double> h) {
    const std::size_t dim = g.size();
    const std::size_t signs = kind == chain::kSrht2 ? 2 : 1;
    std::vector<std::uint32_t> words(codec::sketch_words(kind, dim, rows));
    CodecMoments moments;
    const auto draw = [&](const auto& self, std::size_t at, double chance) -> void {
        if (at == words.size()) {
            const auto m = codec::sketch_matrix(kind, dim, rows, words);
            return take(m.entries, rows, m.shift, g, h, chance, moments);
        }
        const std::size_t choices = at < signs ? std::size_t{1} << dim : dim - (at - signs);
        for (std::size_t choice = 0; choice < choices; ++choice) {
            words[at] =
                at < signs ? static_cast<std::uint32_t>(choice) : word_for(choice, choices, false);
            self(self, at + 1, chance / static_cast<double>(choices));
        }
    };
    draw(draw, 0, 1);
    return moments;
}

}  // namespace

CodecMoments codec_moments(CodecKind kind, std::size_t rows, std::span<const double> g,
                           std::span<const double> h) {
    return chain::is_rotation(kind) ? by_rotations(kind, rows, g, h) : by_columns(kind, rows, g, h);
}

double exact_norm_ratio(CodecKind kind, std::size_t dim, std::size_t rows) {
    const auto d = static_cast<double>(dim), s = static_cast<double>(rows);
    if (chain::is_rotation(kind)) return d / s;
    return 1 + (kind == chain::kGaussian ? d + 15.0 / 16 : d - 1) / s;
}

}  // namespace cairn::lab
