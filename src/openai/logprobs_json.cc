#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "openai/answer_json.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity.
constexpr float kLeastLogprob = -9999.0F;

float shown(float logprob) { return std::max(logprob, kLeastLogprob); }

// A token that is a part of a character is spelled in escapes, with `prefix` before them.
std::string spelled(const std::string& bytes, const char* prefix) {
    if (valid_utf8_length(bytes) == bytes.size()) return bytes;
    std::string text = prefix;
    for (const char byte : bytes)
        text += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    return text;
}

Json chat_token(const host::TokenView& token) {
    Json bytes = Json::array();
    for (const char byte : token.bytes)
        bytes.push_back(static_cast<unsigned>(static_cast<unsigned char>(byte)));
    return {{"token", spelled(token.bytes, "")},
            {"logprob", shown(token.logprob)},
            {"bytes", std::move(bytes)}};
}

}  // namespace

void ChoiceLogprobs::add(const host::TokenView& token, const std::vector<host::TokenView>& top,
                         std::size_t offset) {
    tokens_.push_back({token, top, offset});
}

Json ChoiceLogprobs::json() const {
    if (form_ == Form::kChat) {
        Json content = Json::array();
        for (const Entry& entry : tokens_) {
            Json token = chat_token(entry.token);
            Json top = Json::array();
            for (const host::TokenView& other : entry.top) top.push_back(chat_token(other));
            token["top_logprobs"] = std::move(top);
            content.push_back(std::move(token));
        }
        return {{"content", std::move(content)}, {"refusal", nullptr}};
    }
    constexpr const char* kBytes = "bytes:";
    Json tokens = Json::array();
    Json logprobs = Json::array();
    Json tops = Json::array();
    Json offsets = Json::array();
    for (const Entry& entry : tokens_) {
        tokens.push_back(spelled(entry.token.bytes, kBytes));
        logprobs.push_back(shown(entry.token.logprob));
        Json top = Json::object();
        for (const host::TokenView& other : entry.top)
            top[spelled(other.bytes, kBytes)] = shown(other.logprob);
        tops.push_back(std::move(top));
        offsets.push_back(entry.offset);
    }
    return {{"tokens", std::move(tokens)},
            {"token_logprobs", std::move(logprobs)},
            {"top_logprobs", std::move(tops)},
            {"text_offset", std::move(offsets)}};
}

}  // namespace cairn::openai
