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
    /// The same as integers; nothing where there is no such model.
    virtual std::optional<ThetaCopy> theta(const ChainState&) const { return std::nullopt; }
    /// Its root; zeros where there is no such model.
    virtual Hash256 model_root(const ChainState&) const { return {}; }
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
