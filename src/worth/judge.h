// The judge: measures what a delta is worth on text that the block hash picks. One bit-exact
// backward pass over one gradient leaf gives g; everything after that is integers: g is rounded to
// int32 with `gradient_bits` fraction bits and the score of a delta d is S(d) = -<g, d>: to first
// order, how far d lowers the judge batch's loss.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "consensus/model_seam.h"
#include "model/layout.h"
#include "model/leaf.h"
#include "tensor/compute.h"

namespace cairn::worth {

struct JudgeRules {
    std::uint32_t leaf_tokens = 4096;  ///< tokens of a judge batch: one gradient leaf
    std::uint32_t context = 128;
    /// Losses are taken on a quarter of the batch, or on the smallest leaf there is: they only
    /// choose between neighbouring steps, and there are seven of them for each merge.
    std::uint32_t loss_tokens() const {
        return std::max({leaf_tokens / 4, context, model::kMinLeaf});
    }
    /// Lengths in tokens of the texts, one behind the other, that the judge text is made of; empty:
    /// it is one.
    std::vector<std::uint64_t> parts;
    /// g = round-half-even(gradient sum over the leaf * 2^gradient_bits), clamped to +-(2^31 - 1).
    std::uint32_t gradient_bits = 16;
};

/// Where windows i = 0 .. count-1 begin in a text that is made of `parts`, given by their lengths
/// (C6). h_i = SHA-256(word || seed || u64 i little-endian), where `word` is "judge" for the
/// scoring batch and "public" for the public one. Window i is of part (i + h_0[8..15]) mod parts,
/// and begins h_i[0..7] mod (its length - context) behind that part's first token; both are
/// little-endian numbers. CHECKs that each part is longer than the context.
std::vector<std::uint64_t> judge_window_starts(consensus::JudgeBatch batch, const Hash256& seed,
                                               std::uint64_t count,
                                               std::span<const std::uint64_t> parts,
                                               std::uint32_t context);

class Judge {
  public:
    /// CHECKs validate_judge. The pool of `compute` must outlive it.
    Judge(const model::ParameterLayout& layout, const JudgeRules& rules,
          std::vector<std::uint32_t> tokens, const tensor::Compute& compute);

    const JudgeRules& rules() const { return rules_; }
    /// One entry per parameter, padding zero.
    std::vector<std::int32_t> gradient(std::span<const float> weights, consensus::JudgeBatch batch,
                                       const Hash256& seed);
    /// Of the first windows of the scoring batch, loss_tokens() in all: summed, unit 2^-20 nats.
    std::int64_t loss(std::span<const float> weights, const Hash256& seed);

  private:
    void gather(consensus::JudgeBatch batch, const Hash256& seed, std::uint32_t tokens);

    model::ParameterLayout layout_;
    JudgeRules rules_;
    std::vector<std::uint32_t> tokens_;
    model::LeafPass pass_;
    model::LeafPass loss_pass_;
    std::vector<float> gradient_;
    std::vector<std::uint32_t> inputs_, targets_;
};

Status validate_judge(const model::ParameterLayout& layout, const JudgeRules& rules,
                      std::span<const std::uint32_t> tokens);

}  // namespace cairn::worth
