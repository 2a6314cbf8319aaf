// What a node shows of its model and no rule reads: published losses, samples, files. The model
// stands on the chain lane, so weights() gives a copy to a job of that lane; everything else works
// on such a copy, from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace cairn::node {

class ChainState;
struct BlockNode;

/// The model as the chain has it.
struct ThetaCopy {
    model::ModelConfig config;
    std::vector<std::int32_t> theta;  ///< in the layout of the chain's state
};

using WeightsPtr = std::shared_ptr<const std::vector<float>>;

class ModelReader {
  public:
    virtual ~ModelReader() = default;
    /// A copy of the weights at the ledger's tip. The argument is what only a job of the chain lane
    /// has (LedgerLane::on_lane), so nobody else can ask.
    virtual WeightsPtr weights(const ChainState& state) const = 0;
    /// As they were after an earlier block of the ledger's branch, or the tip; null where what was
    /// merged since cannot be taken back any more (ChainState::merges_above).
    virtual WeightsPtr weights_at(const ChainState&, const BlockNode*) const { return nullptr; }
    /// The same as integers; nothing also where there is no such model.
    virtual std::optional<ThetaCopy> theta_at(const ChainState&, const BlockNode*) const {
        return std::nullopt;
    }
    /// A copy as a model, which keeps it alive.
    virtual model::Model model_of(WeightsPtr weights) const = 0;
    /// Null where the network names none.
    virtual std::shared_ptr<const text::Tokenizer> tokenizer() const = 0;
    /// Nats per token on each source of the report text, in the definition's order; one number
    /// where it is one text.
    virtual Result<std::vector<double>> report_losses(const std::vector<float>& weights) = 0;
    virtual Result<std::string> generate(const std::vector<float>& weights,
                                         const std::string& prompt, std::uint32_t max_tokens,
                                         std::uint64_t seed) = 0;
    /// A checkpoint with its tokenizer, as one file.
    virtual Status export_model(const std::vector<float>& weights, const std::string& path) = 0;
};

}  // namespace cairn::node
