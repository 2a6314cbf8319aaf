// BatchEngine: many sequences through one model at once. Every step takes one token of each
// sequence that decodes and a slice of the prompts that are not yet computed, runs them as one
// batch through the layers and one head product, and samples. Sequences join and leave between any
// two steps, and each gets the bits that it would have got alone (numerics: batch invariance).
// Where few sequences decode, tokens that are guessed to follow them join the step (drafter.h).
//
// There is no scheduler here: the caller decides who may join, how long one waits, who is cut off.
//
//   BatchEngine engine(model, compute, {.max_sequences = 16});
//   ASSIGN_OR_RETURN(SequenceId id, engine.add({.prompt = tokens, .options = options}));
//   while (!engine.is_idle()) engine.step(on_event);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "infer/continuation.h"
#include "infer/draft_pace.h"
#include "infer/drafter.h"
#include "model/kv_cache.h"
#include "model/transformer.h"

namespace cairn::infer {

using SequenceId = std::uint64_t;

struct SequenceRequest {
    std::vector<std::uint32_t> prompt;
    GenerateOptions options{};  ///< prefill_batch and echo_logprobs are not used here
    model::KvType kv = model::KvType::kF32;
    EndPredicate is_end{};
    /// Keys and values of the prompt's first tokens, not of all, if they are known: of all layers
    /// and of type `kv`, with room for as many positions as sequence_positions() says.
    std::optional<model::KvCache> known{};
    std::unique_ptr<Drafter> drafter{};  ///< guesses ahead for this text; null: nobody
};

/// The positions that a sequence may come to: its prompt and what it may write, within `room`.
std::size_t sequence_positions(std::size_t room, std::size_t prompt, std::size_t max_tokens);

/// A sequence between two steps; valid until the next one.
struct SequenceView {
    std::span<const std::uint32_t> text;    ///< the prompt and what was sampled
    const model::KvCache* cache = nullptr;  ///< of the first cache->length() tokens of it
};

/// What happened to a sequence in a step: a token, its end, or both. Valid during the call.
struct BatchEvent {
    SequenceId id = 0;
    const GeneratedStep* step = nullptr;  ///< null where it ended by an error
    bool ended = false;
    StopReason reason = StopReason::kMaxTokens;  ///< where it ended well
    std::optional<Error> error;                  ///< where it did not: logits that are not finite
};

/// Called for every sampled token; false ends the sequence with StopReason::kCaller. An event with
/// `ended` is the sequence's last; it has no token and follows the event with the last token.
using BatchCallback = std::function<bool(const BatchEvent&)>;

struct BatchBounds {
    std::size_t max_sequences = 16;
    /// Rows of prompts in one step, all sequences together; bounded by the model's max_batch.
    std::size_t prefill_slice = 64;
    /// Rows of a step up to which guesses join it, while no prompt is computed: so many cost little
    /// more than one, as reading the weights takes the time. 0: there are no guesses. Bounded by
    /// the model's max_batch.
    std::size_t draft_rows = 0;
    std::size_t draft_tokens = 6;  ///< guesses for a sequence in a step, at most
};

/// Tokens that were guessed, and those of them that came true.
struct DraftCount {
    std::uint64_t drafted = 0;
    std::uint64_t accepted = 0;
};

class BatchEngine {
  public:
    /// `model` has all layers and must outlive this; nobody else may use it during a step.
    /// CHECKs that max_sequences fits its max_batch.
    BatchEngine(model::Transformer& model, const tensor::Compute& compute,
                const BatchBounds& bounds);

    /// Takes the sequence's memory. kFull if there are max_sequences; kInvalid for a prompt or
    /// options out of bounds.
    Result<SequenceId> add(SequenceRequest request);
    /// CHECKs that there is such a sequence.
    SequenceView view(SequenceId id) const;
    /// Drops a sequence without an event; false if there is none. Not from inside a callback.
    bool remove(SequenceId id);
    /// Drops a sequence in the same way and gives its keys and values: with view()'s text as its
    /// prompt, and what was sampled taken off max_tokens, it goes on to the same bits. CHECKs that
    /// there is such a sequence.
    model::KvCache take_out(SequenceId id);

    /// Rows of prompts in a step from now on, at least 1: more of them make a prompt faster and
    /// those who decode wait longer.
    void set_prefill_slice(std::size_t rows);
    /// Computes one batch, or returns at once if there is nothing to do. Allocates only what
    /// drafters do.
    void step(const BatchCallback& callback);
    /// Of all steps.
    DraftCount drafts() const { return drafts_; }

    std::size_t size() const { return sequences_.size(); }
    bool is_idle() const { return sequences_.empty(); }

  private:
    struct Sequence {
        SequenceId id;
        Continuation text;
        model::KvCache cache;
        std::unique_ptr<Drafter> drafter;
        DraftPace pace;
        std::size_t rows = 0;                  // in the step under way
        std::vector<std::uint32_t> guesses{};  // behind the text, in the step under way
        std::size_t sampled_rows = 0;          // that give logits: none before the prompt's end
        bool ended = false;

        /// Tokens that the layers have not seen.
        std::size_t waiting() const { return text.text().size() - cache.length(); }
    };

    void share_rows();
    void share_guesses();
    void guess(Sequence& sequence, std::size_t most);
    std::size_t gather();
    void take(Sequence& sequence, std::span<const float> logits, const BatchCallback& callback);
    void sample(Sequence& sequence, std::span<const float> logits, const BatchCallback& callback);

    model::Transformer& model_;
    tensor::Compute compute_;
    BatchBounds bounds_;
    SequenceId next_id_ = 1;
    std::vector<std::unique_ptr<Sequence>> sequences_;  // in the order of joining
    std::vector<model::Segment> segments_;
    std::vector<float> hidden_;  // [max_batch, dim]
    std::vector<float> last_;    // [max_sequences or draft_rows, dim] rows that make logits
    std::vector<float> logits_;  // [the same, vocab]
    DraftCount drafts_;
};

}  // namespace cairn::infer
