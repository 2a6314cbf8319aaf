#include <algorithm>
#include <iterator>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "openai/answer_json.h"
#include "openai/json_text.h"

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

std::string number_text(float number) { return json_text(Json(number)); }

/// `more` are the token's alternatives, as the end of its object.
void add_chat_token(std::string& list, const host::TokenView& token, std::string_view more) {
    list += R"({"token":)" + json_text(Json(spelled(token.bytes, "")));
    list += R"(,"logprob":)" + number_text(shown(token.logprob));
    list += R"(,"bytes":[)";
    const char* comma = "";
    for (const char byte : token.bytes) {
        fmt::format_to(std::back_inserter(list), "{}{}", comma,
                       static_cast<unsigned>(static_cast<unsigned char>(byte)));
        comma = ",";
    }
    (list += ']') += more;
    list += '}';
}

void add_element(std::string& list, std::string_view element) {
    if (!list.empty()) list += ',';
    list += element;
}

}  // namespace

void ChoiceLogprobs::add(const host::TokenView& token, const std::vector<host::TokenView>& top,
                         std::size_t offset) {
    if (form_ == Form::kChat) {
        std::string others = R"(,"top_logprobs":[)";
        for (std::size_t i = 0; i < top.size(); ++i) {
            if (i > 0) others += ',';
            add_chat_token(others, top[i], "");
        }
        others += ']';
        add_element(tokens_, "");
        add_chat_token(tokens_, token, others);
        return;
    }
    constexpr const char* kBytes = "bytes:";
    Json others = Json::object();
    for (const host::TokenView& other : top)
        others[spelled(other.bytes, kBytes)] = shown(other.logprob);
    add_element(tokens_, json_text(Json(spelled(token.bytes, kBytes))));
    add_element(logprobs_, number_text(shown(token.logprob)));
    add_element(tops_, json_text(others));
    add_element(offsets_, std::to_string(offset));
}

std::size_t ChoiceLogprobs::bytes() const {
    return tokens_.size() + logprobs_.size() + tops_.size() + offsets_.size();
}

std::string ChoiceLogprobs::json() const {
    if (form_ == Form::kChat) return R"({"content":[)" + tokens_ + R"(],"refusal":null})";
    return R"({"tokens":[)" + tokens_ + R"(],"token_logprobs":[)" + logprobs_ +
           R"(],"top_logprobs":[)" + tops_ + R"(],"text_offset":[)" + offsets_ + "]}";
}

}  // namespace cairn::openai
