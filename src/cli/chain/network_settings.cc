#include "cli/chain/network_settings.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

/// What is said otherwise, and how.
constexpr std::pair<const char*, const char*> kElsewhere[] = {
    {"name", "give it by --name"},
    {"weights_seed", "give it by --seed"},
    {"genesis_time_ms", "give it by --genesis-time-ms"},
    {"spacing_ms", "give it by --block-seconds, which keeps blocks as dear as they should be"},
    {"architecture.vocab", "give it by --vocab"},
    {"codec.kind", "give it by --codec"},
    {"codec.log2_ratio", "give it by --codec-values"},
    {"codec.bits", "give it by --codec-bits"},
    {"work", "give it by --work"},
    {"optimiser", "give it by --optimiser"},
    {"public_share", "give it by --public-share"},
    {"members", "give them by --member"},
    {"tokenizer_hash", "it follows from the texts"},
    {"judge_hash", "it follows from the texts"},
    {"report_hash", "it follows from the texts"},
    {"sources", "they follow from the texts"},
    {"numerics_version", "it is this program's"},
    {"rules_version", "it is this program's"},
};

/// Numbers and flags, by their names with dots between.
void collect(const Json& object, const std::string& before, std::vector<std::string>& names) {
    for (const auto& [key, value] : object.items()) {
        if (value.is_object())
            collect(value, before + key + ".", names);
        else if (value.is_number() || value.is_boolean())
            names.push_back(before + key);
    }
}

Json::json_pointer pointer(std::string name) {
    std::ranges::replace(name, '.', '/');
    return Json::json_pointer("/" + name);
}

Status set(Json& network, const std::string& setting) {
    const std::size_t at = setting.find('=');
    if (at == std::string::npos || at == 0)
        return misused("--set wants NAME=VALUE, such as recipe.local_steps=200; this is '" +
                       setting + "'");
    const std::string name = setting.substr(0, at), value = setting.substr(at + 1);
    for (const auto& [elsewhere, how] : kElsewhere)
        if (name == elsewhere) return misused("--set " + name + ": " + how);
    std::vector<std::string> names;
    collect(network, "", names);
    if (std::ranges::find(names, name) == names.end()) {
        const auto near = nearest_word(name, names);
        return misused(
            fmt::format("--set: a network has no number '{}'{}; network.json has all "
                        "names, with dots between ('recipe.local_steps')",
                        name, near ? ", did you mean '" + *near + "'?" : ""));
    }
    Json& field = network[pointer(name)];
    const Json given = Json::parse(value, nullptr, false);
    const bool fits = field.is_boolean() ? given.is_boolean() : given.is_number_unsigned();
    if (!fits)
        return misused(fmt::format("--set {}: '{}' is not {}", name, value,
                                   field.is_boolean() ? "true or false" : "a whole number"));
    field = given;
    return ok_status();
}

}  // namespace

Result<chain::NetworkDefinition> with_settings(const chain::NetworkDefinition& network,
                                               const std::vector<std::string>& settings) {
    if (settings.empty()) return network;
    Json json = Json::parse(chain::to_json(network));
    for (const std::string& setting : settings) RETURN_IF_ERROR(set(json, setting));
    auto changed = chain::network_from_json(console::json_text(json));
    if (!changed.ok()) return misused("--set: " + changed.error().message);
    return changed;
}

}  // namespace cairn::cli
