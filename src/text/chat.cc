#include "text/chat.h"

#include <algorithm>
#include <array>

#include "text/default_system.h"

namespace cairn::text {

// What stands before and after the words of a turn. Control tokens are found in frames by name.
struct ChatFrame {
    std::string_view before;
    std::string_view after;
};

struct ChatStyle {
    std::string_view name;
    ChatFrame system;
    ChatFrame user;
    ChatFrame assistant;
    std::string_view answer;      ///< where the model goes on
    bool system_in_user = false;  ///< the system message stands inside the first user's turn
    bool trims = false;           ///< spaces around the words are left out
    /// A template of this style contains all of these.
    std::array<std::string_view, 2> marks;
    /// Without a template: a vocabulary of this style has this control token.
    std::string_view control;
};

namespace {

// The first that fits is chosen, so the more particular ones come first.
constexpr ChatStyle kStyles[] = {
    {.name = "chatml",
     .system = {"<|im_start|>system\n", "<|im_end|>\n"},
     .user = {"<|im_start|>user\n", "<|im_end|>\n"},
     .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"},
     .answer = "<|im_start|>assistant\n",
     .marks = {"<|im_start|>", "<|im_end|>"},
     .control = "<|im_start|>"},
    {.name = "llama3",
     .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
     .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
     .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
     .answer = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .trims = true,
     .marks = {"<|start_header_id|>", "<|eot_id|>"},
     .control = "<|start_header_id|>"},
    {.name = "llama2",
     .system = {"<<SYS>>\n", "\n<</SYS>>\n\n"},
     .user = {"[INST] ", " [/INST]"},
     .assistant = {" ", " </s><s>"},
     .answer = "",
     .system_in_user = true,
     .trims = true,
     .marks = {"[INST]", "<<SYS>>"},
     .control = ""},
    {.name = "mistral",
     .system = {"", "\n\n"},
     .user = {"[INST] ", " [/INST]"},
     .assistant = {" ", "</s>"},
     .answer = "",
     .system_in_user = true,
     .trims = true,
     .marks = {"[INST]", "[/INST]"},
     .control = "[INST]"},
    {.name = "gemma",
     .system = {"", "\n\n"},
     .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
     .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
     .answer = "<start_of_turn>model\n",
     .system_in_user = true,
     .trims = true,
     .marks = {"<start_of_turn>", "<end_of_turn>"},
     .control = "<start_of_turn>"},
    {.name = "phi3",
     .system = {"<|system|>\n", "<|end|>\n"},
     .user = {"<|user|>\n", "<|end|>\n"},
     .assistant = {"<|assistant|>\n", "<|end|>\n"},
     .answer = "<|assistant|>\n",
     .marks = {"<|user|>", "<|end|>"},
     .control = "<|assistant|>"},
    {.name = "zephyr",
     .system = {"<|system|>\n", "</s>\n"},
     .user = {"<|user|>\n", "</s>\n"},
     .assistant = {"<|assistant|>\n", "</s>\n"},
     .answer = "<|assistant|>\n",
     .marks = {"<|user|>", "<|assistant|>"},
     .control = ""},
    {.name = "plain",
     .system = {"", "\n\n"},
     .user = {"", ""},
     .assistant = {"", "\n"},
     .answer = "",
     .marks = {},
     .control = ""},
};
constexpr const ChatStyle& kPlain = kStyles[std::size(kStyles) - 1];

// Qwen's system messages, which some of its templates put together, in the order in which one that
// has several means them.
constexpr std::string_view kDefaultSystems[] = {
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "You are a helpful assistant."};

std::string_view trimmed(std::string_view text) {
    constexpr const char* kSpaces = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

// The text in pieces, each knowing whether it may make control tokens.
struct ChatFormat::Parts {
    std::vector<TextPart> list;

    void frame(std::string_view text) { list.push_back({text, Special::kAllow}); }
    void words(std::string_view text, const ChatStyle& style) {
        list.push_back({style.trims ? trimmed(text) : text, Special::kPlain});
    }
};

ChatFormat::ChatFormat(const ChatStyle& style, std::string_view chat_template)
    : style_(&style), wants_begin_(chat_template.find("bos_token") != std::string_view::npos) {
    default_system_ =
        default_system_message(chat_template, style.system.before, style.system.after);
    for (const std::string_view system : kDefaultSystems) {
        if (default_system_.empty() && chat_template.find(system) != std::string_view::npos)
            default_system_ = system;
    }
}

ChatFormat ChatFormat::choose(const Tokenizer& tokenizer) {
    const std::string_view text = tokenizer.chat_template();
    for (const ChatStyle& style : kStyles) {
        const bool marked = std::all_of(
            style.marks.begin(), style.marks.end(),
            [&](std::string_view mark) { return text.find(mark) != std::string_view::npos; });
        if (!text.empty() && marked && !style.marks[0].empty()) return {style, text};
    }
    for (const ChatStyle& style : kStyles)
        if (!style.control.empty() && tokenizer.control_token(style.control)) return {style, ""};
    return {kPlain, ""};
}

Result<ChatFormat> ChatFormat::named(std::string_view name, const Tokenizer& tokenizer) {
    std::string names;
    for (const ChatStyle& style : kStyles) {
        if (style.name == name) return ChatFormat(style, tokenizer.chat_template());
        names += (names.empty() ? "" : ", ") + std::string(style.name);
    }
    return not_found("no chat format is called '" + std::string(name) + "'; there are " + names);
}

std::string_view ChatFormat::name() const { return style_->name; }

Status ChatFormat::append(std::span<const ChatMessage> messages, Parts& parts) const {
    if (messages.empty()) return invalid("a conversation without a message");
    const ChatStyle& style = *style_;
    std::string_view system = default_system_;
    if (messages[0].role == "system") {
        system = messages[0].content;
        messages = messages.subspan(1);
    }
    const auto add_system = [&] {
        if (system.empty()) return;
        parts.frame(style.system.before);
        parts.words(system, style);
        parts.frame(style.system.after);
        system = {};
    };
    if (!style.system_in_user) add_system();
    for (const ChatMessage& message : messages) {
        if (message.role != "user" && message.role != "assistant")
            return invalid(message.role == "system" ? "a system message stands first or not at all"
                                                    : "a chat has no role '" + message.role + "'");
        const ChatFrame& frame = message.role == "user" ? style.user : style.assistant;
        parts.frame(frame.before);
        if (message.role == "user") add_system();
        parts.words(message.content, style);
        parts.frame(frame.after);
    }
    parts.frame(style.answer);
    return ok_status();
}

Result<Tokens> ChatFormat::prompt(const Tokenizer& tokenizer,
                                  std::span<const ChatMessage> messages) const {
    Parts parts;
    RETURN_IF_ERROR(append(messages, parts));
    Tokens tokens = tokenizer.encode_parts(parts.list);
    if (tokenizer.adds_begin() || wants_begin_ || tokens.empty())
        tokens.insert(tokens.begin(), tokenizer.begin_token());
    return tokens;
}

Result<std::string> ChatFormat::text(std::span<const ChatMessage> messages) const {
    Parts parts;
    RETURN_IF_ERROR(append(messages, parts));
    std::string text;
    for (const TextPart& part : parts.list) text += part.text;
    return text;
}

Tokens ChatFormat::next_turn(const Tokenizer& tokenizer, std::string_view user) const {
    Parts parts;
    parts.frame(style_->assistant.after);
    parts.frame(style_->user.before);
    parts.words(user, *style_);
    parts.frame(style_->user.after);
    parts.frame(style_->answer);
    return tokenizer.encode_parts(parts.list);
}

}  // namespace cairn::text
