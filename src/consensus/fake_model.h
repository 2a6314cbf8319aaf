// A fake of the model for tests and simulations of the rules: a handful of parameters, a loss
// that is a plain formula, payloads that are the delta itself. NOT a model; nothing learns here.
//
//   loss(theta) = 2^40 + (<w(seed), theta> + curvature * <theta, theta>) / 2
//
// with small integer slopes w that depend a little on the seed. With curvature 0 the score of a
// delta is exact, and going down together follows from going down one by one.
#pragma once

#include <deque>

#include "consensus/model_seam.h"

namespace cairn::consensus {

class FakeModel final : public ModelSeam {
  public:
    explicit FakeModel(std::size_t parameters = 8, std::size_t recent_merges = 0)
        : theta_(parameters, 0), recent_limit_(recent_merges) {}

    /// Switches that tests turn.
    std::int64_t curvature = 0;
    bool fast_kernels_lie = false;    ///< with kFast what lowers the loss raises it
    bool fast_kernels_halve = false;  ///< and scores are half, which may still be enough
    bool reference_broken = false;    ///< `broken`, but only with kReference
    bool broken = false;              ///< every question about the judge batch fails
    int questions = 0;                ///< counts calls of judge_gradient() and judge_loss()
    mutable int copies = 0;           ///< counts calls of copy()

    /// Changes a bit of a parameter, as bad memory does.
    void flip_a_bit() { theta_[0] ^= 1; }

    const std::vector<std::int32_t>& theta() const { return theta_; }
    /// The slopes of this judge batch: going along -slope is worth something.
    std::vector<std::int64_t> slope(const Hash256& judge_seed) const;
    /// What decode() reads.
    static Bytes payload_of(const Delta& delta);

    Hash256 root() const override;
    Hash256 recent_merges_root() const override;
    std::uint64_t parameter_count() const override { return theta_.size(); }
    std::uint32_t payload_cosine(const Delta&) const override { return 1U << 16; }
    Result<Delta> decode(ByteView payload, const Hash256& codec_seed) const override;
    Result<Delta> judge_gradient(JudgeKernels kernels, const Hash256& judge_seed, JudgeBatch batch,
                                 const Delta& offset) override;
    Result<std::int64_t> judge_loss(JudgeKernels kernels, const Hash256& judge_seed,
                                    const Delta& offset) override;
    std::vector<std::span<const std::int32_t>> recent_merges() const override;
    std::unique_ptr<ModelUndo> merge(const Delta& merged) override;
    void undo(std::unique_ptr<ModelUndo> undo) override;
    std::unique_ptr<ModelSeam> copy() const override;
    Bytes save() const override;
    Status load(ByteView saved) override;

  private:
    std::int64_t loss_at(const Hash256& judge_seed, const std::vector<std::int32_t>& theta) const;
    bool fails(JudgeKernels kernels) const {
        return broken || (reference_broken && kernels == JudgeKernels::kReference);
    }

    std::vector<std::int32_t> theta_;
    std::deque<Delta> recent_;
    std::size_t recent_limit_;
};

}  // namespace cairn::consensus
