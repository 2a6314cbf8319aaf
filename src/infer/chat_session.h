// ChatSession: a conversation with a model, whose layers are on this machine or elsewhere. Keys and
// values of what was said stay in memory there, so that each turn computes only what is new; an
// answer that is stopped, by its reader or by a string, leaves a conversation that goes on from
// what was shown.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "infer/generate.h"
#include "infer/stop_strings.h"
#include "text/chat.h"

namespace cairn::infer {

struct ChatAnswer {
    std::string text;
    StopReason reason = StopReason::kMaxTokens;
    bool stopped_by_string = false;
    bool cancelled = false;    ///< the reader stopped it; `text` is what came until then
    std::size_t reused = 0;    ///< tokens of the conversation that were in memory
    std::size_t computed = 0;  ///< tokens of it that were not: the new ones
    std::size_t written = 0;   ///< tokens of the answer
    std::size_t drafted = 0;   ///< guesses ahead
    std::size_t accepted = 0;  ///< of these, the ones that came true
};

struct ChatHooks {
    std::function<void(const std::string&)> show;  ///< text as it comes
    std::function<bool()> cancelled;               ///< asked between two pieces of work
    std::function<void()> first_token;             ///< the prompt is computed
};

class ChatSession {
  public:
    /// Room for `positions` tokens, at most the model's context. The arguments must outlive it.
    /// `layers`, which have room for as many and are empty, compute the layers; null: this machine
    /// does, with a cache of the type `kv` and rows of the type `states`.
    ChatSession(const model::ModelConfig& config, const model::Weights& weights,
                const text::Tokenizer& tokenizer, text::ChatFormat format,
                const tensor::Compute& compute, std::size_t positions,
                model::KvType kv = model::KvType::kF32,
                tensor::StateType states = tensor::StateType::kF32,
                std::unique_ptr<LayerStack> layers = nullptr);

    const text::ChatFormat& format() const { return format_; }
    /// Begins anew; nothing means the format's own system message.
    void reset(std::optional<std::string> system);
    /// System message (if one was given), then users' and assistant's turns.
    const std::vector<text::ChatMessage>& messages() const { return messages_; }
    std::size_t positions() const { return positions_; }
    /// Tokens of the conversation so far.
    std::size_t length() const { return tokens_.size(); }

    /// kFull when the conversation is longer than the memory; then, and after any other error, the
    /// conversation is as it was before.
    Result<ChatAnswer> answer(const std::string& user, const GenerateOptions& options,
                              StopStrings stops, const ChatHooks& hooks,
                              const Speculation& speculation = {});

  private:
    // All layers, but skipping the tokens whose keys and values the cache has already.
    class NewLayers;

    /// Forgets what the layers know from `length` on.
    Status forget(std::size_t length);
    Result<text::Tokens> tokens_with(const std::string& user) const;
    Status keep(std::span<const std::uint32_t> prompt, const Generated& generated,
                const ChatAnswer& answer);

    const text::Tokenizer& tokenizer_;
    text::ChatFormat format_;
    const tensor::Compute& compute_;
    std::size_t positions_;
    model::Transformer transformer_;
    std::optional<model::KvCache> cache_;  ///< of layers on this machine
    std::unique_ptr<LayerStack> layers_;
    std::size_t known_ = 0;  ///< tokens whose keys and values the layers have
    text::Tokens tokens_;
    std::vector<text::ChatMessage> messages_;
};

}  // namespace cairn::infer
