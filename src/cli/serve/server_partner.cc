#include "cli/serve/server_partner.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/serve/served_models.h"
#include "console/json_line.h"
#include "http/client.h"
#include "openai/chat_events.h"
#include "openai/paths.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kPatienceMs = 600'000;  // a place may be long in coming

/// Whether it can be talked with, as far as that is known.
bool may_talk(const Json& model) {
    const auto facts = model.find("cairn");
    if (facts == model.end() || !facts->is_object()) return true;  // a server of another kind
    const auto is = [&](const char* name, const Json& value) {
        const auto found = facts->find(name);
        return found != facts->end() && *found == value;
    };
    return !is("state", "failed") && !is("writes", false);
}

bool is_model(const Json& model) {
    return model.is_object() && model.contains("id") && model["id"].is_string();
}

/// The only name that begins with what was asked for; else what was asked for.
std::string whole_name(const Json& models, const std::string& asked) {
    std::string longer;
    for (const Json& model : models) {
        if (!is_model(model)) continue;
        const auto id = model["id"].get<std::string>();
        if (id == asked) return asked;
        if (asked.empty() || !id.starts_with(asked)) continue;
        if (!longer.empty()) return asked;
        longer = id;
    }
    return longer.empty() ? asked : longer;
}

}  // namespace

Result<std::unique_ptr<ServerPartner>> ServerPartner::find(const ChatRequest& request) {
    auto partner = std::unique_ptr<ServerPartner>(new ServerPartner(request));
    ASSIGN_OR_RETURN(partner->asked_,
                     server_address(request.dir, request.node, request.api, request.token_file));
    ASSIGN_OR_RETURN(const Json all, served_models(partner->asked_));
    std::string names;
    partner->model_ = whole_name(all, request.served);
    for (const Json& model : all) {
        if (!is_model(model)) continue;
        const auto id = model["id"].get<std::string>();
        names += (names.empty() ? "" : ", ") + id;
        if (partner->model_.empty() ? !may_talk(model) : id != partner->model_) continue;
        partner->model_ = id;
        partner->learn(all);
        return partner;
    }
    return not_found(request.served.empty()
                         ? "none of the server's models writes text"
                         : fmt::format("the server has no model {}; it has {}", request.served,
                                       names.empty() ? "none" : names));
}

void ServerPartner::learn(const Json& models) {
    for (const Json& model : models) {
        if (!is_model(model) || model["id"] != model_) continue;
        const auto facts = model.find("cairn");
        if (facts == model.end() || !facts->is_object()) return;
        const auto context = facts->find("context");
        if (context != facts->end() && context->is_number_unsigned())
            context_ = context->get<std::size_t>();
        const auto format = facts->find("chat_format");
        if (format != facts->end() && format->is_string()) format_ = *format;
    }
}

std::string ServerPartner::about() const {
    std::string text = fmt::format("{} at {}", model_, asked_.address);
    if (context_ > 0) text += fmt::format(", {} tokens of memory", context_);
    return format_.empty() ? text : text + ", turns as " + format_;
}

void ServerPartner::reset(std::optional<std::string> system) {
    messages_.clear();
    if (system) messages_.push_back({"system", *std::move(system)});
}

std::string ServerPartner::question(std::size_t most) const {
    const tensor::SampleSettings& sampling = request_.sampling.settings;
    Json messages = Json::array();
    for (const text::ChatMessage& message : messages_)
        messages.push_back({{"role", message.role}, {"content", message.content}});
    Json body = {{"model", model_},
                 {"messages", std::move(messages)},
                 {"stream", true},
                 {"stream_options", {{"include_usage", true}}},
                 {"temperature", sampling.temperature},
                 {"top_p", sampling.top_p},
                 {"seed", static_cast<std::int64_t>(sampling.seed)}};
    if (most > 0) body["max_tokens"] = most;
    if (!request_.sampling.stops.empty()) body["stop"] = request_.sampling.stops;
    // What a server of another kind may not know is said only where it says something.
    const tensor::SampleSettings usual;
    if (sampling.top_k != usual.top_k) body["top_k"] = sampling.top_k;
    if (sampling.min_p != usual.min_p) body["min_p"] = sampling.min_p;
    if (sampling.repetition_penalty != usual.repetition_penalty)
        body["repetition_penalty"] = sampling.repetition_penalty;
    if (sampling.presence_penalty != usual.presence_penalty)
        body["presence_penalty"] = sampling.presence_penalty;
    if (sampling.frequency_penalty != usual.frequency_penalty)
        body["frequency_penalty"] = sampling.frequency_penalty;
    return console::json_text(body);
}

bool ServerPartner::Told::is_too_long() const {
    return answer.ok() && answer->status == 400 &&
           openai::error_code(answer->body) == "context_length_exceeded";
}

ServerPartner::Told ServerPartner::ask(std::size_t most, const infer::ChatHooks& hooks) const {
    bool first = true;
    openai::ChatEvents events([&](const std::string& piece) {
        if (std::exchange(first, false)) hooks.first_token();
        hooks.show(piece);
    });
    http::Question asked;
    asked.address = asked_.address;
    asked.path = openai::kChatPath;
    asked.token = asked_.token;
    asked.json = question(most);
    asked.timeout_ms = kPatienceMs;
    asked.piece = [&](std::string_view piece) { events.take(piece); };
    asked.cancelled = hooks.cancelled;
    auto answer = http::ask(asked);
    return {std::move(answer), events.facts()};
}

bool ServerPartner::forget_oldest() {
    const auto first = std::ranges::find(messages_, "user", &text::ChatMessage::role);
    if (messages_.end() - first < 3) return false;  // the question alone
    messages_.erase(first, first + 2);
    forgotten_ += 2;
    return true;
}

ServerPartner::Told ServerPartner::ask_what_fits(const infer::ChatHooks& hooks) {
    Told told = ask(request_.steps, hooks);
    if (!told.is_too_long()) return told;
    if (context_ == 0)  // it was not in memory yet
        if (const auto all = served_models(asked_); all.ok()) learn(*all);
    const std::size_t half = std::min(request_.steps, context_ / 2);
    told = ask(half, hooks);
    while (told.is_too_long() && forget_oldest()) told = ask(half, hooks);
    return told.is_too_long() && half > 0 ? ask(0, hooks) : told;
}

Result<infer::ChatAnswer> ServerPartner::answer(const std::string& user,
                                                const infer::ChatHooks& hooks) {
    const std::vector<text::ChatMessage> before = messages_;
    messages_.push_back({"user", user});
    forgotten_ = 0;
    const auto take_back = [&](const Error& error) {
        messages_ = before;
        forgotten_ = 0;
        return error;
    };
    const Told told = ask_what_fits(hooks);
    const Result<http::Answer>& answer = told.answer;
    const openai::ChatFacts& facts = told.facts;
    const bool cancelled = !answer.ok() && answer.error().code == ErrorCode::kCancelled;
    if (cancelled && facts.text.empty()) return take_back(answer.error());
    if (!answer.ok() && !cancelled) return take_back(nobody_answers(answer.error(), asked_));
    if (answer.ok() && answer->status != 200) return take_back(refused_by_server(*answer));
    if (!facts.problem.empty())
        return take_back({ErrorCode::kRefused, "the server says: " + facts.problem});
    if (!cancelled && facts.finish_reason.empty())
        return take_back(io_error("the server's answer broke off"));
    messages_.push_back({"assistant", facts.text});
    version_ = facts.model.starts_with(model_ + "@") ? facts.model : "";
    infer::ChatAnswer result;
    result.text = facts.text;
    result.cancelled = cancelled;
    result.reason = facts.finish_reason == "length" ? infer::StopReason::kMaxTokens
                                                    : infer::StopReason::kEndToken;
    result.reused = facts.cached_tokens;
    result.computed = facts.prompt_tokens - std::min(facts.prompt_tokens, facts.cached_tokens);
    result.written = facts.completion_tokens;
    return result;
}

}  // namespace cairn::cli
