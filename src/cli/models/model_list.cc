// `cairn model list`: what a server of models has, as its API lists it.
#include <algorithm>
#include <ostream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/models/model_command.h"
#include "cli/serve/served_models.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

constexpr double kMillion = 1e6;
constexpr double kMiB = 1 << 20;  // as --memory counts

// What a foreign server leaves out is left out.
std::string described(const Json& facts) {
    const auto text = [&](const char* name) {
        const auto found = facts.find(name);
        return found != facts.end() && found->is_string() ? found->get<std::string>()
                                                          : std::string();
    };
    const auto number = [&](const char* name) {
        const auto found = facts.find(name);
        return found != facts.end() && found->is_number() ? found->get<double>() : 0.0;
    };
    std::string line = fmt::format("{:8}", text("state"));
    if (facts.contains("writes") && facts["writes"] == false) line += "  makes vectors";
    if (number("parameters") > 0)
        line +=
            fmt::format("  {:.1f} million parameters in {:.0f} MiB, {:.0f} tokens of memory",
                        number("parameters") / kMillion, number("bytes") / kMiB, number("context"));
    if (text("state") == "asleep") line += "  (loaded when somebody asks)";
    if (const auto versions = facts.find("versions"); versions != facts.end() &&
                                                      versions->is_array() && !versions->empty() &&
                                                      versions->front().is_string())
        line += "  answers as " + versions->front().get<std::string>();
    const std::string problem = text("problem");
    return problem.empty() ? line : line + "  " + problem;
}

}  // namespace

Status run_model_list(const ListRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ServerAddress asked,
                     server_address(request.dir, request.node, request.api, request.token_file));
    ASSIGN_OR_RETURN(const Json models, served_models(asked));
    if (request.json) {
        out << console::json_line(Json{{"address", asked.address}, {"models", models}});
        return ok_status();
    }
    std::vector<std::pair<std::string, std::string>> lines;
    std::size_t width = 0;
    for (const Json& model : models) {
        if (!model.is_object() || !model.contains("id") || !model["id"].is_string()) continue;
        const Json facts = model.contains("cairn") ? model["cairn"] : Json();
        lines.emplace_back(model["id"].get<std::string>(),
                           facts.is_object() ? described(facts) : std::string());
        width = std::max(width, lines.back().first.size());
    }
    for (const auto& [id, facts] : lines) out << fmt::format("{:{}}  {}\n", id, width, facts);
    return ok_status();
}

}  // namespace cairn::cli
