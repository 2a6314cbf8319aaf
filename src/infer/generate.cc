#include "infer/generate.h"

#include <algorithm>

namespace cairn::infer {

namespace {

// Logits of a prompt's rows, a few at a time: all of a slice would be large.
constexpr std::size_t kEchoRows = 16;

// Log-probabilities of the tokens after the rows of a slice, which begins at position `at`.
void echo(const tensor::Compute& compute, model::Transformer& embed_and_head,
          const Continuation& text, std::size_t at, std::span<const float> rows,
          std::vector<float>& logits, std::vector<PromptLogprob>& known) {
    const std::size_t dim = embed_and_head.config().dim;
    const std::size_t vocab = embed_and_head.config().vocab;
    const std::size_t count = rows.size() / dim;
    for (std::size_t row = 0; row < count; row += kEchoRows) {
        const std::size_t n =
            std::min({kEchoRows, count - row, text.prompt_tokens() - 1 - (at + row)});
        if (n == 0) return;
        logits.resize(n * vocab);
        embed_and_head.head(rows.subspan(row * dim, n * dim), logits);
        for (std::size_t i = 0; i < n; ++i)
            known.push_back(text.prompt_logprob(compute, at + row + i + 1,
                                                std::span(logits).subspan(i * vocab, vocab)));
    }
}

// Runs the prompt through the layers; last_hidden receives the state of its last token.
Status prefill(const tensor::Compute& compute, model::Transformer& embed_and_head,
               LayerStack& layers, const Continuation& text, std::vector<float>& last_hidden,
               std::vector<PromptLogprob>& known) {
    const std::size_t dim = embed_and_head.config().dim;
    const std::span<const std::uint32_t> prompt = text.text();
    const std::size_t batch =
        std::clamp<std::size_t>(text.options().prefill_batch, 1, embed_and_head.max_batch());
    std::vector<float> hidden(std::min(batch, prompt.size()) * dim);
    std::vector<float> logits;
    for (std::size_t at = 0; at < prompt.size(); at += batch) {
        const std::size_t n = std::min(batch, prompt.size() - at);
        const std::span<float> rows = std::span(hidden).first(n * dim);
        embed_and_head.embed(prompt.subspan(at, n), at, rows);
        RETURN_IF_ERROR(layers.forward(rows));
        if (text.options().echo_logprobs)
            echo(compute, embed_and_head, text, at, rows, logits, known);
        std::copy_n(rows.end() - static_cast<std::ptrdiff_t>(dim), dim, last_hidden.begin());
    }
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

Result<Generated> generate(const tensor::Compute& compute, model::Transformer& embed_and_head,
                           LayerStack& layers, std::span<const std::uint32_t> prompt,
                           const GenerateOptions& options, const EndPredicate& is_end,
                           const StepCallback& callback) {
    const model::ModelConfig& config = embed_and_head.config();
    RETURN_IF_ERROR(check_prompt(config, prompt));
    RETURN_IF_ERROR(validate(options, config));
    Continuation text(config, prompt, options, is_end);
    std::vector<float> hidden(config.dim);
    std::vector<float> logits(config.vocab);
    Generated result;
    RETURN_IF_ERROR(prefill(compute, embed_and_head, layers, text, hidden, result.prompt));
    while (!text.is_done()) {
        embed_and_head.head(hidden, logits);
        ASSIGN_OR_RETURN(const bool go_on, text.take(compute, logits, callback));
        if (!go_on) break;
        const std::size_t position = text.text().size() - 1;
        embed_and_head.embed(text.text().subspan(position), position, hidden);
        RETURN_IF_ERROR(layers.forward(hidden));
    }
    result.tokens.assign(text.sampled().begin(), text.sampled().end());
    result.reason = text.reason();
    return result;
}

}  // namespace cairn::infer
