#include "node/network_presets.h"

#include "node/assets.h"

namespace cairn::node {

namespace {

chain::NetworkDefinition tiny_network() {
    chain::NetworkDefinition network;
    network.architecture.dim = 32;
    network.architecture.hidden_dim = 64;
    network.architecture.layers = 2;
    network.architecture.heads = 2;
    network.architecture.kv_heads = 2;
    network.architecture.vocab = 320;
    network.architecture.context = 32;
    network.judge_leaf_tokens = 1024;
    network.recipe.local_steps = 4;
    network.recipe.batch_tokens = 1024;
    network.spacing_ms = 500;
    network.halflife_ms = 30'000;
    network.first_target = 0x1e7fffff;
    network.pow_limit = 0x20ffffff;
    return network;
}

chain::NetworkDefinition demo_network() {
    chain::NetworkDefinition network;
    network.architecture = {.dim = 96,
                            .hidden_dim = 256,
                            .layers = 4,
                            .heads = 4,
                            .kv_heads = 4,
                            .vocab = 512,
                            .context = 128,
                            .rope_theta = 10000,
                            .norm_eps_ppb = 10000,
                            .tied_head = true,
                            .rope_interleaved = true};
    network.judge_leaf_tokens = 4096;
    network.codec = {.kind = chain::CodecKind::kSrht, .log2_ratio = 1, .bits = 1};
    network.outer_step = 49152;
    network.recipe.local_steps = 100;
    network.recipe.learning_rate_ppb = 3'000'000;
    network.recipe.decay_rounds = 60;
    network.recipe.floor_ppb = 200'000'000;
    network.round_length = 8;
    network.spacing_ms = 1500;
    network.halflife_ms = 30'000;
    network.first_target = 0x1e400000;
    network.pow_limit = 0x1effff00;
    return network;
}

}  // namespace

Result<chain::NetworkDefinition> network_preset(const std::string& config) {
    if (config == "tiny") return tiny_network();
    if (config == "demo") return demo_network();
    auto network = read_network(config);
    if (network.ok()) return network;
    return misused("--config wants tiny, demo or the path of a network.json: " +
                   network.error().message);
}

}  // namespace cairn::node
