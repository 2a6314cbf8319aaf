#include "node/conditions.h"

#include <algorithm>

#include "base/log.h"

namespace cairn::node {
namespace {

/// Whether the texts are equal but for the numbers in them, which change while a condition lasts.
bool tells_the_same(std::string_view a, std::string_view b) {
    const auto without_numbers = [](std::string_view text) {
        std::string rest(text);
        std::erase_if(rest, [](char c) { return c >= '0' && c <= '9'; });
        return rest;
    };
    return without_numbers(a) == without_numbers(b);
}

void log_condition(const ConditionView& condition) {
    if (condition.trouble)
        log_warn("{}", condition_text(condition));
    else
        log_info("{}", condition_text(condition));
}

}  // namespace

std::string condition_text(const ConditionView& condition) {
    return condition.advice.empty() ? condition.message
                                    : condition.message + "; " + condition.advice;
}

void Conditions::set(std::string_view name, std::string message, std::string advice) {
    put({.name = std::string(name), .message = std::move(message), .advice = std::move(advice)});
}

void Conditions::note(std::string_view name, std::string message, std::string advice) {
    put({.name = std::string(name),
         .trouble = false,
         .message = std::move(message),
         .advice = std::move(advice)});
}

void Conditions::put(ConditionView condition) {
    const auto found = std::ranges::find(now_, condition.name, &ConditionView::name);
    if (found == now_.end()) {
        condition.since_ms = clock_.wall_ms();
        now_.push_back(std::move(condition));
        return log_condition(now_.back());
    }
    const bool said =
        found->trouble == condition.trouble && tells_the_same(found->message, condition.message);
    condition.since_ms = found->since_ms;
    *found = std::move(condition);
    if (!said) log_condition(*found);
}

void Conditions::clear(std::string_view name) {
    const auto found = std::ranges::find(now_, name, &ConditionView::name);
    if (found == now_.end()) return;
    if (found->trouble) log_warn("no longer so: {}", found->message);
    now_.erase(found);
}

bool Conditions::holds(std::string_view name) const {
    return std::ranges::find(now_, name, &ConditionView::name) != now_.end();
}

}  // namespace cairn::node
