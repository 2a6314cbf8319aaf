// Continuation: what one sequence does with its logits: bias, penalties, sampling,
// log-probabilities, and when to end. One sequence alone (generate.h) and many together (batch.h)
// write their texts through it, so that both write the same.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "tensor/logprob.h"
#include "tensor/sample.h"

namespace cairn::infer {

/// Added to a token's logit before penalties and sampling; log-probabilities do not see it.
struct LogitBias {
    std::uint32_t token = 0;
    float bias = 0.0F;  ///< -100 to 100
};

inline constexpr std::size_t kMaxLogitBiases = 4096;
inline constexpr std::size_t kMaxTopLogprobs = 64;

struct GenerateOptions {
    tensor::SampleSettings sampling{};
    std::size_t max_tokens = 256;     ///< sampled tokens; the model's context bounds them too
    std::size_t prefill_batch = 256;  ///< tokens per forward of the prompt; never decides bits
    std::vector<LogitBias> logit_bias{};
    bool logprobs = false;         ///< of each sampled token
    std::size_t top_logprobs = 0;  ///< the most probable tokens with it; implies logprobs
    bool echo_logprobs = false;    ///< of the prompt's tokens, too
    /// Of the prompt, the last tokens, where they were sampled before and the text goes on: for
    /// presence and frequency penalties.
    std::size_t sampled_before = 0;
};

/// kInvalid with the field that is out of its range.
Status validate(const GenerateOptions& options, const model::ModelConfig& config);
/// kInvalid for a prompt that is empty, longer than the context or outside the vocabulary.
Status check_prompt(const model::ModelConfig& config, std::span<const std::uint32_t> prompt);

/// One sampled token.
struct GeneratedStep {
    std::size_t index = 0;          ///< 0 for the first sampled token
    std::size_t position = 0;       ///< of the logits; the token itself gets the next position
    std::uint32_t token = 0;        ///< sampled
    std::span<const float> logits;  ///< [vocab] as the model gave them; valid during the call
    float logprob = 0.0F;           ///< the token's, if asked for
    std::span<const tensor::TokenLogprob> top;  ///< if asked for; valid during the call
};

/// Called for every sampled token; false stops.
using StepCallback = std::function<bool(const GeneratedStep&)>;
using EndPredicate = std::function<bool(std::uint32_t)>;

/// Why generation ended.
enum class StopReason { kMaxTokens, kContext, kEndToken, kCaller };
/// "steps", "context", "end", "caller".
const char* stop_reason_name(StopReason reason);

/// A prompt's token and how probable it was after those before it.
struct PromptLogprob {
    std::uint32_t token = 0;
    float logprob = 0.0F;
    std::vector<tensor::TokenLogprob> top;
};

class Continuation {
  public:
    /// Allocates everything here. Options and prompt have passed validate() and check_prompt().
    Continuation(const model::ModelConfig& config, std::span<const std::uint32_t> prompt,
                 GenerateOptions options, EndPredicate is_end);

    /// Takes the logits [vocab] that follow the text so far: samples, tells the callback, and says
    /// whether to go on. kInvalid for logits that are not finite. Does not allocate.
    Result<bool> take(const tensor::Compute& compute, std::span<const float> logits,
                      const StepCallback& callback);
    /// Whether no more is to be sampled: the text has ended, or max_tokens is 0.
    bool is_done() const { return done_; }

    const GenerateOptions& options() const { return options_; }
    /// The prompt and what was sampled; an end token that stopped it is not among it.
    std::span<const std::uint32_t> text() const { return history_; }
    std::span<const std::uint32_t> sampled() const { return text().subspan(prompt_tokens_); }
    std::size_t prompt_tokens() const { return prompt_tokens_; }
    StopReason reason() const { return reason_; }

    /// What is known about prompt[index] from the logits at index - 1.
    PromptLogprob prompt_logprob(const tensor::Compute& compute, std::size_t index,
                                 std::span<const float> logits) const;

  private:
    bool finish(StopReason reason);

    std::size_t context_;
    GenerateOptions options_;
    EndPredicate is_end_;
    std::size_t prompt_tokens_;
    std::vector<std::uint32_t> history_;  // the prompt and what was sampled
    std::vector<float> biased_;           // [vocab] where there are biases
    std::vector<tensor::TokenLogprob> top_;
    StopReason reason_ = StopReason::kMaxTokens;
    bool done_ = false;
};

}  // namespace cairn::infer
