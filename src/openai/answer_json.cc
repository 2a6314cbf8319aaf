#include "openai/answer_json.h"

#include <bit>

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

std::string event_of(const AnswerHead& head, Json choice, bool usage_follows) {
    Json json = begun(head, false);
    json["choices"] = Json::array({std::move(choice)});
    // OpenAI's description has no null here for completions.
    if (usage_follows && head.form == Form::kChat) json["usage"] = nullptr;
    return event_text(json);
}

Json logprobs_or_null(const ChoiceLogprobs* logprobs) {
    return logprobs == nullptr ? Json(nullptr) : logprobs->json();
}

Json piece(Form form, std::size_t index, Json delta, Json logprobs, Json reason) {
    Json choice = {{"index", index}};
    if (form == Form::kChat)
        choice["delta"] = std::move(delta);
    else
        choice["text"] = delta.is_string() ? std::move(delta) : Json("");
    choice["logprobs"] = std::move(logprobs);
    choice["finish_reason"] = std::move(reason);
    return choice;
}

void add_facts(Json& choice, const std::string& facts) {
    if (facts.empty()) return;
    Json json = Json::parse(facts, nullptr, false);
    if (json.is_object()) choice["cairn"] = std::move(json);
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

Json whole_choice(Form form, std::size_t index, const std::string& text, host::AnswerEnd end,
                  const ChoiceLogprobs* logprobs, const std::string& facts) {
    Json choice = {{"index", index}};
    if (form == Form::kChat)
        choice["message"] = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
    else
        choice["text"] = text;
    choice["logprobs"] = logprobs_or_null(logprobs);
    choice["finish_reason"] = finish_reason(end);
    add_facts(choice, facts);
    return choice;
}

std::string whole_answer(const AnswerHead& head, std::vector<Json> choices, const Usage& usage) {
    Json json = begun(head, true);
    json["choices"] = std::move(choices);
    json["usage"] = usage_json(usage);
    return json_text(json);
}

std::string role_event(const AnswerHead& head, std::size_t index, bool usage_follows) {
    Json delta = {{"role", "assistant"}, {"content", ""}};
    return event_of(head, piece(head.form, index, std::move(delta), nullptr, nullptr),
                    usage_follows);
}

std::string text_event(const AnswerHead& head, std::size_t index, const std::string& text,
                       const ChoiceLogprobs* logprobs, bool usage_follows) {
    Json delta = head.form == Form::kChat ? Json{{"content", text}} : Json(text);
    return event_of(head,
                    piece(head.form, index, std::move(delta), logprobs_or_null(logprobs), nullptr),
                    usage_follows);
}

std::string end_event(const AnswerHead& head, std::size_t index, host::AnswerEnd end,
                      const std::string& facts, bool usage_follows) {
    Json choice = piece(head.form, index, Json::object(), nullptr, finish_reason(end));
    add_facts(choice, facts);
    return event_of(head, std::move(choice), usage_follows);
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
    Json data = Json::array();
    for (std::size_t i = 0; i < vectors.vectors.size(); ++i)
        data.push_back({{"object", "embedding"},
                        {"index", i},
                        {"embedding", vector_json(vectors.vectors[i], base64)}});
    return json_text(
        {{"object", "list"},
         {"data", std::move(data)},
         {"model", vectors.model},
         {"usage", {{"prompt_tokens", vectors.tokens}, {"total_tokens", vectors.tokens}}}});
}

std::size_t characters(std::string_view text) {
    std::size_t count = 0;
    // All bytes but those that continue a character.
    for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    return count;
}

}  // namespace cairn::openai
