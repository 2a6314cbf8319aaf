#include "node/network_presets.h"

#include <algorithm>
#include <utility>

#include "chain/target.h"
#include "node/assets.h"

namespace cairn::node {

namespace {

/// A quarter: helps most of what a half does, and a small judge text is less learnt by heart
/// (docs/measurements/worth.md).
constexpr std::uint32_t kPublicShare = 16384;

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
    network.public_share = kPublicShare;
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
    network.recipe.local_steps = 100;
    network.recipe.learning_rate_ppb = 3'000'000;
    network.recipe.decay_rounds = 60;
    network.recipe.floor_ppb = 200'000'000;
    network.public_share = kPublicShare;
    network.round_length = 8;
    network.spacing_ms = 1500;
    network.halflife_ms = 30'000;
    network.first_target = 0x1e400000;
    network.pow_limit = 0x1effff00;
    return network;
}

/// 32 hashes, 2^251.
constexpr std::uint32_t kEasiestSlowTarget = 0x20080000;

std::uint32_t scaled(std::uint32_t compact, std::uint64_t times, std::uint64_t parts) {
    const chain::U256 target = chain::target_from_compact(compact).value();
    return chain::compact_from_target(target.saturating_multiply(static_cast<std::uint32_t>(times))
                                          .divided_by(chain::U256(parts)));
}

std::uint32_t harder(std::uint32_t a, std::uint32_t b) {
    return chain::target_from_compact(a).value() < chain::target_from_compact(b).value() ? a : b;
}

}  // namespace

void set_work(chain::NetworkDefinition& network, chain::WorkFunction work) {
    const std::uint64_t times = chain::cost_of(work);
    const std::uint64_t parts = chain::cost_of(network.work);
    if (times == parts) return;
    network.work = work;
    network.first_target = scaled(network.first_target, times, parts);
    network.pow_limit = scaled(network.pow_limit, times, parts);
    if (work == chain::WorkFunction::kSha256d) return;
    network.pow_limit = harder(network.pow_limit, kEasiestSlowTarget);
    network.first_target = harder(network.first_target, network.pow_limit);
}

void set_spacing(chain::NetworkDefinition& network, std::uint64_t spacing_ms) {
    const std::uint64_t before = std::exchange(network.spacing_ms, spacing_ms);
    network.halflife_ms = std::max<std::uint64_t>(1000, network.halflife_ms * spacing_ms / before);
    // A block that takes twice as long needs twice the hashes.
    network.first_target =
        harder(scaled(network.first_target, before, spacing_ms), network.pow_limit);
}

void set_one_winner(chain::NetworkDefinition& network) {
    network.round_length = 1;
    network.reveal_depth = 0;
    network.max_contributions = 1;
    network.paid_contributions = 1;
    network.carry_share = 0;
    network.novelty_rounds = 0;
    network.public_share = 0;
}

void set_sgd(chain::NetworkDefinition& network, std::uint32_t learning_rate_ppb) {
    network.optimiser = chain::Optimiser::kSgd;
    network.recipe.learning_rate_ppb = learning_rate_ppb;
    network.recipe.weight_decay_ppb = 0;
    network.recipe.clip_ppb = 0;
}

Result<chain::NetworkDefinition> network_preset(const std::string& config) {
    if (config == "tiny") return tiny_network();
    if (config == "demo") return demo_network();
    auto network = read_network(config);
    if (network.ok()) return network;
    return misused("--config wants tiny, demo or the path of a network.json: " +
                   network.error().message);
}

}  // namespace cairn::node
