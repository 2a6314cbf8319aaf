#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes_text.h"
#include "base/time_text.h"
#include "chain/payment.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "console/screen_text.h"
#include "gateway/trace.h"
#include "measure/machine_facts.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;
using console::in_80_columns;

double number(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

std::string text(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t count(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string layers_text(const Json& server) {
    const auto found = server.find("layers");
    const bool is_pair = found != server.end() && found->is_array() && found->size() == 2 &&
                         (*found)[0].is_number_unsigned() && (*found)[1].is_number_unsigned();
    if (!is_pair) return "?";
    return fmt::format("{}-{}", (*found)[0].get<std::uint64_t>(), (*found)[1].get<std::uint64_t>());
}

void print_server(const Json& server, double total_s, std::ostream& out) {
    const double seconds = number(server, "seconds");
    out << fmt::format("  {:<21} {:<6} {:>5} {:>7.2f} {:>4.0f}% {:>7.0f} {:>9} {:>12}\n",
                       text(server, "server"), layers_text(server), count(server, "rows"), seconds,
                       total_s > 0 ? 100 * seconds / total_s : 0,
                       1000 * number(server, "longest_seconds"),
                       bytes_text(count(server, "bytes_sent") + count(server, "bytes_received")),
                       chain::amount_text(count(server, "price")));
    const std::string ended = text(server, "ended");
    if (!ended.empty()) out << in_80_columns("    it " + ended);
}

void print_trace(const gateway::KeptTrace& trace, std::ostream& out) {
    const Json json = Json::parse(trace.json);
    const double total_s = number(json, "seconds");
    out << in_80_columns(
        fmt::format("trace {}, {}: {} tokens of {} in {:.2f} s, the first after {:.2f} s", trace.id,
                    time_text(count(json, "began_ms")), count(json, "tokens"), text(json, "model"),
                    total_s, number(json, "first_token_seconds")));
    out << fmt::format("  {:<21} {:<6} {:>5} {:>7} {:>5} {:>7} {:>9} {:>12}\n", "server", "layers",
                       "rows", "seconds", "all", "most ms", "on line", "coins");
    std::uint64_t receipts = 0;
    double at_servers_s = 0;
    for (const Json& server : json["servers"]) {
        print_server(server, total_s, out);
        receipts += count(server, "receipts_checked");
        at_servers_s += number(server, "seconds");
    }
    out << in_80_columns(
        fmt::format("  seconds are what was waited for a server and its line; stages may overlap. "
                    "Here and elsewhere: {:.2f} s.",
                    std::max(0.0, total_s - at_servers_s)));
    out << in_80_columns(fmt::format(
        "  checked: {} receipts, each signed for the inputs that were sent and the states that "
        "came.",
        receipts));
    if (const auto audits = json.find("audits"); audits != json.end() && audits->is_array())
        for (const Json& audit : *audits)
            out << in_80_columns(fmt::format("  computed again: {}: {}", text(audit, "server"),
                                             text(audit, "sentence")));
    if (count(json, "failovers") > 0)
        out << fmt::format("  {} times another server took over; the longest wait was {:.2f} s.\n",
                           count(json, "failovers"), number(json, "stall_seconds"));
    if (count(json, "spent") > 0)
        out << fmt::format("  vouchers for {} coins, with what is in hand for the next time.\n",
                           chain::amount_text(count(json, "spent")));
}

Status run_trace(const std::string& id, bool json, std::ostream& out) {
    ASSIGN_OR_RETURN(const std::vector<gateway::KeptTrace> traces, gateway::read_traces(id));
    if (id.empty()) {
        Json list = Json::array();
        for (const gateway::KeptTrace& trace : traces) {
            Json line = Json::parse(trace.json);
            line["id"] = trace.id;
            list.push_back(line);
            if (json) continue;
            out << in_80_columns(fmt::format(
                "{}  {}  {:>5} tokens  {:>7.2f} s  {} {}  {}", trace.id,
                time_text(count(line, "began_ms")), count(line, "tokens"), number(line, "seconds"),
                line["servers"].size(), line["servers"].size() == 1 ? "server" : "servers",
                text(line, "model")));
        }
        if (json) out << console::json_line(Json{{"traces", list}});
        if (!json && traces.empty())
            out << "No trace yet: cairn generate --server HOST:PORT --model FILE keeps one.\n";
        return ok_status();
    }
    if (traces.empty())
        return not_found("there is no trace whose id begins with '" + id.substr(0, 80) +
                         "': `cairn trace` lists them");
    if (traces.size() > 1)
        return Error{ErrorCode::kRefused,
                     fmt::format("{} traces begin with '{}': give more digits", traces.size(), id)};
    if (json) {
        Json line = Json::parse(traces.front().json);
        line["id"] = traces.front().id;
        out << console::json_line(line);
    } else {
        print_trace(traces.front(), out);
    }
    return ok_status();
}

}  // namespace

void add_trace(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "trace", "Which servers wrote a text, and where the time and coins went",
        "cairn trace                 (the texts that are known, the latest first)\n"
        "  cairn trace 5f0c8a12cd34");
    auto id = std::make_shared<std::string>();
    command.add_option("ID", *id, "As `cairn generate --server` says it; may be cut short");
    command.callback([id, &invocation] {
        invocation.run = [id, json = invocation.json](std::ostream& out) {
            return run_trace(*id, json, out);
        };
    });
}

}  // namespace cairn::cli
