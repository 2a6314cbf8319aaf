#include "lab/selfish.h"

#include <cmath>

#include <fmt/core.h>

#include "base/uniform.h"
#include "sim/selfish_miner.h"

namespace cairn::lab {

namespace {

constexpr int kHonest = 4;
/// Hashes that all nodes try together in a slice of 50 ms; a block takes 26 slices.
constexpr double kHashesPerSlice = 40;
/// Of those who did not find a block of the race, three of four: half of all honest hash power.
constexpr std::uint32_t kOursFirstPerMille = 667;
constexpr std::uint64_t kMaxVirtualMs = 100'000'000;

/// One target for ever, so that all blocks have the same work, as in the paper.
chain::NetworkDefinition even_network() {
    chain::NetworkDefinition network = sim::sim_network_definition();
    network.first_target = 0x1f400000;  // 1024 hashes
    network.halflife_ms = std::uint64_t{1} << 40;
    network.spacing_ms = 1'280;
    CHECK(chain::validate(network).ok());
    return network;
}

/// Links and lanes that are fast beside the time between two blocks.
sim::WorldOptions quick_links() {
    sim::WorldOptions options;
    options.links = {.min_delay_us = 500, .max_delay_us = 2'000};
    options.chain_lane = {100, 1'000};
    options.train_lane = {1'000, 2'000};
    options.check_every = 200'000;
    return options;
}

void add_nodes(sim::World& world, const SelfishCase& given) {
    const auto own = static_cast<std::uint64_t>(std::lround(given.alpha * kHashesPerSlice));
    const std::uint64_t rest = static_cast<std::uint64_t>(kHashesPerSlice) - own;
    for (int i = 0; i < kHonest; ++i) {
        sim::NodeSpec spec;
        spec.hashes_per_slice = rest / kHonest + (static_cast<std::uint64_t>(i) < rest % kHonest);
        for (int peer = 0; peer < i && !given.owns_network; ++peer) spec.connect.push_back(peer);
        world.add_node(spec);
    }
    world.add_node({.train = false, .hashes_per_slice = own});
}

Status read_chain(sim::World& world, SelfishOutcome& outcome) {
    const crypto::PublicKey miner = crypto::public_key(world.key(kHonest));
    // The latest blocks may still be contested.
    outcome.blocks = world.height(0) - 8;
    std::uint32_t own = 0, own_merges = 0, contributions = 0, commitments = 0;
    for (std::uint32_t height = 1; height <= outcome.blocks; ++height) {
        ASSIGN_OR_RETURN(const chain::Block block, world.block_at(0, height));
        const bool is_own = block.coinbase.miner == miner;
        own += is_own;
        commitments += static_cast<std::uint32_t>(block.commitments.size());
        contributions += static_cast<std::uint32_t>(block.contributions.size());
        if (!world.network().is_merge_height(height)) continue;
        ++outcome.merges;
        own_merges += is_own;
    }
    outcome.revenue = static_cast<double>(own) / outcome.blocks;
    outcome.own_merges = static_cast<double>(own_merges) / outcome.merges;
    outcome.contributions = static_cast<double>(contributions) / outcome.merges;
    outcome.carried = static_cast<double>(commitments) / outcome.merges;
    return ok_status();
}

}  // namespace

double selfish_revenue(double alpha, double gamma) {
    const double honest = 1 - alpha;
    return (alpha * honest * honest * (4 * alpha + gamma * (1 - 2 * alpha)) -
            alpha * alpha * alpha) /
           (1 - alpha * (1 + (2 - alpha) * alpha));
}

double selfish_revenue_played(double alpha, double gamma, std::uint64_t blocks,
                              std::uint64_t seed) {
    SeededRandom random(seed);
    const auto happens = [&random](double chance) { return uniform(random) < chance; };
    std::uint64_t ours = 0, theirs = 0, lead = 0;
    bool race = false;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        if (race) {  // one block each; whoever finds the next decides
            race = false;
            if (happens(alpha)) {
                ours += 2;
            } else {
                const bool on_ours = happens(gamma);
                ours += on_ours;
                theirs += on_ours ? 1 : 2;
            }
        } else if (happens(alpha)) {
            ++lead;
        } else if (lead == 0) {
            ++theirs;
        } else if (lead == 1) {
            lead = 0;
            race = true;
        } else if (lead == 2) {
            ours += 2;
            lead = 0;
        } else {
            ++ours;  // it lets out one, and stays ahead
            --lead;
        }
    }
    return static_cast<double>(ours) / static_cast<double>(ours + theirs);
}

Result<SelfishOutcome> run_selfish(const SelfishCase& given, std::uint32_t blocks,
                                   std::uint64_t seed) {
    sim::FakeModelKit kit(even_network());
    sim::World world(seed, "lab selfish", kit, quick_links());
    add_nodes(world, given);
    sim::SelfishMiner miner(world, kHonest, {0, 1, 2, 3},
                            {given.withholds, given.owns_network, kOursFirstPerMille});
    const auto done = [&] { return world.height(0) >= blocks + 8; };
    const bool reached = world.run_until(done, kMaxVirtualMs);
    if (!world.failure().empty()) return invalid(world.failure());
    if (!reached)
        return Error{
            ErrorCode::kTimeout,
            fmt::format("the simulated network found only {} of {} blocks in the time that "
                        "it has",
                        world.height(0), blocks)};
    SelfishOutcome outcome;
    outcome.given = given;
    outcome.gamma = miner.gamma();
    RETURN_IF_ERROR(read_chain(world, outcome));
    return outcome;
}

}  // namespace cairn::lab
