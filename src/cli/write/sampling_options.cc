#include "cli/write/sampling_options.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "cli/option_checks.h"
#include "cli/options.h"
#include "infer/stop_strings.h"
#include "model/config.h"

namespace cairn::cli {

void add_sampling_options(const Command& command, SamplingOptions& options) {
    tensor::SampleSettings& settings = options.settings;
    command.add_option("--temperature", settings.temperature, "0 takes the most probable token")
        .check(range(0.0F, 100.0F))
        .capture_default_str();
    const Option top_k =
        command.add_option("--top-k", settings.top_k, "Only the k best tokens; 0: all")
            .check(range(0U, model::kMaxVocab))
            .capture_default_str();
    const Option top_p =
        command.add_option("--top-p", settings.top_p, "Only the best p of probability")
            .check(range(1e-6F, 1.0F))
            .capture_default_str();
    const Option min_p =
        command.add_option("--min-p", settings.min_p, "Share of the best one's probability")
            .check(range(0.0F, 1.0F))
            .capture_default_str();
    command
        .add_option("--repetition-penalty", settings.repetition_penalty,
                    "Divides the logits of tokens of prompt and text; 1: none")
        .check(range(0.01F, 100.0F))
        .capture_default_str();
    command
        .add_option("--presence-penalty", settings.presence_penalty,
                    "Subtracted from tokens that were written")
        .check(range(-100.0F, 100.0F))
        .capture_default_str();
    command
        .add_option("--frequency-penalty", settings.frequency_penalty,
                    "Subtracted once for each time that they were written")
        .check(range(-100.0F, 100.0F))
        .capture_default_str();
    command.add_option("--seed", settings.seed, "Decides what chance decides")
        .check(any_seed())
        .capture_default_str();
    add_kv_option(command, options.kv);
    command.add_option("--stop", options.stops, "End before this text; again for each")
        .check(Check(
            [](const std::string& text) { return std::string(text.empty() ? "it is empty" : ""); },
            ""));
    // At temperature 0 the most probable token is always taken: these options would have no effect.
    command.parse_complete_callback([top_k, top_p, min_p, &options] {
        const tensor::SampleSettings& chosen = options.settings;
        if (chosen.temperature > 0) return;
        const auto look = [&](const Option option, bool narrows) {
            if (option.count() > 0 && narrows) options.no_effect.push_back(option.get_name());
        };
        look(top_k, chosen.top_k > 1);
        look(top_p, chosen.top_p < 1);
        look(min_p, chosen.min_p > 0);
    });
}

namespace {

std::vector<std::string> kv_type_names() {
    std::vector<std::string> names;
    for (const tensor::KvType type : tensor::kKvTypes)
        names.emplace_back(tensor::kv_type_name(type));
    return names;
}

}  // namespace

Option add_kv_option(const Command& command, tensor::KvType& type) {
    return command
        .add_option_function(
            "--kv",
            [&type](const std::string& name) { type = tensor::parse_kv_type(name).value(); },
            "How keys and values are kept: f32, f16 or bf16 (half the memory, other bits), or "
            "digits (the same half; attention in whole numbers, by tables)")
        .check(one_of(kv_type_names()).unshown())
        .default_str("f32");
}

Option add_wire_option(const Command& command, tensor::StateType& states) {
    return command
        .add_option_function(
            "--wire",
            [&states](const std::string& name) { states = tensor::parse_state_type(name).value(); },
            "Type of hidden states between layers, which servers send: f32, f16 (half) or i8 (a "
            "quarter); other bits, the same wherever the layers run")
        .check(one_of({"f32", "f16", "i8"}).unshown())
        .default_str("f32");
}

Status check_sampling(const SamplingOptions& options) {
    if (!options.no_effect.empty()) {
        const bool one = options.no_effect.size() == 1;
        return misused(fmt::format(
            "{} {} nothing at --temperature 0, which takes the most probable token; say "
            "--temperature 0.8, for example, or leave {} out",
            fmt::join(options.no_effect, ", "), one ? "does" : "do", one ? "it" : "them"));
    }
    const auto stops = infer::StopStrings::create(options.stops);
    if (!stops.ok()) return misused("--stop: " + stops.error().message);
    return ok_status();
}

}  // namespace cairn::cli
