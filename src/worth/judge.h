// The judge: measures what a delta is worth on text that the block hash picks. One bit-exact
// backward pass over one gradient leaf gives g; everything after that is integers: g is rounded to
// int32 with `gradient_bits` fraction bits and the score of a delta d is S(d) = -<g, d>: to first
// order, how far d lowers the judge batch's loss.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "model/layout.h"
#include "model/leaf.h"
#include "tensor/compute.h"

namespace cairn::worth {

struct JudgeRules {
    std::uint32_t leaf_tokens = 4096;  ///< tokens of a judge batch: one gradient leaf
    std::uint32_t context = 128;
    /// g = round-half-even(gradient sum over the leaf * 2^gradient_bits), clamped to +-(2^31 - 1).
    std::uint32_t gradient_bits = 16;
};

/// First eight bytes, little-endian, of SHA-256("judge" || seed || u64 i little-endian), modulo
/// tokens - context, for i = 0 .. count-1. CHECKs tokens > context.
std::vector<std::uint64_t> judge_window_starts(const Hash256& seed, std::uint64_t count,
                                               std::uint64_t tokens, std::uint32_t context);

struct JudgeGradient {
    std::vector<std::int32_t> values;  ///< one per parameter, padding zero
    std::int64_t loss = 0;             ///< sum over the batch, unit 2^-20 nats
};

class Judge {
  public:
    /// CHECKs validate_judge. The pool of `compute` must outlive it.
    Judge(const model::ParameterLayout& layout, const JudgeRules& rules,
          std::vector<std::uint32_t> tokens, const tensor::Compute& compute);

    const JudgeRules& rules() const { return rules_; }
    JudgeGradient gradient(std::span<const float> weights, const Hash256& seed);
    /// Equals gradient(...).loss, by the forward pass alone.
    std::int64_t loss(std::span<const float> weights, const Hash256& seed);

  private:
    void gather(const Hash256& seed);

    model::ParameterLayout layout_;
    JudgeRules rules_;
    std::vector<std::uint32_t> tokens_;
    model::LeafPass pass_;
    std::vector<float> gradient_;
    std::vector<std::uint32_t> inputs_, targets_;
};

Status validate_judge(const model::ParameterLayout& layout, const JudgeRules& rules,
                      std::span<const std::uint32_t> tokens);

}  // namespace cairn::worth
