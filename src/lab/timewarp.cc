#include "lab/timewarp.h"

#include <algorithm>
#include <cmath>

#include "base/uniform.h"
#include "consensus/difficulty.h"
#include "consensus/header_rules.h"

namespace cairn::lab {

namespace {

constexpr std::size_t kMedianBlocks = 11;
constexpr double kHourMs = 3'600'000;

/// Times and targets of a chain whose first target fits all hash power.
class TimedChain {
  public:
    TimedChain(const chain::NetworkDefinition& network, TimeRule rule, std::uint64_t seed)
        : network_(network), rule_(rule), random_(seed), target_(network.first_target) {
        for (std::size_t i = 0; i < kMedianBlocks; ++i)
            times_ms_.push_back(network.genesis_time_ms + i * network.spacing_ms);
        now_ms_ = began_ms_ = static_cast<double>(times_ms_.back());
    }

    double chance() { return uniform(random_); }
    double passed_ms() const { return now_ms_ - began_ms_; }

    /// Lets the time pass that `share` of all hash power needs for the next block.
    void find(double share) {
        now_ms_ -=
            std::log(1 - chance()) * static_cast<double>(network_.spacing_ms) * harder() / share;
    }
    /// How much harder the next block is than what fits.
    double harder() const { return value(network_.first_target) / value(target_); }

    std::uint64_t least_ms() const {
        if (rule_ == TimeRule::kParent) return times_ms_.back() + 1;
        std::vector<std::uint64_t> latest(times_ms_.end() - kMedianBlocks, times_ms_.end());
        std::ranges::sort(latest);
        return latest[kMedianBlocks / 2] + 1;
    }
    std::uint64_t true_ms() const {
        return std::max(static_cast<std::uint64_t>(now_ms_), least_ms());
    }
    std::uint64_t most_ms() const {
        return std::max(static_cast<std::uint64_t>(now_ms_) + consensus::allowed_drift_ms(network_),
                        least_ms());
    }

    void add(std::uint64_t time_ms) {
        const auto before = static_cast<std::int64_t>(times_ms_.back());
        target_ =
            consensus::next_target(network_, target_, static_cast<std::int64_t>(time_ms) - before);
        times_ms_.push_back(time_ms);
        if (times_ms_.size() > 2 * kMedianBlocks) times_ms_.erase(times_ms_.begin());
    }

  private:
    static double value(std::uint32_t compact) {
        return std::ldexp(compact & 0xffffff, 8 * (static_cast<int>(compact >> 24) - 3));
    }

    const chain::NetworkDefinition& network_;
    TimeRule rule_;
    SeededRandom random_;
    std::uint32_t target_;  // of the next block
    std::vector<std::uint64_t> times_ms_;
    double now_ms_ = 0;
    double began_ms_ = 0;
};

}  // namespace

const char* name_of(TimeRule rule) {
    return rule == TimeRule::kParent ? "later than parent" : "later than median";
}

const char* name_of(FalseTimes times) {
    switch (times) {
        case FalseTimes::kNone:
            return "true";
        case FalseTimes::kAhead:
            return "ahead";
        case FalseTimes::kBehind:
            return "behind";
        case FalseTimes::kBoth:
            break;
    }
    return "in turn";
}

TimewarpOutcome play_false_times(const chain::NetworkDefinition& network, const TimewarpCase& given,
                                 std::uint32_t blocks, std::uint64_t seed) {
    TimedChain chain(network, given.rule, seed);
    TimewarpOutcome outcome;
    outcome.given = given;
    bool ahead = false;
    for (std::uint32_t i = 1; i <= blocks; ++i) {
        chain.find(1);
        std::uint64_t time_ms = chain.true_ms();
        if (given.times != FalseTimes::kNone && chain.chance() < given.alpha) {
            ahead =
                given.times == FalseTimes::kAhead || (given.times == FalseTimes::kBoth && !ahead);
            time_ms = ahead ? chain.most_ms() : chain.least_ms();
        }
        chain.add(time_ms);
        outcome.easiest = std::max(outcome.easiest, 1 / chain.harder());
        outcome.hardest = std::max(outcome.hardest, chain.harder());
        outcome.blocks_per_spacing =
            i * static_cast<double>(network.spacing_ms) / chain.passed_ms();
        if (chain.harder() < kStoppedAt) continue;
        outcome.stopped_after = i;
        outcome.stopped_hours = chain.passed_ms() / kHourMs;
        break;
    }
    return outcome;
}

HeldOutcome play_held_time(const chain::NetworkDefinition& network, double alpha,
                           std::uint32_t held_blocks, std::uint64_t seed) {
    TimedChain chain(network, TimeRule::kParent, seed);
    HeldOutcome outcome;
    outcome.held_blocks = held_blocks;
    for (std::uint32_t i = 0; i < held_blocks; ++i) {
        chain.find(alpha);
        chain.add(chain.least_ms());
    }
    outcome.attack_hours = chain.passed_ms() / kHourMs;
    outcome.harder = chain.harder();
    const double rest = 1 - alpha;
    while (chain.harder() > 2 * rest) {
        chain.find(rest);
        chain.add(chain.true_ms());
    }
    outcome.recovery_hours = chain.passed_ms() / kHourMs - outcome.attack_hours;
    return outcome;
}

std::vector<double> play_bitcoin_timewarp(std::uint32_t periods) {
    constexpr double kPeriod = 2016;
    constexpr double kPeriodS = kPeriod * 600;
    double easier = 1;
    double now_s = 0;      // true time; his hash power fits the first target
    double stamped_s = 0;  // of all blocks but each period's last: a second every six blocks
    std::vector<double> after;
    for (std::uint32_t period = 0; period < periods; ++period) {
        const double first_s = stamped_s;
        now_s += kPeriodS / easier;
        stamped_s += kPeriod / 6;
        const double last_s = std::max(now_s, stamped_s);
        easier *= std::clamp((last_s - first_s) / kPeriodS, 0.25, 4.0);
        after.push_back(easier);
    }
    return after;
}

}  // namespace cairn::lab
