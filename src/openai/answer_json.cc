#include "openai/answer_json.h"

#include <bit>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/numerics_version.h"
#include "openai/base64.h"
#include "openai/json_text.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::ordered_json;

/// Equal fingerprint, model, request and seed: equal bits, on any machine.
std::string fingerprint(const AnswerHead& head) {
    std::string text = fmt::format("cairn_numerics_{}", kNumericsVersion);
    if (head.kv != tensor::KvType::kF32) text += fmt::format("_kv_{}", kv_type_name(head.kv));
    if (head.states != tensor::StateType::kF32)
        text += fmt::format("_wire_{}", state_type_name(head.states));
    return text;
}

Json begun(const AnswerHead& head, bool whole) {
    const char* object = "text_completion";
    if (head.form == Form::kChat) object = whole ? "chat.completion" : "chat.completion.chunk";
    return {{"id", head.id},
            {"object", object},
            {"created", head.created_s},
            {"model", head.model},
            {"system_fingerprint", fingerprint(head)}};
}

Json usage_json(const Usage& usage) {
    return {{"prompt_tokens", usage.prompt_tokens},
            {"completion_tokens", usage.completion_tokens},
            {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
            {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

/// An object as text, to be gone on with: without the brace that ends it.
std::string open_text(const Json& object) {
    std::string text = json_text(object);
    text.pop_back();
    return text;
}

std::string event_of(const AnswerHead& head, const std::string& choice, bool usage_follows) {
    std::string text = "data: " + open_text(begun(head, false));
    text += R"(,"choices":[)" + choice + ']';
    // OpenAI's description has no null here for completions.
    if (usage_follows && head.form == Form::kChat) text += R"(,"usage":null)";
    return text + "}\n\n";
}

/// `begun`: what a choice has before its log-probabilities. `reason`: empty while it goes on.
std::string choice_text(const Json& begun, const ChoiceLogprobs* logprobs,
                        const std::string& reason, const std::string& facts) {
    std::string text = open_text(begun) + R"(,"logprobs":)";
    text += logprobs == nullptr ? "null" : logprobs->json();
    text += R"(,"finish_reason":)" + json_text(reason.empty() ? Json(nullptr) : Json(reason));
    if (!facts.empty())
        if (const Json json = Json::parse(facts, nullptr, false); json.is_object())
            text += R"(,"cairn":)" + json_text(json);
    return text + '}';
}

/// What a choice of a stream has first; `delta` is an object in a chat, else a text.
Json piece(Form form, std::size_t index, Json delta) {
    if (form == Form::kChat) return {{"index", index}, {"delta", std::move(delta)}};
    return {{"index", index}, {"text", delta.is_string() ? std::move(delta) : Json("")}};
}

Json view(const host::HostedModel& model) {
    Json ours = {{"state", host::model_state_name(model.state)},
                 {"format", model.format},
                 {"parameters", model.parameters},
                 {"bytes", model.bytes},
                 {"context", model.context},
                 {"writes", model.writes},
                 {"chat_format", model.chat_format}};
    if (model.over_servers) ours["over_servers"] = true;
    if (model.has_versions) ours["versions"] = model.versions;
    if (!model.problem.empty()) ours["problem"] = model.problem;
    return {{"id", model.id},
            {"object", "model"},
            {"created", model.created_s},
            {"owned_by", "cairn"},
            {"cairn", std::move(ours)}};
}

Json vector_json(const std::vector<float>& vector, bool base64) {
    if (!base64) return vector;
    Writer bytes;
    for (const float value : vector) bytes.u32(std::bit_cast<std::uint32_t>(value));
    return to_base64(bytes.out());
}

}  // namespace

std::string finish_reason(host::AnswerEnd end) {
    return end == host::AnswerEnd::kMaxTokens || end == host::AnswerEnd::kContext ? "length"
                                                                                  : "stop";
}

std::string whole_choice(Form form, std::size_t index, const std::string& text, host::AnswerEnd end,
                         const ChoiceLogprobs* logprobs, const std::string& facts) {
    Json choice = {{"index", index}};
    if (form == Form::kChat)
        choice["message"] = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
    else
        choice["text"] = text;
    return choice_text(choice, logprobs, finish_reason(end), facts);
}

std::string whole_answer(const AnswerHead& head, std::vector<std::string> choices,
                         const Usage& usage) {
    std::string text = open_text(begun(head, true)) + R"(,"choices":[)";
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i > 0) text += ',';
        text += std::exchange(choices[i], {});
    }
    return text + R"(],"usage":)" + json_text(usage_json(usage)) + '}';
}

std::string role_event(const AnswerHead& head, std::size_t index, bool usage_follows) {
    Json delta = {{"role", "assistant"}, {"content", ""}};
    return event_of(head, choice_text(piece(head.form, index, std::move(delta)), nullptr, "", ""),
                    usage_follows);
}

std::string text_event(const AnswerHead& head, std::size_t index, const std::string& text,
                       const ChoiceLogprobs* logprobs, bool usage_follows) {
    Json delta = head.form == Form::kChat ? Json{{"content", text}} : Json(text);
    return event_of(head, choice_text(piece(head.form, index, std::move(delta)), logprobs, "", ""),
                    usage_follows);
}

std::string end_event(const AnswerHead& head, std::size_t index, host::AnswerEnd end,
                      const std::string& facts, bool usage_follows) {
    const Json begun = piece(head.form, index, Json::object());
    return event_of(head, choice_text(begun, nullptr, finish_reason(end), facts), usage_follows);
}

std::string usage_event(const AnswerHead& head, const Usage& usage) {
    Json json = begun(head, false);
    json["choices"] = Json::array();
    json["usage"] = usage_json(usage);
    return event_text(json);
}

std::string model_json(const host::HostedModel& model) { return json_text(view(model)); }

std::string models_json(const std::vector<host::HostedModel>& models) {
    Json data = Json::array();
    for (const host::HostedModel& model : models) data.push_back(view(model));
    return json_text({{"object", "list"}, {"data", std::move(data)}});
}

std::string vectors_json(const host::Vectors& vectors, bool base64) {
    // One after another: all of them as JSON objects take many times the text.
    std::string text = R"({"object":"list","data":[)";
    for (std::size_t i = 0; i < vectors.vectors.size(); ++i) {
        if (i > 0) text += ',';
        text += json_text({{"object", "embedding"},
                           {"index", i},
                           {"embedding", vector_json(vectors.vectors[i], base64)}});
    }
    const Json rest = {
        {"model", vectors.model},
        {"usage", {{"prompt_tokens", vectors.tokens}, {"total_tokens", vectors.tokens}}}};
    return text + "]," + json_text(rest).substr(1);
}

}  // namespace cairn::openai
