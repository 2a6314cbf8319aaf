#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "openai/request_parts.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::json;

std::string part_text(const Json& part, const std::string& path, std::optional<ApiError>& problem) {
    if (!part.is_object()) {
        problem = bad_field(path, path + " wants an object");
        return {};
    }
    Fields fields(part, path + ".", problem);
    const std::string type = fields.text("type").value_or("");
    if (problem) return {};
    if (type != "text") {
        problem = unsupported_field(
            path + ".type",
            fmt::format("{}.type is '{}': only parts of type 'text' can be read", path, type));
        return {};
    }
    const auto text = fields.text("text");
    if (!text) fields.fail("text", "is missing");
    fields.pass_over({"prompt_cache_breakpoint"});
    fields.refuse_unknown();
    return text.value_or("");
}

std::string content_of(Fields& fields, const std::string& path) {
    const Json* content = fields.any("content");
    std::optional<ApiError>& problem = fields.problem();
    if (content == nullptr) {
        fields.fail("content", "is missing");
        return {};
    }
    if (content->is_string()) return content->get<std::string>();
    if (!content->is_array() || content->empty() || content->size() > kMaxContentParts) {
        fields.fail("content",
                    fmt::format("wants a text, or a list of 1 to {} parts", kMaxContentParts));
        return {};
    }
    std::string text;
    for (std::size_t i = 0; i < content->size() && !problem; ++i) {
        if (i > 0) text += '\n';
        text += part_text((*content)[i], fmt::format("{}content[{}]", path, i), problem);
    }
    return text;
}

text::ChatMessage read_message(const Json& json, const std::string& path,
                               std::optional<ApiError>& problem) {
    Fields fields(json, path, problem);
    text::ChatMessage message;
    message.role = fields.text("role").value_or("");
    if (message.role == "developer") message.role = "system";
    constexpr const char* kNoTools = "models here call no tools";
    if (message.role == "tool" || message.role == "function") {
        if (!problem) problem = unsupported_field(path + "role", kNoTools);
    } else if (message.role != "system" && message.role != "user" && message.role != "assistant") {
        fields.fail("role", "wants system, developer, user or assistant");
    }
    fields.refuse("tool_calls", kNoTools);
    fields.refuse("function_call", kNoTools);
    fields.refuse("audio", "models here read text only");
    fields.refuse("refusal", "say it as content");
    fields.pass_over({"name", "annotations"});
    if (!problem) message.content = content_of(fields, path);
    fields.refuse_unknown();
    return message;
}

}  // namespace

host::Conversation read_messages(const Json& list, std::optional<ApiError>& problem) {
    host::Conversation messages;
    if (list.empty() || list.size() > kMaxMessages) {
        problem = bad_field("messages", fmt::format("messages wants 1 to {} messages, not {}",
                                                    kMaxMessages, list.size()));
        return messages;
    }
    for (std::size_t i = 0; i < list.size() && !problem; ++i) {
        const std::string path = fmt::format("messages[{}]", i);
        if (!list[i].is_object()) {
            problem = bad_field(path, path + " wants an object");
            return messages;
        }
        text::ChatMessage message = read_message(list[i], path + ".", problem);
        if (message.role == "system" && messages.size() == 1 && messages[0].role == "system")
            messages[0].content += "\n\n" + message.content;
        else
            messages.push_back(std::move(message));
    }
    return messages;
}

}  // namespace cairn::openai
