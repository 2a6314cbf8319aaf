// How a conversation is written for a model that was trained on one: every family frames turns in
// its own way, and a model answers well only in its own. Models carry the frame as a program in a
// template language (chat_template); here the common frames are a table, chosen by what a template
// contains or, without one, by the control tokens of the vocabulary. What people write is encoded
// so that it can make no control token (text/tokenizer.h, Special).
//
//   chatml    <|im_start|>role\ncontent<|im_end|>\n                 Qwen (with its system message)
//   llama3    <|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>
//   llama2    [INST] <<SYS>>\nsystem\n<</SYS>>\n\ncontent [/INST] answer </s><s>
//   mistral   [INST] content [/INST] answer</s>
//   gemma     <start_of_turn>role\ncontent<end_of_turn>\n
//   zephyr    <|role|>\ncontent</s>\n                               TinyLlama
//   phi3      <|role|>\ncontent<|end|>\n
//   plain     the contents alone, one turn after the other: the fallback, for base models that
//             were never trained on conversations
//
// Source: the chat templates in those models' repositories.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace cairn::text {

struct ChatMessage {
    std::string role;  ///< "system" (first only), "user", "assistant"
    std::string content;
};

struct ChatStyle;

class ChatFormat {
  public:
    /// By the tokenizer's chat template, else by its control tokens, else plain.
    static ChatFormat choose(const Tokenizer& tokenizer);
    /// By name (see above); kNotFound with the names that there are.
    static Result<ChatFormat> named(std::string_view name, const Tokenizer& tokenizer);

    std::string_view name() const;
    /// The system message that the model expects where nobody gives one; often empty.
    const std::string& default_system() const { return default_system_; }

    /// The conversation up to where the model's answer begins. kInvalid for roles that are not
    /// known, for a system message that is not first, for no message.
    Result<Tokens> prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) const;
    /// The same as text, for people and tests.
    Result<std::string> text(std::span<const ChatMessage> messages) const;
    /// What goes between an answer, as the model wrote it without an end token, and the next one:
    /// the end of the turn, the user's words, the beginning of the answer.
    Tokens next_turn(const Tokenizer& tokenizer, std::string_view user) const;

  private:
    struct Parts;
    ChatFormat(const ChatStyle& style, std::string_view chat_template);
    Status append(std::span<const ChatMessage> messages, Parts& parts) const;

    const ChatStyle* style_;
    std::string default_system_;
    bool wants_begin_ = false;  ///< the template itself begins with the begin token
};

}  // namespace cairn::text
