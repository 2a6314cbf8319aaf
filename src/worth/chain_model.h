// ChainModel answers what consensus asks about the model (consensus/model_seam.h): integer state,
// judge and codec put together for one network. Not thread-safe: it has one owner, who may call it
// from a worker thread, one call at a time.
//
//   ASSIGN_OR_RETURN(auto model, ChainModel::create(network, judge_tokens, compute));
//   consensus::connect(..., *model);   loss = report_loss(model->state()...);
#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "codec/codec.h"
#include "consensus/model_seam.h"
#include "tensor/compute.h"
#include "worth/judge.h"
#include "worth/model_state.h"
#include "worth/network_rules.h"

namespace cairn::worth {

class ChainModel final : public consensus::ModelSeam {
  public:
    /// At theta^0. kInvalid when the definition's shapes do not fit each other or the judge text
    /// is not the one that the definition names. The pool of `compute` must outlive the model.
    static Result<std::unique_ptr<ChainModel>> create(const chain::NetworkDefinition& network,
                                                      std::vector<std::uint32_t> judge_tokens,
                                                      const tensor::Compute& compute);

    const ModelState& state() const { return state_; }
    /// theta as it was before the latest merges, of which these are the undo records, the last
    /// one's first.
    std::vector<std::int32_t> theta_before(
        std::span<const consensus::ModelUndo* const> merges) const;
    const model::ParameterLayout& layout() const { return state_.layout(); }
    const chain::CodecSpec& codec() const { return codec_; }

    Hash256 root() const override { return state_.root(); }
    Hash256 recent_merges_root() const override { return state_.recent_merges_root(); }
    std::uint64_t parameter_count() const override { return layout().size(); }

    /// Entries of tile padding, which a sketch fills with noise, are set to zero.
    Result<consensus::Delta> decode(ByteView payload, const Hash256& codec_seed) const override;
    std::uint32_t payload_cosine(const consensus::Delta& delta) const override;
    Result<consensus::Delta> judge_gradient(consensus::JudgeKernels kernels,
                                            const Hash256& judge_seed, consensus::JudgeBatch batch,
                                            const consensus::Delta& offset) override;
    Result<std::int64_t> judge_loss(consensus::JudgeKernels kernels, const Hash256& judge_seed,
                                    const consensus::Delta& offset) override;
    std::vector<std::span<const std::int32_t>> recent_merges() const override {
        return state_.recent_merges();
    }
    /// Tokens on which judge_loss() is taken.
    std::uint32_t loss_tokens() const { return judge_rules_.loss_tokens(); }

    std::unique_ptr<consensus::ModelUndo> merge(const consensus::Delta& merged) override;
    void undo(std::unique_ptr<consensus::ModelUndo> undo) override;

    /// Computes on one thread, its caller's.
    std::unique_ptr<consensus::ModelSeam> copy() const override;
    Bytes save() const override { return state_.save(); }
    Status load(ByteView saved) override { return state_.load(saved); }

  private:
    ChainModel(const ChainModel& original);  // for copy()
    ChainModel(const chain::NetworkDefinition& network, std::vector<std::uint32_t> judge_tokens,
               const tensor::Compute& compute);
    Judge& judge(consensus::JudgeKernels kernels);

    JudgeRules judge_rules_;
    chain::CodecSpec codec_;
    std::vector<std::uint32_t> judge_tokens_;
    std::unique_ptr<ThreadPool> own_pool_;  // of a copy
    tensor::Compute compute_;
    ModelState state_;
    std::unique_ptr<Judge> fast_, reference_;  // made when first asked
};

}  // namespace cairn::worth
