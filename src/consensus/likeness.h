// C6: how much of a contribution is its own. Keys are cheap, so one update may come under many; but
// payloads of one update stay alike, whatever key encoded them, and the rule weighs those that are
// alike as if they were fewer.
//
// The likeness of two deltas is their cosine by the cosine that two payloads of one update have:
// two payloads of one update have about 1, honest trainers less, the less their texts have in
// common. With A the matrix of squared likenesses and 1 on its diagonal, the weights u are what
// makes sum(u) - u A u / 2 large, over u >= 0: a contribution like no other weighs 1, and n
// payloads of one update weigh 1 together. It is climbed by steps that keep copies together as one:
// a group of copies takes the path that a single one would take. (A system of equations would
// answer with the noise of the measured likenesses where many are nearly copies.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "consensus/model_seam.h"

namespace cairn::consensus {

/// A delta as so many sums of its entries: entry i goes into sum i mod kFolds, with a sign that the
/// judge seed draws, so nobody can prepare for it. Cosines of folds are cosines of deltas to about
/// 1/256.
inline constexpr std::size_t kFolds = std::size_t{1} << 16;
struct Fold {
    std::vector<std::int16_t> sums;    ///< scaled so that the largest is +-32767; all 0 if they are
    std::uint32_t payload_cosine = 0;  ///< ModelSeam::payload_cosine()
};

class Folder {
  public:
    Folder(const Hash256& judge_seed, std::uint64_t parameter_count);
    /// min(kFolds, parameter_count) sums. CHECKs the delta's size and that the cosine is above 0.
    Fold fold(const Delta& delta, std::uint32_t payload_cosine) const;

  private:
    std::vector<bool> negative_;
};

/// All pairs of some folds; 1 where both are the same one.
class Likenesses {
  public:
    explicit Likenesses(std::span<const Fold> folds);
    /// Of some of them, in this order; CHECKs the indices.
    Likenesses of(std::span<const std::size_t> some) const;
    std::size_t size() const { return size_; }
    /// 0 to 1.
    double operator()(std::size_t i, std::size_t j) const { return values_[i * size_ + j]; }
    /// How much each counts, over 2^16: between 2^10 and 2^16.
    std::vector<std::uint32_t> weights() const;

  private:
    explicit Likenesses(std::size_t size) : size_(size), values_(size * size, 1.0) {}
    std::size_t size_;
    std::vector<double> values_;
};

}  // namespace cairn::consensus
