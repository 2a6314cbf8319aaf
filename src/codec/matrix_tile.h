// The sketches of papers A: Table 1 that no transform makes fast, one tile at a time: gaussian,
// ams, count-sketch, sparse-1, sparse-2. Each is a matrix M of whole numbers (rows x 4096), drawn
// anew for every tile, with E[M^T M] = 2^shift I: sk(v) = M v and desk(z) = M^T z / 2^shift, both
// exact but for the last rounding. sketch_matrix.h is the slow reference.
//
// A matrix without zeros is never in memory: a row is drawn, used and forgotten, 16 KiB at a time.
//
// CONSENSUS: changing a result of draw or desketch splits the network.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "chain/codec_kinds.h"
#include "codec/codec.h"
#include "codec/srht_kernels.h"

namespace cairn::codec {

/// Entries of a column that are not 0: sparse-1 and sparse-2.
inline constexpr std::size_t kSparseEntries = 4;

class MatrixTile {
  public:
    explicit MatrixTile(const SrhtKernels& kernels = srht_kernels()) : kernels_(kernels) {}

    /// `rows` is a power of two from 16 to 4096. Words are those of Philox from counter
    /// tile * 2^32 on, with the first 16 bytes of `seed` as key and stream.
    void draw(CodecKind kind, const Hash256& seed, std::uint64_t tile, std::size_t rows);

    /// z = M v, exact. |v| < 2^30.
    void sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z);
    /// out = round_half_away(M^T q * scale / 2^shift), clamped to +-(2^30 - 1). |q| * scale < 2^30.
    void desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                  std::span<std::int32_t> out);

  private:
    struct Entry {
        std::uint16_t row;
        bool minus;
    };
    bool has_zeros() const { return !chain::is_dense_sketch(kind_); }
    void draw_row(std::size_t row);
    void draw_entries();

    const SrhtKernels& kernels_;
    CodecKind kind_ = chain::kCountSketch;
    std::size_t rows_ = 0;
    std::uint64_t key_ = 0, stream_ = 0, first_ = 0;
    std::vector<Entry> entries_;  // of column j: those from j * per column on
    std::vector<std::uint32_t> words_;
    std::vector<std::int32_t> sums_;
};

/// Entries of a column that are not 0; of ams and gaussian all rows.
std::size_t entries_per_column(CodecKind kind, std::size_t rows);
/// By how many bits desk(z) divides: log2 of E|column|^2.
int matrix_shift(CodecKind kind, std::size_t rows);

/// The row of entry `e` of a column from its word, `taken` being the rows of the entries before
/// it; the entry is -1 where the word is odd, else 1. (papers A: Def 21, 22, 23)
std::uint16_t entry_row(CodecKind kind, std::size_t rows, std::size_t e, std::uint32_t word,
                        std::span<const std::uint16_t> taken);

}  // namespace cairn::codec
