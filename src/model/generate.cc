// CONSENSUS: changing a result here splits the network.
#include "model/generate.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::model {

namespace {

// Runs the prompt through the layers; last_hidden receives the state of its last token.
Status prefill(Transformer& ends, LayerStack& layers, std::span<const std::uint32_t> prompt,
               std::size_t batch, std::vector<float>& last_hidden) {
    const std::size_t dim = ends.config().dim;
    std::vector<float> hidden(std::min(batch, prompt.size()) * dim);
    for (std::size_t at = 0; at < prompt.size(); at += batch) {
        const std::size_t n = std::min(batch, prompt.size() - at);
        const std::span<float> rows = std::span(hidden).first(n * dim);
        ends.embed(prompt.subspan(at, n), rows);
        RETURN_IF_ERROR(layers.forward(rows));
        std::copy_n(rows.end() - static_cast<std::ptrdiff_t>(dim), dim, last_hidden.begin());
    }
    return ok_status();
}

Status check_prompt(const ModelConfig& config, std::span<const std::uint32_t> prompt) {
    if (prompt.empty()) return invalid("the prompt has no token, not even the one that begins it");
    if (prompt.size() > config.context)
        return invalid(fmt::format("the prompt has {} tokens, the model's context is {}",
                                   prompt.size(), config.context));
    for (const std::uint32_t token : prompt)
        if (token >= config.vocab)
            return invalid(fmt::format("token {} is outside the model's vocabulary of {}", token,
                                       config.vocab));
    return ok_status();
}

}  // namespace

Status LocalLayers::forward(std::span<float> hidden) {
    const std::size_t rows = hidden.size() / transformer_.config().dim;
    if (rows > cache_.capacity() - cache_.length())
        return Error{ErrorCode::kFull, "the sequence is longer than its cache"};
    transformer_.forward(hidden, cache_);
    return ok_status();
}

Result<Generated> generate(const tensor::Compute& compute, Transformer& ends, LayerStack& layers,
                           std::span<const std::uint32_t> prompt, const GenerateOptions& options,
                           const std::function<bool(std::uint32_t)>& is_end,
                           const StepCallback& callback) {
    const ModelConfig& config = ends.config();
    RETURN_IF_ERROR(check_prompt(config, prompt));
    std::vector<float> hidden(config.dim);
    std::vector<float> logits(config.vocab);
    const std::size_t batch = std::clamp<std::size_t>(options.prefill_batch, 1, ends.max_batch());
    RETURN_IF_ERROR(prefill(ends, layers, prompt, batch, hidden));

    // Penalties look at prompt and text alike. Taken whole, so that no token makes it grow.
    Tokens history(prompt.begin(), prompt.end());
    history.reserve(config.context + std::size_t{1});
    Generated result;
    for (std::size_t position = prompt.size() - 1;; ++position) {
        if (result.tokens.size() == options.max_tokens) break;
        ends.head(hidden, logits);
        ASSIGN_OR_RETURN(const std::uint32_t token,
                         tensor::sample(compute, logits, history, options.sampling, position));
        const GeneratedStep step{history.size() - prompt.size(), position, token, logits};
        const bool go_on = !callback || callback(step);
        if (is_end && is_end(token)) {
            result.reason = StopReason::kEndToken;
            break;
        }
        result.tokens.push_back(token);
        history.push_back(token);
        if (!go_on) {
            result.reason = StopReason::kCaller;
            break;
        }
        if (history.size() > config.context) {
            result.reason = StopReason::kContext;
            break;
        }
        if (result.tokens.size() == options.max_tokens) break;
        ends.embed(std::span(&token, 1), hidden);
        RETURN_IF_ERROR(layers.forward(hidden));
    }
    return result;
}

}  // namespace cairn::model
