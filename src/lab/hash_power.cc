#include "lab/hash_power.h"

#include <algorithm>
#include <cmath>

#include "base/uniform.h"
#include "chain/target.h"
#include "consensus/difficulty.h"
#include "consensus/work.h"

namespace cairn::lab {
namespace {

/// A race in which the attacker is so far behind is lost: at 45 % it comes back once in 10^17.
constexpr int kHopeless = 200;

/// In (0, 1].
double unit(Random& random) { return uniform(random) + 0x1p-53; }

bool attack_comes_about(double share, unsigned blocks, Random& random) {
    int lead = 1;  // mined in advance
    for (unsigned honest = 0; honest < blocks;) {
        const bool theirs = unit(random) <= share;
        honest += theirs ? 0 : 1;
        lead += theirs ? 1 : -1;
    }
    while (lead < 1 && lead > -kHopeless) lead += unit(random) <= share ? 1 : -1;
    return lead >= 1;
}

double to_double(const chain::U256& number) {
    double value = 0;
    for (const std::uint8_t byte : number.big_endian().bytes) value = value * 256 + byte;
    return value;
}

/// The compact target at which a block takes so many hashes.
std::uint32_t target_for(double hashes) {
    const double log2_target = 256 - std::log2(std::max(hashes, 1.0));
    const int shift = static_cast<int>(log2_target) - 60;
    return chain::compact_from_target(chain::U256::shifted(
        static_cast<std::uint64_t>(std::exp2(log2_target - shift)) - 1, shift));
}

double hashes_for(std::uint32_t target) { return to_double(consensus::block_work(target)); }

}  // namespace

double nakamoto_overtakes(double share, unsigned blocks) {
    if (share >= 0.5) return 1;
    const double odds = share / (1 - share);
    const double mean = blocks * odds;
    double poisson = std::exp(-mean);
    double fails = 0;
    for (unsigned k = 0; k <= blocks; ++k) {
        fails += poisson * (1 - std::pow(odds, blocks - k));
        poisson *= mean / (k + 1);
    }
    return std::max(0.0, 1 - fails);
}

double rosenfeld_overtakes(double share, unsigned blocks) {
    if (share >= 0.5 || blocks == 0) return 1;
    const double honest = 1 - share;
    double fails = 0;
    for (unsigned m = 0; m <= blocks; ++m) {
        const double log_ways = std::lgamma(m + blocks) - std::lgamma(m + 1.0) -
                                std::lgamma(static_cast<double>(blocks));
        fails += std::exp(log_ways + blocks * std::log(honest) + m * std::log(share)) -
                 std::exp(log_ways + m * std::log(honest) + blocks * std::log(share));
    }
    return std::max(0.0, 1 - fails);
}

double played_overtakes(double share, unsigned blocks, unsigned trials, Random& random) {
    if (share >= 0.5) return 1;
    unsigned came_about = 0;
    for (unsigned i = 0; i < trials; ++i)
        came_about += attack_comes_about(share, blocks, random) ? 1 : 0;
    return static_cast<double>(came_about) / trials;
}

Recovery recovery(const chain::NetworkDefinition& network, double before, double after,
                  unsigned trials, Random& random) {
    const double spacing_s = static_cast<double>(network.spacing_ms) / 1000;
    Recovery mean;
    for (unsigned i = 0; i < trials; ++i) {
        std::uint32_t target = target_for(before * spacing_s);
        double parent_s = spacing_s;  // how long the block before took: it sets the next target
        double seconds = 0;
        for (unsigned block = 0;; ++block) {
            target =
                consensus::next_target(network, target, static_cast<std::int64_t>(parent_s * 1000));
            const double expected_s = hashes_for(target) / after;
            if (expected_s <= 2 * spacing_s) {
                mean.blocks += block;
                break;
            }
            parent_s = -std::log(unit(random)) * expected_s;
            seconds += parent_s;
            if (block == 0) mean.first_block_s += parent_s;
        }
        mean.seconds += seconds;
    }
    return {mean.first_block_s / trials, mean.seconds / trials, mean.blocks / trials};
}

CheapBranch cheap_branch(const chain::NetworkDefinition& network, double block_hashes,
                         unsigned headers) {
    const std::uint64_t apart_ms = 10 * network.spacing_ms;
    CheapBranch branch;
    std::uint32_t target = target_for(block_hashes);
    for (unsigned i = 0; i < headers; ++i) {
        branch.hashes += hashes_for(target);
        branch.age_s += static_cast<double>(apart_ms) / 1000;
        target = consensus::next_target(network, target, static_cast<std::int64_t>(apart_ms));
    }
    branch.next_hashes = hashes_for(target);
    return branch;
}

}  // namespace cairn::lab
