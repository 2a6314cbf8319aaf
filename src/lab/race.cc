#include "lab/race.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/uniform.h"
#include "consensus/fork_choice.h"
#include "lab/hash_power.h"
#include "node/miner.h"

namespace cairn::lab {

namespace {

constexpr std::uint32_t kTarget = 0x1c7fffff;      // any: all blocks have the same one
constexpr std::uint32_t kEasyTarget = 0x2007ffff;  // about 32 hashes
/// From here the chance to come back is below this; the run counts as lost.
constexpr double kHopeless = 1e-10;

/// Work of chains of 0, 1, 2 ... blocks.
class ChainWorks {
  public:
    const consensus::ChainWork& of(std::size_t blocks) {
        while (works_.size() <= blocks)
            works_.push_back(consensus::add_work(works_.back(), kTarget));
        return works_[blocks];
    }

  private:
    std::vector<consensus::ChainWork> works_ = {{}};
};

/// One race; says whether it was tied at some time, too.
bool attacker_wins(double share, unsigned confirmations, ChainWorks& works, Random& random,
                   bool& tied) {
    std::size_t honest = 0, attacker = 0;  // blocks of each branch
    const double odds = share / (1 - share);
    const auto hopeless = static_cast<std::size_t>(std::ceil(std::log(kHopeless) / std::log(odds)));
    const auto step = [&] { ++(uniform(random) < share ? attacker : honest); };
    while (honest < confirmations) step();
    while (true) {
        // Seen later, whenever it is shown.
        const consensus::BranchTip shown{works.of(attacker), 2}, known{works.of(honest), 1};
        if (consensus::is_better(shown, known)) return true;
        tied = tied || shown.work == known.work;
        if (honest >= attacker + hopeless) return false;
        step();
    }
}

}  // namespace

RaceOdds race_odds(double share, unsigned confirmations) {
    RaceOdds odds{1, rosenfeld_overtakes(share, confirmations),
                  nakamoto_overtakes(share, confirmations)};
    if (share >= 0.5) return odds;
    const double honest = 1 - share, ratio = share / honest;
    if (confirmations == 0) {
        odds.exact = ratio;
        return odds;
    }
    // The attacker has m blocks when the payee's chain has its Z: a negative binomial; from there
    // he must gain Z - m + 1.
    double fails = 0;
    for (unsigned m = 0; m <= confirmations; ++m) {
        const double ways = std::exp(std::lgamma(m + confirmations) - std::lgamma(m + 1.0) -
                                     std::lgamma(static_cast<double>(confirmations)) +
                                     confirmations * std::log(honest) + m * std::log(share));
        fails += ways * (1 - std::pow(ratio, confirmations - m + 1));
    }
    odds.exact = std::max(0.0, 1 - fails);
    return odds;
}

RaceRuns play_races(double share, unsigned confirmations, std::uint64_t runs, Random& random,
                    const std::function<void()>& played) {
    CHECK(share > 0 && share < 0.5);
    std::uint64_t won = 0, tied_runs = 0;
    ChainWorks works;
    for (std::uint64_t run = 0; run < runs; ++run) {
        bool tied = false;
        won += attacker_wins(share, confirmations, works, random, tied) ? 1 : 0;
        tied_runs += tied ? 1 : 0;
        if (played) played();
    }
    const auto all = static_cast<double>(runs);
    return {static_cast<double>(won) / all, static_cast<double>(tied_runs) / all};
}

std::vector<std::uint64_t> count_winners(const std::vector<double>& shares, std::uint64_t blocks,
                                         Random& random, const std::function<void()>& found) {
    double sum = 0;
    for (const double share : shares) sum += share;
    CHECK(sum > 0);
    std::vector<std::uint64_t> won(shares.size());
    std::vector<chain::BlockHeader> templates(shares.size());
    for (std::uint64_t block = 0; block < blocks; ++block) {
        // Each miner's own template: another body root, its own nonces.
        for (chain::BlockHeader& header : templates) {
            header = {};
            header.target = kEasyTarget;
            header.body_root = random.hash256();
        }
        while (true) {
            double at = uniform(random) * sum;
            std::size_t miner = 0;
            while (miner + 1 < shares.size() && at >= shares[miner]) at -= shares[miner++];
            if (!node::search_nonce(chain::WorkFunction::kSha256d, templates[miner], 1)) {
                ++templates[miner].nonce;
                continue;
            }
            ++won[miner];
            break;
        }
        if (found) found();
    }
    return won;
}

}  // namespace cairn::lab
