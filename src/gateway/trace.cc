#include "gateway/trace.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/keys.h"

namespace cairn::gateway {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostTraces = 1000;
constexpr std::size_t kMaxTraceBytes = 1 << 20;
constexpr std::size_t kIdDigits = 12;
constexpr std::string_view kEnding = ".json";

Result<std::string> traces_folder() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0')
        return std::string(state) + "/cairn/traces";
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0')
        return not_found("there is no folder for traces: set HOME or XDG_STATE_HOME");
    return std::string(home) + "/.local/state/cairn/traces";
}

Json json_of(const serve::ServerWork& work) {
    return {{"server", work.address},
            {"key", to_hex(work.key)},
            {"layers", {work.layers.begin, work.layers.end}},
            {"sessions", work.sessions},
            {"pushes", work.pushes},
            {"receipts_checked", work.pushes},
            {"rows", work.rows},
            {"seconds", static_cast<double>(work.waited_us) / 1e6},
            {"longest_seconds", static_cast<double>(work.longest_us) / 1e6},
            {"bytes_sent", work.bytes_sent},
            {"bytes_received", work.bytes_received},
            {"price", work.price},
            {"ended", work.ended}};
}

/// The oldest go: names begin with the time.
void make_room(Disk& disk) {
    std::vector<std::string> names = disk.list("");
    for (std::size_t i = 0; i + kMostTraces <= names.size(); ++i) (void)disk.remove(names[i]);
}

std::string id_in(const std::string& name) {
    const std::size_t end = name.size() - std::min(name.size(), kEnding.size());
    return end < kIdDigits ? "" : name.substr(end - kIdDigits, kIdDigits);
}

}  // namespace

Json json_of(const Trace& trace) {
    Json servers = Json::array();
    std::vector<serve::ServerWork> in_order = trace.servers;
    std::ranges::stable_sort(in_order, {},
                             [](const serve::ServerWork& work) { return work.layers.begin; });
    for (const serve::ServerWork& work : in_order) servers.push_back(json_of(work));
    return {{"began_ms", trace.began_ms},
            {"model", trace.model},
            {"tokens", trace.tokens},
            {"seconds", static_cast<double>(trace.elapsed_us) / 1e6},
            {"first_token_seconds", static_cast<double>(trace.first_us) / 1e6},
            {"failovers", trace.failovers},
            {"stall_seconds", static_cast<double>(trace.stall_ms) / 1000},
            {"spent", trace.spent},
            {"servers", servers},
            {"audits", json_of(trace.audits)}};
}

Json json_of(const std::vector<TraceAudit>& audits) {
    Json list = Json::array();
    for (const TraceAudit& audit : audits)
        list.push_back({{"server", audit.server},
                        {"key", to_hex(audit.key)},
                        {"layers", {audit.layers.begin, audit.layers.end}},
                        {"rows", audit.rows},
                        {"bytes_kept", audit.bytes},
                        {"finding", audit.finding},
                        {"sentence", audit.sentence},
                        {"exhibit", audit.exhibit}});
    return list;
}

std::string keep_trace(const Trace& trace) {
    const auto folder = traces_folder();
    if (!folder.ok()) {
        log_debug("{}", folder.error().message);
        return "";
    }
    SystemRandom random;
    const std::string id = to_hex(random.hash256()).substr(0, kIdDigits);
    PosixDisk disk(*folder);
    make_room(disk);
    const std::string name = fmt::format("{:013}-{}{}", trace.began_ms, id, kEnding);
    const Status kept = disk.write_secret(
        name, as_bytes(json_of(trace).dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'));
    if (kept.ok()) return id;
    log_info("no trace is kept: {}", kept.error().message);
    return "";
}

Result<std::vector<KeptTrace>> read_traces(const std::string& id) {
    ASSIGN_OR_RETURN(const std::string folder, traces_folder());
    PosixDisk disk(folder);
    std::vector<KeptTrace> traces;
    std::vector<std::string> names = disk.list("");
    std::ranges::reverse(names);
    for (const std::string& name : names) {
        if (!name.ends_with(kEnding) || !id_in(name).starts_with(id)) continue;
        const auto bytes = disk.read(name, kMaxTraceBytes);
        if (!bytes.ok()) continue;
        const Json json = Json::parse(as_text(*bytes), nullptr, false);
        if (json.is_object() && json.contains("servers"))
            traces.push_back({id_in(name), std::string(as_text(*bytes))});
    }
    return traces;
}

}  // namespace cairn::gateway
