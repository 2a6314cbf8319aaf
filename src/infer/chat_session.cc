#include "infer/chat_session.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::infer {

namespace {
constexpr std::size_t kPrefillBatch = 128;
}  // namespace

class ChatSession::NewLayers final : public LayerStack {
  public:
    /// `known` counts the positions that the layers know, and goes on counting.
    NewLayers(LayerStack& layers, std::size_t dim, std::size_t prompt, std::size_t& known,
              const ChatHooks& hooks)
        : layers_(layers),
          dim_(dim),
          prompt_(prompt),
          before_(known),
          known_(known),
          hooks_(hooks) {}

    Status forward(std::span<float> hidden) override {
        // Behind the prompt whoever takes the tokens asks, and keeps those that came.
        if (seen_ < prompt_ && hooks_.cancelled && hooks_.cancelled())
            return Error{ErrorCode::kCancelled, "the answer was stopped"};
        const std::size_t rows = hidden.size() / dim_;
        const std::size_t skip = std::min(rows, before_ - std::min(before_, seen_));
        seen_ += rows;
        if (skip == rows) return ok_status();
        RETURN_IF_ERROR(layers_.forward(hidden.subspan(skip * dim_)));
        known_ += rows - skip;
        return ok_status();
    }

    Status truncate(std::size_t length) override {
        RETURN_IF_ERROR(layers_.truncate(length));
        known_ = length;
        return ok_status();
    }

  private:
    LayerStack& layers_;
    std::size_t dim_;
    std::size_t prompt_;  // its tokens
    std::size_t before_;
    std::size_t& known_;
    std::size_t seen_ = 0;
    const ChatHooks& hooks_;
};

ChatSession::ChatSession(const model::ModelConfig& config, const model::Weights& weights,
                         const text::Tokenizer& tokenizer, text::ChatFormat format,
                         const tensor::Compute& compute, std::size_t positions, model::KvType kv,
                         tensor::StateType states, std::unique_ptr<LayerStack> layers)
    : tokenizer_(tokenizer),
      format_(std::move(format)),
      compute_(compute),
      positions_(positions),
      transformer_(config, weights, layers ? model::LayerRange{} : model::all_layers(config),
                   compute, {.max_batch = kPrefillBatch, .max_positions = positions}),
      layers_(std::move(layers)) {
    if (layers_) return;
    cache_.emplace(config, model::all_layers(config), positions, kv);
    layers_ = std::make_unique<LocalLayers>(transformer_, *cache_, states);
}

Status ChatSession::forget(std::size_t length) {
    if (length >= known_) return ok_status();
    RETURN_IF_ERROR(layers_->truncate(length));
    known_ = length;
    return ok_status();
}

void ChatSession::reset(std::optional<std::string> system) {
    tokens_.clear();
    messages_.clear();
    known_ = 0;  // the next answer begins by forgetting
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
    if (prompt.size() >= positions_)
        return Error{ErrorCode::kFull,
                     fmt::format("the conversation would be {} tokens long, this model remembers "
                                 "{}; begin anew with /reset",
                                 prompt.size(), positions_)};
    // At least the prompt's last token is computed: the answer begins with what follows it.
    const std::size_t before = std::min(known_, prompt.size() - 1);
    RETURN_IF_ERROR(layers_->truncate(before));
    known_ = before;
    ChatAnswer answer;
    answer.reused = before;
    answer.computed = prompt.size() - before;
    GenerateOptions bounded = options;
    bounded.max_tokens = std::min(options.max_tokens, positions_ - prompt.size());
    bounded.prefill_batch = kPrefillBatch;

    text::StreamDecoder decoder(tokenizer_);
    text::Tokens written;
    const auto show = [&](const std::string& piece) {
        answer.text += piece;
        if (hooks.show && !piece.empty()) hooks.show(piece);
    };
    const auto is_end = [&](std::uint32_t token) { return tokenizer_.is_end(token); };
    const auto on_step = [&](const GeneratedStep& step) {
        if (step.index == 0 && hooks.first_token) hooks.first_token();
        if (is_end(step.token)) return true;
        written.push_back(step.token);
        show(stops.push(decoder.push(step.token)));
        answer.cancelled = hooks.cancelled && hooks.cancelled();
        return !stops.stopped() && !answer.cancelled;
    };
    NewLayers layers(*layers_, transformer_.config().dim, prompt.size(), known_, hooks);
    auto generated =
        generate(compute_, transformer_, layers, prompt, bounded, is_end, on_step, speculation);
    if (!generated.ok()) {
        // Layers elsewhere may have forgotten more than we know of.
        const bool failed = generated.error().code != ErrorCode::kCancelled;
        known_ = failed && !cache_ ? 0 : std::min(known_, before);
        if (failed || written.empty()) return generated.error();
        // Stopped while it waited for layers elsewhere: what was shown stays.
        answer.cancelled = true;
        generated = Generated{};
        generated->tokens = std::move(written);
        generated->reason = StopReason::kCaller;
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
    RETURN_IF_ERROR(keep(prompt, *generated, answer));
    messages_.push_back({"user", user});
    messages_.push_back({"assistant", answer.text});
    return answer;
}

// After a stop string, tokens beyond what was shown are forgotten.
Status ChatSession::keep(std::span<const std::uint32_t> prompt, const Generated& generated,
                         const ChatAnswer& answer) {
    text::Tokens written = generated.tokens;
    if (answer.stopped_by_string)
        while (!written.empty() && tokenizer_.decode(written).size() > answer.text.size())
            written.pop_back();
    tokens_.assign(prompt.begin(), prompt.end());
    tokens_.insert(tokens_.end(), written.begin(), written.end());
    return forget(tokens_.size());
}

}  // namespace cairn::infer
