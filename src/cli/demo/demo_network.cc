#include "cli/demo/demo_network.h"

#include <sstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/chain/network_command.h"
#include "node/assets.h"

namespace cairn::cli {

namespace {

constexpr std::uint32_t kVocab = 512;

}  // namespace

chain::NetworkDefinition demo_definition(std::uint64_t seed, std::uint64_t genesis_time_ms) {
    chain::NetworkDefinition network;
    network.name = "cairn-demo";
    network.architecture = {.dim = 96,
                            .hidden_dim = 256,
                            .layers = 4,
                            .heads = 4,
                            .kv_heads = 4,
                            .vocab = kVocab,
                            .context = 128,
                            .rope_theta = 10000,
                            .norm_eps_ppb = 10000,
                            .tied_head = true,
                            .rope_interleaved = true};
    network.weights_seed = seed;
    network.judge_leaf_tokens = 4096;
    network.codec = {.kind = chain::CodecKind::kSrht, .log2_ratio = 1, .bits = 1};
    network.outer_step = 49152;
    network.recipe.local_steps = 100;
    network.recipe.learning_rate_ppb = 3'000'000;
    network.recipe.decay_rounds = 60;
    network.recipe.floor_ppb = 200'000'000;
    network.genesis_time_ms = genesis_time_ms;
    network.round_length = 8;
    network.spacing_ms = 1500;
    network.halflife_ms = 30'000;
    network.first_target = 0x1e400000;
    network.pow_limit = 0x1effff00;
    return network;
}

Result<DemoNetwork> create_demo_network(const std::string& folder, const DemoTexts& texts,
                                        std::uint64_t seed) {
    NetworkRequest request;
    request.directory = folder;
    request.name = "cairn-demo";
    request.config = "demo";
    request.judge_file = texts.judge_file;
    request.report_file = texts.report_file;
    request.seed = seed;
    request.json = true;
    std::ostringstream out;
    RETURN_IF_ERROR(run_network_create(request, out));
    const nlohmann::json created = nlohmann::json::parse(out.str(), nullptr, false);
    if (!created.is_object()) return invalid("cannot read what `network create` made");

    const chain::NetworkDefinition network = demo_definition(seed, 0);
    DemoNetwork made;
    made.file = folder + "/" + std::string(node::kNetworkFile);
    made.genesis_id = created.value("genesis_id", std::string());
    made.layers = network.architecture.layers;
    made.summary = {
        fmt::format("{}: {} parameters in {} layers,", made.genesis_id.substr(0, 12),
                    created.value("parameters", 0), made.layers),
        fmt::format("{} tokens in the vocabulary, a round is {} blocks of {} s", kVocab,
                    network.round_length, static_cast<double>(network.spacing_ms) / 1000.0)};
    return made;
}

}  // namespace cairn::cli
