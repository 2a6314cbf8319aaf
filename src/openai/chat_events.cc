#include "openai/chat_events.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json_depth.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20;

const Json* field(const Json* object, const char* name) {
    if (object == nullptr || !object->is_object()) return nullptr;
    const auto found = object->find(name);
    return found == object->end() ? nullptr : &*found;
}

std::string text_of(const Json* value) {
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

std::size_t count_of(const Json* value) {
    return value != nullptr && value->is_number_unsigned() ? value->get<std::size_t>() : 0;
}

}  // namespace

Json read_answer(std::string_view text) {
    if (!check_json_depth(text, "an answer").ok()) return Json(Json::value_t::discarded);
    return Json::parse(text, nullptr, false);
}

void ChatEvents::take(std::string_view bytes) {
    if (!facts_.problem.empty()) return;
    waiting_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = waiting_.find('\n', begin)) != std::string::npos;) {
        std::string_view text(waiting_.data() + begin, end - begin);
        if (text.ends_with('\r')) text.remove_suffix(1);
        begin = end + 1;
        line(text);
    }
    waiting_.erase(0, begin);
    if (waiting_.size() + data_.size() > kMaxEventBytes)
        facts_.problem = "the server sends an event without end";
}

// As browsers read them: lines end with LF or CRLF, an empty one ends an event, several of data are
// one text, and all but data may be passed over.
void ChatEvents::line(std::string_view text) {
    constexpr std::string_view kData = "data:";
    if (text.empty()) {
        const std::string data = std::exchange(data_, {});
        if (!data.empty()) event(data);
    } else if (text.starts_with(kData)) {
        text.remove_prefix(kData.size());
        if (text.starts_with(' ')) text.remove_prefix(1);
        if (!data_.empty()) data_ += '\n';
        data_ += text;
    }
}

void ChatEvents::event(std::string_view data) {
    if (data == "[DONE]") return;
    const Json json = read_answer(data);
    if (!json.is_object()) {
        facts_.problem = "the server sends what is no event of a chat";
        return;
    }
    if (std::string problem = error_message(data); !problem.empty()) {
        facts_.problem = std::move(problem);
        return;
    }
    if (const Json* usage = field(&json, "usage"); usage != nullptr && usage->is_object()) {
        facts_.prompt_tokens = count_of(field(usage, "prompt_tokens"));
        facts_.completion_tokens = count_of(field(usage, "completion_tokens"));
        facts_.cached_tokens =
            count_of(field(field(usage, "prompt_tokens_details"), "cached_tokens"));
    }
    if (std::string model = text_of(field(&json, "model")); !model.empty())
        facts_.model = std::move(model);
    const Json* choices = field(&json, "choices");
    if (choices == nullptr || !choices->is_array() || choices->empty()) return;
    const Json* choice = &choices->front();
    if (std::string reason = text_of(field(choice, "finish_reason")); !reason.empty())
        facts_.finish_reason = std::move(reason);
    std::string text = text_of(field(field(choice, "delta"), "content"));
    if (text.empty()) text = text_of(field(choice, "text"));
    if (text.empty()) return;
    facts_.text += text;
    show_(text);
}

std::string error_message(std::string_view body) {
    const Json json = read_answer(body);
    return text_of(field(field(&json, "error"), "message"));
}

std::string error_code(std::string_view body) {
    const Json json = read_answer(body);
    return text_of(field(field(&json, "error"), "code"));
}

}  // namespace cairn::openai
