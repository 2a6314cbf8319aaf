#include "argument/commitment.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::argument {

namespace {

Hash256 column_hash(std::span<const Fp> column) {
    static const crypto::TaggedHasher hasher("cairn/argument/column");
    thread_local Bytes bytes;
    bytes.resize(8 * column.size());
    for (std::size_t i = 0; i < column.size(); ++i) {
        const std::uint64_t value = column[i].value();
        for (unsigned k = 0; k < 8; ++k)
            bytes[8 * i + k] = static_cast<std::uint8_t>(value >> (8 * k));
    }
    return hasher(bytes);
}

std::vector<Fp> make_words(MatrixShape shape, std::span<const Fp> numbers) {
    CHECK(numbers.size() == shape.rows() * shape.columns());
    const ReedSolomon code(shape.column_log);
    std::vector<Fp> words(shape.rows() * shape.word_size());
    for (std::size_t i = 0; i < shape.rows(); ++i)
        code.encode(numbers.subspan(i * shape.columns(), shape.columns()),
                    std::span(words).subspan(i * shape.word_size(), shape.word_size()));
    return words;
}

crypto::MerkleRange make_tree(MatrixShape shape, std::span<const Fp> words) {
    constexpr std::size_t kTile = 8;  // columns that share cache lines
    std::vector<Hash256> leaves(shape.word_size());
    std::vector<Fp> tile(kTile * shape.rows());
    const std::size_t width = std::min(kTile, shape.word_size());
    for (std::size_t first = 0; first < leaves.size(); first += width) {
        for (std::size_t i = 0; i < shape.rows(); ++i)
            for (std::size_t c = 0; c < width; ++c)
                tile[c * shape.rows() + i] = words[i * shape.word_size() + first + c];
        for (std::size_t c = 0; c < width; ++c)
            leaves[first + c] =
                column_hash(std::span(tile).subspan(c * shape.rows(), shape.rows()));
    }
    return crypto::MerkleRange::build(leaves, 0, leaves.size(), {}).value();
}

}  // namespace

Commitment::Commitment(MatrixShape shape, std::span<const Fp> numbers)
    : shape_(shape),
      numbers_(numbers),
      words_(make_words(shape, numbers)),
      tree_(make_tree(shape, words_)) {}

std::vector<Fp2> Commitment::weigh_rows(std::span<const Fp2> weights) const {
    CHECK(weights.size() == shape_.rows());
    std::vector<Fp2> sum(shape_.columns());
    for (std::size_t i = 0; i < shape_.rows(); ++i)
        for (std::size_t c = 0; c < shape_.columns(); ++c)
            sum[c] += weights[i] * numbers_[i * shape_.columns() + c];
    return sum;
}

OpenColumn Commitment::open(std::size_t place) const {
    OpenColumn column;
    for (std::size_t i = 0; i < shape_.rows(); ++i)
        column.values.push_back(words_[i * shape_.word_size() + place]);
    const crypto::RangeProof proof = tree_.prove(place, place + 1);
    // Level by level, the neighbour of a right node is on the left.
    std::size_t left = 0, right = 0;
    for (std::size_t level = 0; level < shape_.branch_size(); ++level)
        column.branch.push_back((place >> level & 1) != 0 ? proof.left[left++]
                                                          : proof.right[right++]);
    return column;
}

bool belongs(MatrixShape shape, const Hash256& root, std::size_t place, const OpenColumn& column) {
    return column.values.size() == shape.rows() &&
           crypto::root_by_branch(column_hash(column.values), place, shape.word_size(),
                                  column.branch) == root;
}

bool agrees(MatrixShape shape, std::size_t place, std::span<const Fp> column,
            std::span<const Fp2> weights, std::span<const Fp2> sum) {
    return dot(column, weights) == value_at(sum, code_point(shape.column_log, place));
}

}  // namespace cairn::argument
