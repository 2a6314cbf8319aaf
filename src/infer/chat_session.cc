#include "infer/chat_session.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::infer {

namespace {
constexpr std::size_t kPrefillBatch = 128;
}  // namespace

class ChatSession::NewLayers final : public LayerStack {
  public:
    NewLayers(model::Transformer& transformer, model::KvCache& cache, const ChatHooks& hooks)
        : layers_(transformer, cache),
          dim_(transformer.config().dim),
          known_(cache.length()),
          hooks_(hooks) {}

    Status forward(std::span<float> hidden) override {
        if (hooks_.cancelled && hooks_.cancelled())
            return Error{ErrorCode::kCancelled, "the answer was stopped"};
        const std::size_t rows = hidden.size() / dim_;
        const std::size_t skip = std::min(rows, known_ - std::min(known_, seen_));
        seen_ += rows;
        if (skip == rows) return ok_status();
        return layers_.forward(hidden.subspan(skip * dim_));
    }

    Status truncate(std::size_t length) override { return layers_.truncate(length); }

  private:
    LocalLayers layers_;
    std::size_t dim_;
    std::size_t known_;
    std::size_t seen_ = 0;
    const ChatHooks& hooks_;
};

ChatSession::ChatSession(const model::ModelConfig& config, const model::Weights& weights,
                         const text::Tokenizer& tokenizer, text::ChatFormat format,
                         const tensor::Compute& compute, std::size_t positions, model::KvType kv)
    : tokenizer_(tokenizer),
      format_(std::move(format)),
      compute_(compute),
      transformer_(config, weights, model::all_layers(config), compute,
                   {.max_batch = kPrefillBatch, .max_positions = positions}),
      cache_(config, model::all_layers(config), positions, kv) {}

void ChatSession::reset(std::optional<std::string> system) {
    tokens_.clear();
    messages_.clear();
    cache_.truncate(0);
    if (system) messages_.push_back({"system", std::move(*system)});
}

Result<text::Tokens> ChatSession::tokens_with(const std::string& user) const {
    if (!tokens_.empty()) {
        text::Tokens tokens = tokens_;
        const text::Tokens next = format_.next_turn(tokenizer_, user);
        tokens.insert(tokens.end(), next.begin(), next.end());
        return tokens;
    }
    std::vector<text::ChatMessage> messages = messages_;
    messages.push_back({"user", user});
    return format_.prompt(tokenizer_, messages);
}

Result<ChatAnswer> ChatSession::answer(const std::string& user, const GenerateOptions& options,
                                       StopStrings stops, const ChatHooks& hooks,
                                       const Speculation& speculation) {
    ASSIGN_OR_RETURN(const text::Tokens prompt, tokens_with(user));
    if (prompt.size() >= cache_.capacity())
        return Error{ErrorCode::kFull,
                     fmt::format("the conversation would be {} tokens long, this model remembers "
                                 "{}; begin anew with /reset",
                                 prompt.size(), cache_.capacity())};
    // At least the prompt's last token is computed: the answer begins with what follows it.
    const std::size_t before = std::min(cache_.length(), prompt.size() - 1);
    cache_.truncate(before);
    ChatAnswer answer;
    answer.reused = before;
    answer.computed = prompt.size() - before;
    GenerateOptions bounded = options;
    bounded.max_tokens = std::min(options.max_tokens, cache_.capacity() - prompt.size());
    bounded.prefill_batch = kPrefillBatch;

    text::StreamDecoder decoder(tokenizer_);
    const auto show = [&](const std::string& piece) {
        answer.text += piece;
        if (hooks.show && !piece.empty()) hooks.show(piece);
    };
    const auto is_end = [&](std::uint32_t token) { return tokenizer_.is_end(token); };
    const auto on_step = [&](const GeneratedStep& step) {
        if (step.index == 0 && hooks.first_token) hooks.first_token();
        if (is_end(step.token)) return true;
        show(stops.push(decoder.push(step.token)));
        answer.cancelled = hooks.cancelled && hooks.cancelled();
        return !stops.stopped() && !answer.cancelled;
    };
    NewLayers layers(transformer_, cache_, hooks);
    auto generated =
        generate(compute_, transformer_, layers, prompt, bounded, is_end, on_step, speculation);
    if (!generated.ok()) {
        cache_.truncate(std::min(cache_.length(), before));
        return generated.error();
    }
    show(stops.push(decoder.finish()));
    if (!stops.stopped()) show(stops.finish());
    answer.stopped_by_string = stops.stopped();
    answer.reason = generated->reason;
    answer.written = generated->tokens.size();
    answer.drafted = generated->drafted;
    answer.accepted = generated->accepted;
    // The answer may have ended at the end of the memory, not at the caller's limit.
    if (answer.reason == StopReason::kMaxTokens && bounded.max_tokens < options.max_tokens)
        answer.reason = StopReason::kContext;
    keep(prompt, *generated, answer);
    messages_.push_back({"user", user});
    messages_.push_back({"assistant", answer.text});
    return answer;
}

// After a stop string, tokens beyond what was shown are forgotten.
void ChatSession::keep(std::span<const std::uint32_t> prompt, const Generated& generated,
                       const ChatAnswer& answer) {
    text::Tokens written = generated.tokens;
    if (answer.stopped_by_string)
        while (!written.empty() && tokenizer_.decode(written).size() > answer.text.size())
            written.pop_back();
    tokens_.assign(prompt.begin(), prompt.end());
    tokens_.insert(tokens_.end(), written.begin(), written.end());
    cache_.truncate(std::min(cache_.length(), tokens_.size()));
}

}  // namespace cairn::infer
