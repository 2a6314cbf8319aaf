// Writing text: feed the prompt, sample, feed what was sampled, until there is a reason to stop.
// The layers are behind a seam (LayerStack), as they may run on other people's machines; embedding,
// head and sampling always run here. The bits are the same either way. Many at once: batch.h.
//
// With a drafter several tokens are looked at in one pass, and the bits are the same still: each
// token is sampled from logits that do not depend on how many rows were computed together.
//
// Callers who want a digest hash the logits that the callback receives: infer/ may not use crypto/.
#pragma once

#include <memory>

#include "infer/continuation.h"
#include "infer/drafter.h"
#include "model/transformer.h"
#include "text/tokenizer.h"

namespace cairn::infer {

/// All layers of a model and the state of one sequence.
class LayerStack {
  public:
    virtual ~LayerStack() = default;
    /// hidden[n, dim] for the next n positions, through all layers, in place.
    virtual Status forward(std::span<float> hidden) = 0;
    /// Forgets the positions from `length` on. kUnsupported where that cannot be done.
    virtual Status truncate(std::size_t length);
};

/// The layers on this machine. `transformer` and `cache` must outlive it.
class LocalLayers final : public LayerStack {
  public:
    /// Rows are rounded to `states` layer by layer, as servers round them that are asked to (N48).
    /// `source` is what a decoder with cross attention attends to, and outlives this too.
    LocalLayers(model::Transformer& transformer, model::KvCache& cache,
                tensor::StateType states = tensor::StateType::kF32,
                const model::KvCache* source = nullptr)
        : transformer_(transformer), cache_(cache), states_(states), source_(source) {}
    Status forward(std::span<float> hidden) override;
    Status truncate(std::size_t length) override;

  private:
    model::Transformer& transformer_;
    model::KvCache& cache_;
    tensor::StateType states_;
    const model::KvCache* source_;
};

struct Generated {
    text::Tokens tokens;  ///< sampled ones; an end token that stopped it is not among them
    StopReason reason = StopReason::kMaxTokens;
    std::vector<PromptLogprob> prompt;  ///< of prompt[1..], if asked for
    std::size_t drafted = 0;            ///< guesses that were looked at
    std::size_t accepted = 0;           ///< of these, the ones that came true
};

/// Who guesses ahead, and how many tokens at most (1 to kMaxDraft).
struct Speculation {
    Drafter* drafter = nullptr;  ///< null: nobody
    std::size_t most = 4;
};

/// `embed_and_head` embeds and makes logits (its own layers are not used); `prompt` must not be
/// empty and begins with the begin token by convention. `is_end` may be empty. kInvalid for a
/// prompt longer than the context, ids out of range, or logits that are not finite; kUnsupported
/// for an encoder, or for speculation where `layers` cannot forget. An encoder-decoder's prompt are
/// the tokens that its decoder's texts begin with; what the encoder read is in `layers`.
Result<Generated> generate(const tensor::Compute& compute, model::Transformer& embed_and_head,
                           LayerStack& layers, std::span<const std::uint32_t> prompt,
                           const GenerateOptions& options, const EndPredicate& is_end,
                           const StepCallback& callback, const Speculation& speculation = {});

}  // namespace cairn::infer
