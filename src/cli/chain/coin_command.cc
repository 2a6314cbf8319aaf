// `cairn coin trace`: where a coin comes from, back to the coinbases. By the chain on this disk, or
// by a node's word.
#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_views.h"
#include "api/protocol.h"
#include "api/remote_node.h"
#include "base/text.h"
#include "base/time_text.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "proof/coin_trace.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

struct TraceRequest {
    std::string directory = default_directory();
    std::string node;  ///< HOST:PORT of its API; empty: the chain on this disk
    std::string coin;
    std::size_t max = 50;
    bool json = false;
};

/// "5f3a9c:0": the beginning of the id will do; without a number, the first coin.
Result<chain::OutPoint> coin_of(const ChainReader& chain, const std::string& text) {
    if (const auto whole = chain::parse_outpoint(text); whole.ok()) return *whole;
    const std::size_t colon = std::min(text.find(':'), text.size());
    std::uint64_t index = 0;
    if (colon < text.size()) {
        const auto number = parse_whole(text.substr(colon + 1), "the number behind the colon");
        if (!number.ok() || *number > 0xFFFFFFFF)
            return misused(
                "a coin is named ID:N, N its number among the coins of that payment, "
                "from 0");
        index = *number;
    }
    const std::string id = text.substr(0, colon);
    if (id.size() < 4 || id.size() > 64 || id.find_first_not_of("0123456789abcdef") != id.npos)
        return misused(
            "a coin is named ID:N, with at least 4 hexadecimal digits of the payment "
            "or coinbase that made it, not '" +
            printable_line(text.substr(0, 80)) + "'");
    ASSIGN_OR_RETURN(const std::vector<Hash256> found, chain.store->find_by_prefix(id, 8));
    std::vector<Hash256> payments;
    for (const Hash256& name : found)
        if (chain.store->payment(name).ok()) payments.push_back(name);
    if (payments.empty())
        return not_found("no payment or coinbase of the chain begins with " + id +
                         ": `cairn wallet history` and `cairn chain block` show names");
    if (payments.size() > 1)
        return misused(std::to_string(payments.size()) + " payments begin with " + id +
                       ": give more digits");
    return chain::OutPoint{payments[0], static_cast<std::uint32_t>(index)};
}

std::string text_in(const Json& json, const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string()
               ? printable_line(json[name].get<std::string>())  // a node's word
               : std::string("?");
}

std::uint64_t number_in(const Json& json, const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_number_unsigned()
               ? json[name].get<std::uint64_t>()
               : 0;
}

Json list_in(const Json& json, const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_array() ? json[name]
                                                                            : Json::array();
}

std::string owner_of(const Json& output) {
    const std::string to = text_in(output, "to");
    if (!output.contains("channel_payee")) return to;
    return fmt::format("a channel of {} for {} until height {}", to,
                       text_in(output, "channel_payee"), number_in(output, "channel_expiry"));
}

/// "5f3a9c12ab34:0".
std::string short_coin(const std::string& coin) {
    constexpr std::size_t kShort = 12;
    const std::size_t colon = std::min(coin.find(':'), coin.size());
    return coin.substr(0, std::min(kShort, colon)) + coin.substr(colon);
}

void print_step(const Json& step, std::size_t number, std::ostream& out) {
    const std::string kind = text_in(step, "kind");
    out << fmt::format("#{:<4} {} {} in block {}, {}", number, kind,
                       text_in(step, "id").substr(0, 12), number_in(step, "height"),
                       time_text(number_in(step, "time_ms")));
    if (kind == "coinbase") {
        out << fmt::format(", mined by {}\n", text_in(step, "miner").substr(0, 12));
        for (const Json& output : list_in(step, "outputs"))
            out << fmt::format("      minted {:>16} to {}\n",
                               chain::amount_text(number_in(output, "amount")), owner_of(output));
        return;
    }
    const bool is_signed = step.is_object() && step.contains("signed") && step["signed"] == true;
    out << (is_signed ? ", signed\n" : ", NOT SIGNED: " + text_in(step, "why") + "\n");
    for (const Json& input : list_in(step, "inputs"))
        out << fmt::format("      {:>16} from {} ({}) of {}\n",
                           chain::amount_text(number_in(input, "amount")),
                           input.contains("from") && input["from"].is_number_unsigned()
                               ? fmt::format("#{}", input["from"].get<std::uint64_t>() + 1)
                               : std::string("further back, not followed"),
                           short_coin(text_in(input, "coin")), owner_of(input));
}

Result<std::string> trace_of(const TraceRequest& request) {
    if (!request.node.empty()) {
        const auto coin = chain::parse_outpoint(request.coin);
        if (!coin.ok())
            return misused("--node: name the coin in full, 64 digits, a colon and its number");
        if (request.max > api::kMaxTracedPerAnswer)
            return misused(
                fmt::format("--max: a node tells at most {} steps", api::kMaxTracedPerAnswer));
        return api::RemoteNode(api::Client({request.node, ""})).trace_coin(*coin, request.max);
    }
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(const chain::OutPoint coin, coin_of(chain, request.coin));
    ASSIGN_OR_RETURN(
        const proof::CoinTrace trace,
        proof::trace_coin(*chain.store, chain::genesis_id(chain.network), coin, request.max));
    return api::trace_json(trace);
}

Status run_trace(const TraceRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const std::string answer, trace_of(request));
    const Json trace = Json::parse(answer, nullptr, false);
    if (!trace.is_object()) return io_error("the answer of " + request.node + " is no trace");
    if (request.json) {
        out << console::json_line(trace);
        return ok_status();
    }
    out << fmt::format("coin {} of {} to {}\n", short_coin(text_in(trace, "coin")),
                       chain::amount_text(number_in(trace, "amount")), owner_of(trace));
    std::size_t number = 0;
    for (const Json& step : list_in(trace, "steps")) print_step(step, ++number, out);
    out << text_in(trace, "found") << '\n';
    return ok_status();
}

}  // namespace

void add_coin(const Command& app, Invocation& invocation) {
    const Command group = app.add_subcommand("coin", "Look at single coins: where they come from");
    group.require_subcommand();
    const Command command = add_command(
        group, invocation, "trace",
        "Where a coin comes from: payment by payment, back to the coinbases",
        "cairn coin trace 5f3a9c:0          (names: `cairn wallet history`, `cairn chain block`)");
    auto request = std::make_shared<TraceRequest>();
    command
        .add_option("coin", request->coin,
                    "ID:N, the payment or coinbase that made it (at least 4 digits) and its "
                    "number there; without a number the first")
        .required();
    const auto node = command.add_option("--node", request->node,
                                         "Ask a node instead, by its API's address HOST:PORT, and "
                                         "take its word");
    named_folder(command.add_option("--dir", request->directory, "The node's data directory"))
        .excludes(node)
        .capture_default_str();
    command.add_option("--max", request->max, "Payments and coinbases that are shown, at most")
        .check(range(std::size_t{1}, proof::kMostTraced))
        .capture_default_str();
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_trace(*request, out); };
    });
}

}  // namespace cairn::cli
