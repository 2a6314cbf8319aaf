// `cairn coin trace`: where a coin comes from, back to the coinbases.
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "console/json_line.h"
#include "proof/coin_trace.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using chain::amount_text;
using chain::outpoint_text;

struct TraceRequest {
    std::string directory = default_directory();
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

std::string owner_of(const chain::Output& output) {
    const std::string key = wallet::encode_address(output.key);
    if (output.kind == chain::OutputKind::kKey) return key;
    return fmt::format("a channel of {} for {} until height {}", key,
                       wallet::encode_address(output.payee), output.expiry);
}

const char* kind_of(const proof::TraceStep& step) {
    if (step.coinbase) return "coinbase";
    return step.closes ? "close" : "payment";
}

Json output_json(const chain::Output& output) {
    Json json{{"amount", output.amount}, {"to", wallet::encode_address(output.key)}};
    if (output.kind == chain::OutputKind::kChannel) {
        json["channel_payee"] = wallet::encode_address(output.payee);
        json["channel_expiry"] = output.expiry;
    }
    return json;
}

Json step_json(const proof::TraceStep& step) {
    Json inputs = Json::array();
    for (const proof::TracedInput& input : step.inputs) {
        Json json = output_json(input.output);
        json["coin"] = outpoint_text(input.coin);
        json["from"] = input.from == proof::kNotFollowed ? Json(nullptr) : Json(input.from);
        inputs.push_back(json);
    }
    Json outputs = Json::array();
    for (const chain::Output& output : step.outputs) outputs.push_back(output_json(output));
    Json json{{"id", to_hex(step.id)},   {"kind", kind_of(step)}, {"height", step.height},
              {"time_ms", step.time_ms}, {"inputs", inputs},      {"outputs", outputs}};
    if (step.coinbase) {
        json["miner"] = to_hex(step.miner);
    } else {
        json["signed"] = step.bad.empty();
        if (!step.bad.empty()) json["why"] = step.bad;
    }
    return json;
}

std::string found_words(const proof::CoinTrace& trace) {
    std::size_t bad = 0;
    for (const proof::TraceStep& step : trace.steps) bad += step.bad.empty() ? 0 : 1;
    const std::size_t payments = trace.steps.size() - trace.coinbases;
    std::string text =
        fmt::format("{} payment{} back to {} coinbase{}, the oldest in block {}; {}.", payments,
                    payments == 1 ? "" : "s", trace.coinbases, trace.coinbases == 1 ? "" : "s",
                    trace.oldest_height,
                    bad > 0 ? fmt::format("{} of them not signed by their coins' owners", bad)
                            : "every coin on the way was spent with its owner's signature");
    if (trace.not_followed > 0)
        text += fmt::format(" Cut: {} coins lead on and were not followed (--max).",
                            trace.not_followed);
    return text;
}

void print_step(const proof::TraceStep& step, std::size_t number, std::ostream& out) {
    out << fmt::format("#{:<4} {} {} in block {}, {}", number + 1, kind_of(step),
                       short_hex(step.id), step.height, time_text(step.time_ms));
    if (step.coinbase) {
        out << fmt::format(", mined by {}\n", short_hex(step.miner));
        for (const chain::Output& output : step.outputs)
            out << fmt::format("      minted {:>16} to {}\n", amount_text(output.amount),
                               owner_of(output));
        return;
    }
    out << (step.bad.empty() ? ", signed\n" : ", NOT SIGNED: " + step.bad + "\n");
    for (const proof::TracedInput& input : step.inputs)
        out << fmt::format("      {:>16} from {} ({}:{}) of {}\n", amount_text(input.output.amount),
                           input.from == proof::kNotFollowed
                               ? std::string("further back, not followed")
                               : fmt::format("#{}", input.from + 1),
                           short_hex(input.coin.id), input.coin.index, owner_of(input.output));
}

Status run_trace(const TraceRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(const chain::OutPoint coin, coin_of(chain, request.coin));
    ASSIGN_OR_RETURN(
        const proof::CoinTrace trace,
        proof::trace_coin(*chain.store, chain::genesis_id(chain.network), coin, request.max));
    if (request.json) {
        Json steps = Json::array();
        for (const proof::TraceStep& step : trace.steps) steps.push_back(step_json(step));
        Json json = output_json(trace.output);
        json["coin"] = outpoint_text(trace.coin);
        json["steps"] = steps;
        json["coinbases"] = trace.coinbases;
        json["not_followed"] = trace.not_followed;
        json["oldest_height"] = trace.oldest_height;
        json["found"] = found_words(trace);
        out << console::json_line(json);
        return ok_status();
    }
    out << fmt::format("coin {}:{} of {} to {}\n", short_hex(trace.coin.id), trace.coin.index,
                       amount_text(trace.output.amount), owner_of(trace.output));
    for (std::size_t i = 0; i < trace.steps.size(); ++i) print_step(trace.steps[i], i, out);
    out << found_words(trace) << '\n';
    return ok_status();
}

}  // namespace

void add_coin(CLI::App& app, Invocation& invocation) {
    CLI::App* group = app.add_subcommand("coin", "Look at single coins of the chain on this disk");
    group->require_subcommand(1);
    CLI::App* command = add_command(
        *group, invocation, "trace",
        "Where a coin comes from: payment by payment, back to the coinbases",
        "cairn coin trace 5f3a9c:0          (names: `cairn wallet history`, `cairn chain block`)");
    auto request = std::make_shared<TraceRequest>();
    command
        ->add_option("coin", request->coin,
                     "ID:N, the payment or coinbase that made it (at least 4 digits) and its "
                     "number there; without a number the first")
        ->required();
    named_folder(command->add_option("--dir", request->directory, "The node's data directory"))
        ->capture_default_str();
    command->add_option("--max", request->max, "Payments and coinbases that are shown, at most")
        ->check(CLI::Range(std::size_t{1}, proof::kMostTraced))
        ->capture_default_str();
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_trace(*request, out); };
    });
}

}  // namespace cairn::cli
