#include "openai/request.h"

#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "formats/strict_json.h"
#include "openai/json_text.h"
#include "openai/request_parts.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMostTokens = std::numeric_limits<std::int32_t>::max();

/// What `read` makes of the body's fields; all others are unknown.
template <typename Ask, typename Read>
Checked<Ask> read_body(std::string_view body, Read read) {
    const auto json = formats::parse_strict_json(body, "the request's body", kMaxBodyParts);
    if (!json.ok()) return ApiError{400, json.error().message, "", "invalid_json", 0};
    std::optional<ApiError> problem;
    Fields fields(*json, "", problem);
    Ask ask;
    ask.model = fields.text("model").value_or("");
    read(fields, ask);
    fields.refuse_unknown();
    if (problem) return *std::move(problem);
    return ask;
}

void refuse_what_chats_lack(Fields& fields) {
    constexpr const char* kNoTools = "models here call no tools";
    constexpr const char* kTextOnly = "models here read and write text only";
    fields.refuse("tools", kNoTools);
    fields.refuse("functions", kNoTools);
    fields.refuse("tool_choice", kNoTools, {"none", "auto"});
    fields.refuse("function_call", kNoTools, {"none", "auto"});
    fields.refuse("audio", kTextOnly);
    fields.refuse("web_search_options", "models here search nothing");
    fields.refuse("reasoning_effort", "how long a model reasons cannot be set", {"none"});
    fields.refuse("verbosity", "ask for it in a message", {"medium"});
    fields.refuse("moderation", "nothing is moderated here");
    const Json* modalities = fields.list("modalities");
    if (modalities != nullptr && *modalities != Json::array({"text"}))
        fields.refuse("modalities", kTextOnly);
    const Json* format = fields.any("response_format");
    if (format != nullptr && *format != Json{{"type", "text"}})
        fields.refuse("response_format", "answers are text; {\"type\": \"text\"} says so");
    // A prediction only makes an answer come sooner.
    fields.pass_over({"parallel_tool_calls", "prediction"});
}

/// Before any work: how long an answer without max_tokens becomes, nobody knows yet.
void bound_logprobs(Fields& fields, const TextAsk& ask) {
    if (ask.stream || !ask.options.logprobs) return;
    const std::size_t tokens = ask.prompts.size() * ask.answers * ask.options.max_tokens;
    if (tokens * (1 + ask.options.top_logprobs) <= kMaxHeldLogprobs) return;
    fields.fail("logprobs", fmt::format("of {} tokens with {} alternatives each are too many for "
                                        "an answer in one piece, which has {} in all; ask for "
                                        "fewer, or with stream: true",
                                        tokens, ask.options.top_logprobs, kMaxHeldLogprobs));
}

void read_chat_fields(Fields& fields, TextAsk& ask) {
    ask.form = Form::kChat;
    const Json* messages = fields.list("messages");
    if (messages == nullptr)
        fields.fail("messages", "is missing");
    else
        ask.prompts.emplace_back(read_messages(*messages, fields.problem()));
    read_sampling(fields, ask);
    ask.options.max_tokens = 0;  // up to the end of the context
    for (const char* name : {"max_tokens", "max_completion_tokens"})
        if (const auto most = fields.whole(name, 1, kMostTokens))
            ask.options.max_tokens = static_cast<std::size_t>(*most);
    ask.options.logprobs = fields.truth("logprobs").value_or(false);
    const auto top = fields.whole("top_logprobs", 0, static_cast<std::int64_t>(kMaxTopLogprobs));
    if (top.value_or(0) > 0 && !ask.options.logprobs)
        fields.fail("top_logprobs", "needs logprobs: true");
    ask.options.top_logprobs = static_cast<std::size_t>(top.value_or(0));
    bound_logprobs(fields, ask);
    refuse_what_chats_lack(fields);
}

bool is_token_list(const Json& json) {
    return json.is_array() && !json.empty() && json[0].is_number();
}

/// A text, a list of tokens, or a list of either, up to `most`: each goes to `take`.
template <typename Take>
void read_texts(Fields& fields, const std::string& name, std::size_t most, Take take) {
    const Json* given = fields.any(name);
    if (given == nullptr) return fields.fail(name, "is missing");
    const auto take_one = [&](const Json& one, const std::string& path) {
        if (one.is_string())
            take(one.get<std::string>());
        else if (is_token_list(one))
            take(read_tokens(one, path, fields.problem()));
        else if (!fields.problem())
            fields.problem() = bad_field(path, path + " wants a text or a list of tokens");
    };
    if (given->is_string() || is_token_list(*given)) return take_one(*given, name);
    if (!given->is_array() || given->empty() || given->size() > most)
        return fields.fail(name, fmt::format("wants a text, a list of tokens, or a list of 1 to {} "
                                             "of these",
                                             most));
    for (std::size_t i = 0; i < given->size() && !fields.problem(); ++i)
        take_one((*given)[i], fmt::format("{}[{}]", name, i));
}

/// Prompts that are given back once for each text are kept with an answer in one piece, and go out
/// all at once in a stream.
void bound_echo(Fields& fields, const TextAsk& ask) {
    constexpr std::size_t kEvent = 512;  // what stands around a text, at most
    std::size_t bytes = 0;
    for (const host::Prompt& prompt : ask.prompts) {
        const auto* text = std::get_if<std::string>(&prompt);
        if (text == nullptr) return fields.fail("echo", "needs a prompt that is a text");
        bytes +=
            ask.stream ? json_text(nlohmann::ordered_json(*text)).size() + kEvent : text->size();
    }
    bytes *= ask.answers;
    if (bytes > (ask.stream ? kMaxStreamedEcho : kMaxHeldBytes))
        fields.fail("echo", fmt::format("would give back {} KiB of prompts, one for each text; {}",
                                        bytes >> 10,
                                        ask.stream ? "ask for fewer texts, or without stream"
                                                   : "ask for fewer texts"));
}

void read_completion_fields(Fields& fields, TextAsk& ask) {
    ask.form = Form::kCompletion;
    read_texts(fields, "prompt", kMaxPrompts,
               [&](auto text) { ask.prompts.emplace_back(std::move(text)); });
    read_sampling(fields, ask);
    if (ask.prompts.size() * ask.answers > kMaxChoices)
        fields.fail("n", fmt::format("and the prompts ask for more than {} texts", kMaxChoices));
    const auto most = fields.whole("max_tokens", 1, kMostTokens);
    ask.options.max_tokens =
        static_cast<std::size_t>(most.value_or(static_cast<std::int64_t>(kUsualCompletionTokens)));
    if (const auto top =
            fields.whole("logprobs", 0, static_cast<std::int64_t>(kMaxLegacyLogprobs))) {
        ask.options.logprobs = true;
        ask.options.top_logprobs = static_cast<std::size_t>(*top);
    }
    bound_logprobs(fields, ask);
    ask.echo = fields.truth("echo").value_or(false);
    if (ask.echo && ask.options.logprobs)
        fields.fail("echo", "cannot be had with logprobs: those of a prompt are not there yet");
    if (ask.echo) bound_echo(fields, ask);
    const auto best_of = fields.whole("best_of", 1, static_cast<std::int64_t>(kMaxAnswers));
    if (best_of && static_cast<std::size_t>(*best_of) != ask.answers)
        fields.fail("best_of", "can only be as many as n: no answer is left out");
    fields.refuse("suffix", "models here write only what comes after a prompt");
}

void read_embeddings_fields(Fields& fields, VectorsAsk& ask) {
    read_texts(fields, "input", kMaxTexts,
               [&](auto text) { ask.texts.emplace_back(std::move(text)); });
    const std::string format = fields.text("encoding_format").value_or("float");
    ask.base64 = format == "base64";
    if (!ask.base64 && format != "float") fields.fail("encoding_format", "wants float or base64");
    if (const auto dimensions = fields.whole("dimensions", 1, kMostTokens))
        ask.dimensions = static_cast<std::size_t>(*dimensions);
    fields.pass_over({"user"});
}

}  // namespace

text::Tokens read_tokens(const Json& list, const std::string& name,
                         std::optional<ApiError>& problem) {
    text::Tokens tokens;
    tokens.reserve(list.size());
    for (const Json& token : list) {
        constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
        if (!token.is_number_unsigned() || token.get<std::uint64_t>() > kMost) {
            if (!problem) problem = bad_field(name, name + " holds what is no token");
            return tokens;
        }
        tokens.push_back(token.get<std::uint32_t>());
    }
    return tokens;
}

Checked<TextAsk> read_chat(std::string_view body) {
    return read_body<TextAsk>(body, read_chat_fields);
}

Checked<TextAsk> read_completion(std::string_view body) {
    return read_body<TextAsk>(body, read_completion_fields);
}

Checked<VectorsAsk> read_embeddings(std::string_view body) {
    return read_body<VectorsAsk>(body, read_embeddings_fields);
}

}  // namespace cairn::openai
