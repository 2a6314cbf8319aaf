#include "api/json_views.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "wallet/address.h"

namespace cairn::api {

namespace {

using Json = nlohmann::json;

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
        json["coin"] = chain::outpoint_text(input.coin);
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

}  // namespace

std::string trace_json(const proof::CoinTrace& trace) {
    Json steps = Json::array();
    for (const proof::TraceStep& step : trace.steps) steps.push_back(step_json(step));
    Json json = output_json(trace.output);
    json["coin"] = chain::outpoint_text(trace.coin);
    json["steps"] = steps;
    json["coinbases"] = trace.coinbases;
    json["not_followed"] = trace.not_followed;
    json["oldest_height"] = trace.oldest_height;
    json["found"] = found_words(trace);
    return json.dump();
}

}  // namespace cairn::api
