#include "infer/continuation.h"

#include <algorithm>

#include <fmt/core.h>

#include "model/embed.h"

namespace cairn::infer {

Status validate(const GenerateOptions& options, const model::ModelConfig& config) {
    if (options.top_logprobs > kMaxTopLogprobs)
        return invalid(fmt::format("at most {} log-probabilities a token, not {}", kMaxTopLogprobs,
                                   options.top_logprobs));
    if (options.logit_bias.size() > kMaxLogitBiases)
        return invalid(fmt::format("at most {} logit biases, not {}", kMaxLogitBiases,
                                   options.logit_bias.size()));
    for (const LogitBias& entry : options.logit_bias) {
        if (entry.token >= config.vocab)
            return invalid(fmt::format("a logit bias names token {}; the vocabulary has {}",
                                       entry.token, config.vocab));
        if (!(entry.bias >= -100.0F && entry.bias <= 100.0F))
            return invalid("a logit bias must lie in [-100, 100]");
    }
    return ok_status();
}

Status check_prompt(const model::ModelConfig& config, std::span<const std::uint32_t> prompt) {
    if (!config.has_head())
        return Error{ErrorCode::kUnsupported,
                     "this model is an encoder: it makes vectors of texts and writes none"};
    if (prompt.empty()) return invalid("the prompt has no token, not even the one that begins it");
    if (prompt.size() > config.context)
        return invalid(fmt::format("the prompt has {} tokens, the model's context is {}",
                                   prompt.size(), config.context));
    return model::check_tokens(config, prompt);
}

Continuation::Continuation(const model::ModelConfig& config, std::span<const std::uint32_t> prompt,
                           GenerateOptions options, EndPredicate is_end)
    : context_(config.context),
      options_(std::move(options)),
      is_end_(std::move(is_end)),
      prompt_tokens_(prompt.size()) {
    CHECK(options_.sampled_before <= prompt.size());
    // Reserved in full, so that no token makes it grow.
    history_.reserve(std::min(context_ + 1, prompt.size() + options_.max_tokens));
    history_.assign(prompt.begin(), prompt.end());
    if (!options_.logit_bias.empty()) biased_.resize(config.vocab);
    top_.resize(std::min<std::size_t>(options_.top_logprobs, config.vocab));
    if (options_.max_tokens == 0) finish(StopReason::kMaxTokens);
}

bool Continuation::finish(StopReason reason) {
    reason_ = reason;
    done_ = true;
    return false;
}

Result<bool> Continuation::take(const tensor::Compute& compute, std::span<const float> logits,
                                const StepCallback& callback) {
    CHECK(!done_);
    std::span<const float> chosen_from = logits;
    if (!biased_.empty()) {
        CHECK(logits.size() == biased_.size());
        std::copy(logits.begin(), logits.end(), biased_.begin());
        for (const LogitBias& entry : options_.logit_bias)
            biased_[entry.token] = biased_[entry.token] + entry.bias;
        chosen_from = biased_;
    }
    const std::size_t position = history_.size() - 1;
    ASSIGN_OR_RETURN(const std::uint32_t token,
                     tensor::sample(compute, chosen_from, history_, options_.sampling, position,
                                    prompt_tokens_ - options_.sampled_before));
    GeneratedStep step;
    step.index = history_.size() - prompt_tokens_;
    step.position = position;
    step.token = token;
    step.logits = logits;
    if (options_.logprobs || !top_.empty())
        step.logprob =
            tensor::log_probability(tensor::log_normaliser(compute, logits), logits[token]);
    if (!top_.empty())
        step.top = std::span(top_).first(tensor::top_logprobs(compute, logits, top_));
    const bool go_on = !callback || callback(step);
    if (is_end_ && is_end_(token)) return finish(StopReason::kEndToken);
    history_.push_back(token);
    if (!go_on) return finish(StopReason::kCaller);
    if (history_.size() > context_) return finish(StopReason::kContext);
    if (sampled().size() == options_.max_tokens) return finish(StopReason::kMaxTokens);
    return true;
}

PromptLogprob Continuation::prompt_logprob(const tensor::Compute& compute, std::size_t index,
                                           std::span<const float> logits) const {
    CHECK(index > 0 && index < prompt_tokens_);
    PromptLogprob about;
    about.token = history_[index];
    about.logprob =
        tensor::log_probability(tensor::log_normaliser(compute, logits), logits[about.token]);
    about.top.resize(top_.size());
    about.top.resize(tensor::top_logprobs(compute, logits, about.top));
    return about;
}

const char* stop_reason_name(StopReason reason) {
    switch (reason) {
        case StopReason::kMaxTokens:
            return "steps";
        case StopReason::kContext:
            return "context";
        case StopReason::kEndToken:
            return "end";
        case StopReason::kCaller:
            return "caller";
    }
    return "unknown";
}

}  // namespace cairn::infer
