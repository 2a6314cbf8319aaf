#include "infer/generate.h"

#include <algorithm>

#include "infer/draft_pace.h"

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
    transformer_.forward(hidden, cache_, states_, source_);
    return ok_status();
}

Status LayerStack::truncate(std::size_t) {
    return Error{ErrorCode::kUnsupported, "these layers cannot forget what was guessed wrong"};
}

Status LocalLayers::truncate(std::size_t length) {
    cache_.truncate(length);
    return ok_status();
}

Result<Generated> generate(const tensor::Compute& compute, model::Transformer& embed_and_head,
                           LayerStack& layers, std::span<const std::uint32_t> prompt,
                           const GenerateOptions& options, const EndPredicate& is_end,
                           const StepCallback& callback, const Speculation& speculation) {
    const model::ModelConfig& config = embed_and_head.config();
    RETURN_IF_ERROR(check_prompt(config, prompt));
    RETURN_IF_ERROR(validate(options, config));
    Continuation text(config, prompt, options, is_end);
    DraftPace pace(std::min(speculation.most, embed_and_head.max_batch() - 1));
    const std::size_t most_rows = speculation.drafter == nullptr ? 1 : 1 + kMaxDraft;
    std::vector<float> hidden(most_rows * config.dim);
    std::vector<float> logits(most_rows * config.vocab);
    std::vector<std::uint32_t> next;  // the last token, and guesses behind it
    next.reserve(most_rows);
    next.push_back(prompt.back());
    std::size_t first = prompt.size() - 1;  // the position of next[0]
    Generated result;
    RETURN_IF_ERROR(prefill(compute, embed_and_head, layers, text, hidden, result.prompt));
    while (!text.is_done()) {
        const std::size_t rows = next.size();
        embed_and_head.head(std::span(hidden).first(rows * config.dim),
                            std::span(logits).first(rows * config.vocab));
        std::size_t taken = 0;
        bool go_on = true;
        do {
            const auto row = std::span(logits).subspan(taken++ * config.vocab, config.vocab);
            ASSIGN_OR_RETURN(go_on, text.take(compute, row, callback));
        } while (go_on && taken < rows && text.text().back() == next[taken]);
        result.drafted += rows - 1;
        result.accepted += taken - 1;
        if (taken < rows) RETURN_IF_ERROR(layers.truncate(first + taken));
        if (!go_on) break;
        pace.learn(rows - 1, taken - 1);
        first = text.text().size() - 1;
        next.assign(1, text.text().back());
        if (speculation.drafter != nullptr) {
            const std::size_t room = std::min(options.max_tokens - text.sampled().size() - 1,
                                              config.context - text.text().size());
            for (const std::uint32_t guess :
                 speculation.drafter->draft(text.text(), std::min(room, pace.next()))) {
                if (guess >= config.vocab) break;
                next.push_back(guess);
            }
        }
        const auto states = std::span(hidden).first(next.size() * config.dim);
        embed_and_head.embed(next, first, states);
        RETURN_IF_ERROR(layers.forward(states));
    }
    result.tokens.assign(text.sampled().begin(), text.sampled().end());
    result.reason = text.reason();
    return result;
}

}  // namespace cairn::infer
