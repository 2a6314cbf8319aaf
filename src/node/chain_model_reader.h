// ModelReader over the real chain model: report losses, samples, checkpoints.
#pragma once

#include "base/mutex.h"
#include "base/thread_pool.h"
#include "node/model_reader.h"
#include "text/tokenizer.h"
#include "worth/chain_model.h"

namespace cairn::node {

class ChainModelReader final : public ModelReader {
  public:
    /// `model` must outlive it. Without a `tokenizer` (null) it writes no text, without
    /// `report_tokens` (empty) it gives no loss; `report_parts` are the lengths of the texts that
    /// they are made of, empty for one. Computes on threads of its own.
    ChainModelReader(const worth::ChainModel& model, std::vector<std::uint32_t> report_tokens,
                     std::vector<std::uint64_t> report_parts,
                     std::shared_ptr<const text::Tokenizer> tokenizer,
                     const tensor::Kernels* kernels, std::size_t threads);

    WeightsPtr weights(const ChainState& state) const override;
    WeightsPtr weights_at(const ChainState& state, const BlockNode* block) const override;
    std::optional<ThetaCopy> theta_at(const ChainState& state,
                                      const BlockNode* block) const override;
    model::Model model_of(WeightsPtr weights) const override;
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return tokenizer_; }
    Result<std::vector<double>> report_losses(const std::vector<float>& weights) override;
    Result<std::string> generate(const std::vector<float>& weights, const std::string& prompt,
                                 std::uint32_t max_tokens, std::uint64_t seed) override;
    Status export_model(const std::vector<float>& weights, const std::string& path) override;

  private:
    const worth::ChainModel& model_;
    model::ParameterLayout layout_;
    std::vector<std::uint32_t> report_tokens_;
    std::vector<std::uint64_t> report_parts_;
    std::shared_ptr<const text::Tokenizer> tokenizer_;
    Mutex use_;
    ThreadPool pool_ GUARDED_BY(use_);
    tensor::Compute compute_ GUARDED_BY(use_);
};

}  // namespace cairn::node
