#include "serve/lead_parts.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "base/log.h"
#include "base/shell_word.h"
#include "serve/part_link.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::size_t kMaxParts = 31;
constexpr std::uint32_t kMaxSize = 1000;
/// Session serials begin at 1.
constexpr std::uint64_t kMeasuringCache = 0;

std::vector<std::uint32_t> sizes_of(const LeadOptions& options) {
    if (!options.sizes.empty()) return options.sizes;
    return std::vector<std::uint32_t>(options.parts.size() + 1, 1);
}

Result<std::vector<std::unique_ptr<PartPort>>> open_ports(const LeadOptions& options,
                                                          const ModelSnapshot& whole,
                                                          model::LayerRange layers,
                                                          const tensor::Compute& compute) {
    SystemRandom random;
    ASSIGN_OR_RETURN(const PartKeys keys, load_part_keys(options.key_file, random, true));
    std::vector<std::unique_ptr<PartPort>> ports;
    ports.push_back(
        std::make_unique<LocalPart>(std::make_unique<LayerPart>(whole, layers, compute)));
    for (const std::string& address : options.parts) {
        const std::string name =
            fmt::format("part {} of {} at {}", ports.size() + 1, options.parts.size() + 1, address);
        ASSIGN_OR_RETURN(auto link, PartLink::start(keys, address, name));
        ports.push_back(std::move(link));
    }
    return ports;
}

}  // namespace

Status check_lead(const LeadOptions& options) {
    if (options.parts.empty()) return ok_status();
    if (options.parts.size() > kMaxParts)
        return invalid(fmt::format("--part: {} parts at most", kMaxParts));
    for (const std::string& part : options.parts)
        if (std::ranges::count(options.parts, part) > 1)
            return invalid("--part " + part +
                           " is named twice: each part is a process of its own; --shares gives "
                           "one of them more");
    if (options.key_file.empty())
        return invalid(
            "--part wants --part-key FILE: the secret by which parts know their lead; "
            "it is made if it is not there, and each part needs a copy");
    const std::vector<std::uint32_t> sizes = sizes_of(options);
    if (sizes.size() != options.parts.size() + 1)
        return invalid(fmt::format("--shares wants {} numbers, this machine's first; got {}",
                                   options.parts.size() + 1, sizes.size()));
    const std::uint64_t all = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    if (all == 0 || std::ranges::max(sizes) > kMaxSize)
        return invalid(fmt::format("--shares are 0 to {}, and not all 0", kMaxSize));
    return ok_status();
}

Result<std::shared_ptr<DividedLayers>> lead_parts(
    const LeadOptions& options, const ModelSnapshot& whole, model::LayerRange layers,
    const tensor::Compute& compute, const Clock& clock, const std::function<bool()>& should_stop) {
    RETURN_IF_ERROR(check_lead(options));
    RETURN_IF_ERROR(model::can_be_divided(whole.config));
    const std::vector<model::LayerShare> shares =
        model::divide_layers(whole.config, sizes_of(options));
    for (std::size_t i = 0; i < options.parts.size(); ++i)
        if (!model::check_share(whole.config, shares[i + 1]).ok())
            return invalid(fmt::format(
                "--part {} would compute nothing: a layer of this model has {} groups of heads and "
                "{} columns; name fewer parts, or give it more with --shares",
                options.parts[i], whole.config.kv_heads, whole.config.hidden_dim));
    ASSIGN_OR_RETURN(auto ports, open_ports(options, whole, layers, compute));
    const auto divided =
        std::make_shared<DividedLayers>(whole, layers, shares, std::move(ports), compute, clock);
    const std::uint64_t end_us = clock.monotonic_us() + options.wait_ms * 1000;
    std::string said;
    while (true) {
        const Status joined = divided->join();
        if (joined.ok()) return divided;
        const Error& why = joined.error();
        const std::string how = fmt::format(
            "{}. Start a part there: cairn node --serve {} --model {} --part-of {} "
            "--listen HOST:PORT",
            why.message, options.layers, shell_word(options.model_file),
            shell_word(options.key_file));
        if (why.code == ErrorCode::kRefused) return why;
        if (clock.monotonic_us() >= end_us) return Error{why.code, how};
        if (should_stop && should_stop()) return Error{ErrorCode::kCancelled, why.message};
        if (said != why.message) log_warn("waiting for {}", how);
        said = why.message;
    }
}

double measure_divided(DividedLayers& divided, const model::ModelConfig& config,
                       model::LayerRange layers, const Clock& clock, std::uint64_t budget_ms) {
    const std::uint64_t begun_us = clock.monotonic_us();
    std::uint64_t now_us = begun_us;
    std::uint64_t steps = 0;
    DividedRows row{.cache = kMeasuringCache,
                    .layers = layers,
                    .max_positions = std::min<std::uint32_t>(config.context, 256),
                    .rows = 1};
    do {
        std::vector<float> states(config.dim, 0.5F);
        if (!divided.forward(states, std::span(&row, 1)).ok()) return 0;
        row.position = (row.position + 1) % row.max_positions;
        ++steps;
        now_us = clock.monotonic_us();
    } while (now_us < begun_us + budget_ms * 1000);
    divided.close(kMeasuringCache);
    return static_cast<double>(steps * layers.size()) * 1e6 /
           static_cast<double>(std::max<std::uint64_t>(now_us - begun_us, 1));
}

}  // namespace cairn::serve
