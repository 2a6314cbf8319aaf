#include "demo/demo_commands.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace cairn::demo {

namespace {

using Json = nlohmann::json;

constexpr int kAnswerMs = 120'000;
constexpr int kStartMs = 60'000;
constexpr int kPollMs = 50;

}  // namespace

Json last_json(const std::string& output) {
    std::size_t end = output.size();
    while (end > 0) {
        const std::size_t newline = output.rfind('\n', end - 1);
        const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
        Json json = Json::parse(output.substr(begin, end - begin), nullptr, false);
        if (json.is_object()) return json;
        if (newline == std::string::npos) break;
        end = newline;
    }
    return {};
}

Result<Json> run_json(const std::vector<std::string>& arguments, const std::string& log,
                      const Stop& stop, const std::vector<int>& allowed) {
    ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::start(arguments, log));
    ASSIGN_OR_RETURN(const int status, process.wait(kAnswerMs, stop));
    Json json = last_json(process.output());
    if (std::ranges::find(allowed, status) == allowed.end() || !json.is_object())
        return io_error("cairn " + arguments.front() + " failed:\n" + process.output_tail());
    return json;
}

Result<LayerProcess> serve_layers(const std::string& model, std::uint32_t from, std::uint32_t to,
                                  const std::string& log, const Stop& stop,
                                  const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"node",        "--serve", fmt::format("{}-{}", from, to),
                                          "--model",     model,     "--listen",
                                          "127.0.0.1:0", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::start(arguments, log));
    for (int waited = 0; waited < kStartMs; waited += kPollMs) {
        if (stop()) return stopped_early();
        if (!process.running())
            return io_error("a layer server ended at its start:\n" + process.output_tail());
        const Json started = last_json(process.output());
        if (started.is_object() && started.contains("address"))
            return LayerProcess{std::move(process), started["address"], started["key"]};
        ::usleep(kPollMs * 1000);
    }
    return Error{ErrorCode::kTimeout, "a layer server did not start"};
}

}  // namespace cairn::demo
