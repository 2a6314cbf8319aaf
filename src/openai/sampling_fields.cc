#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "infer/stop_strings.h"
#include "openai/request_parts.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::json;

constexpr double kMostTemperature = 2;
// Below it only the most probable token has any weight. Logits are divided by it, and would
// overflow soon.
constexpr double kLeastTemperature = 1e-30;
constexpr double kMostPenalty = 2;
constexpr double kLeastRepetitionPenalty = 0.01;
constexpr double kMostRepetitionPenalty = 100;
constexpr double kMostBias = 100;

void read_stops(Fields& fields, TextAsk& ask) {
    const Json* stop = fields.any("stop");
    if (stop == nullptr) return;
    if (!stop->is_string() && !stop->is_array())
        return fields.fail("stop", "wants a text or a list");
    if (stop->is_string()) {
        ask.stops.push_back(stop->get<std::string>());
    } else {
        for (const Json& text : *stop) {
            if (!text.is_string()) return fields.fail("stop", "wants a list of texts");
            if (ask.stops.size() == infer::StopStrings::kMaxStrings)
                return fields.fail(
                    "stop", fmt::format("may hold {} texts", infer::StopStrings::kMaxStrings));
            ask.stops.push_back(text.get<std::string>());
        }
    }
    const auto stops = infer::StopStrings::create(ask.stops);
    if (!stops.ok()) fields.fail("stop", "cannot be: " + stops.error().message);
}

void read_biases(Fields& fields, TextAsk& ask) {
    const Json* biases = fields.object("logit_bias");
    if (biases == nullptr) return;
    if (biases->size() > infer::kMaxLogitBiases)
        return fields.fail("logit_bias", fmt::format("may hold {} tokens", infer::kMaxLogitBiases));
    for (const auto& [name, bias] : biases->items()) {
        const auto token = parse_whole(name, "token");
        if (!token.ok() || *token > std::numeric_limits<std::uint32_t>::max())
            return fields.fail("logit_bias", fmt::format("names tokens by their number, not '{}'",
                                                         printable_line(name)));
        const double value = bias.is_number() ? bias.get<double>() : 2 * kMostBias;
        if (!(value >= -kMostBias && value <= kMostBias))
            return fields.fail("logit_bias", "wants numbers from -100 to 100");
        ask.options.logit_bias.push_back(
            {static_cast<std::uint32_t>(*token), static_cast<float>(value)});
    }
}

void read_stream(Fields& fields, TextAsk& ask) {
    ask.stream = fields.truth("stream").value_or(false);
    const Json* options = fields.object("stream_options");
    if (options == nullptr) return;
    if (!ask.stream) return fields.fail("stream_options", "needs stream: true");
    Fields inner(*options, "stream_options.", fields.problem());
    ask.include_usage = inner.truth("include_usage").value_or(false);
    inner.pass_over({"include_obfuscation"});
    inner.refuse_unknown();
}

}  // namespace

void read_sampling(Fields& fields, TextAsk& ask) {
    tensor::SampleSettings& sampling = ask.options.sampling;
    const auto real = [&](const char* name, double least, double most, double otherwise) {
        return static_cast<float>(fields.number(name, least, most).value_or(otherwise));
    };
    sampling.temperature = real("temperature", 0, kMostTemperature, 1);
    if (sampling.temperature < static_cast<float>(kLeastTemperature)) sampling.temperature = 0;
    sampling.top_p = real("top_p", 0, 1, 1);
    sampling.min_p = real("min_p", 0, 1, 0);
    sampling.presence_penalty = real("presence_penalty", -kMostPenalty, kMostPenalty, 0);
    sampling.frequency_penalty = real("frequency_penalty", -kMostPenalty, kMostPenalty, 0);
    sampling.repetition_penalty =
        real("repetition_penalty", kLeastRepetitionPenalty, kMostRepetitionPenalty, 1);
    // Others spell "all" as -1.
    const auto top_k = fields.whole("top_k", -1, std::numeric_limits<std::int32_t>::max());
    sampling.top_k = static_cast<std::uint32_t>(std::max<std::int64_t>(top_k.value_or(0), 0));
    // No share at all is the most probable token alone.
    if (sampling.top_p == 0) {
        sampling.top_p = 1;
        sampling.top_k = 1;
    }
    using Limits = std::numeric_limits<std::int64_t>;
    const auto seed = fields.whole("seed", Limits::min(), Limits::max());
    ask.seeded = seed.has_value();
    sampling.seed = static_cast<std::uint64_t>(seed.value_or(0));
    const auto answers = fields.whole("n", 1, static_cast<std::int64_t>(kMaxAnswers));
    ask.answers = static_cast<std::size_t>(answers.value_or(1));
    read_stops(fields, ask);
    read_biases(fields, ask);
    read_stream(fields, ask);
    fields.pass_over({"user", "store", "metadata", "service_tier", "safety_identifier",
                      "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"});
}

}  // namespace cairn::openai
