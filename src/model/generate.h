// Writing text: feed the prompt, sample, feed what was sampled, until enough. Where the layers run
// is behind a seam (LayerStack): here, or on other people's machines; embedding, head and sampling
// always run here. The bits are the same either way.
//
// Callers who want a digest hash the logits that the callback receives: model/ may not use crypto/.
//
// CONSENSUS: changing a result here splits the network.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "model/tokenizer.h"
#include "model/transformer.h"
#include "tensor/sample.h"

namespace cairn::model {

/// All layers of a model and the state of one sequence.
class LayerStack {
  public:
    virtual ~LayerStack() = default;
    /// hidden[n, dim] for the next n positions, through all layers, in place.
    virtual Status forward(std::span<float> hidden) = 0;
};

/// The layers on this machine. `transformer` and `cache` must outlive it.
class LocalLayers final : public LayerStack {
  public:
    LocalLayers(Transformer& transformer, KvCache& cache)
        : transformer_(transformer), cache_(cache) {}
    Status forward(std::span<float> hidden) override;

  private:
    Transformer& transformer_;
    KvCache& cache_;
};

struct GenerateOptions {
    tensor::SampleSettings sampling{};
    std::size_t max_tokens = 256;    ///< sampled tokens; the model's context bounds them too
    std::size_t prefill_batch = 64;  ///< tokens per forward of the prompt; never decides bits
};

/// One sampled token.
struct GeneratedStep {
    std::size_t index = 0;          ///< 0 for the first sampled token
    std::size_t position = 0;       ///< of the logits: the token will stand one further
    std::uint32_t token = 0;        ///< sampled
    std::span<const float> logits;  ///< [vocab] that it was sampled from; valid during the call
};

/// Called for every sampled token; false stops.
using StepCallback = std::function<bool(const GeneratedStep&)>;

/// Why generation ended.
enum class StopReason { kMaxTokens, kContext, kEndToken, kCaller };

struct Generated {
    Tokens tokens;  ///< sampled ones; an end token that stopped it is not among them
    StopReason reason = StopReason::kMaxTokens;
};

/// `ends` embeds and makes logits (its own layers are not used); `prompt` must not be empty and
/// begins with the begin token by convention. `is_end` may be empty. kInvalid for a prompt longer
/// than the context, ids out of range, or logits that are not finite.
Result<Generated> generate(const tensor::Compute& compute, Transformer& ends, LayerStack& layers,
                           std::span<const std::uint32_t> prompt, const GenerateOptions& options,
                           const std::function<bool(std::uint32_t)>& is_end,
                           const StepCallback& callback);

}  // namespace cairn::model
