// Proves what the trainer's plan keeps whatever happens: in every state and on every tip that can
// be, and on random walks through rounds and reorganisations. round_plan_test.cc has single cases.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/random.h"
#include "node/round_plan.h"

namespace cairn::node {
namespace {

using A = RoundAction;
using S = Stage;

constexpr std::uint32_t kLength = 8;

chain::NetworkDefinition network_of_eights() {
    chain::NetworkDefinition network;
    network.round_length = kLength;
    return network;
}

Hash256 block(std::uint8_t number) {
    Hash256 hash;
    hash.bytes[0] = number;
    return hash;
}

/// Calls `visit` with every state, and every tip of its round and of the rounds beside it.
template <typename Visit>
void for_all(const Visit& visit) {
    for (const S stage :
         {S::kWaiting, S::kTraining, S::kMade, S::kStamping, S::kStamped, S::kSpent})
        for (std::uint32_t bits = 0; bits < 32; ++bits)
            for (std::uint32_t next = 1; next <= 24; ++next)
                for (const Carried carried : {Carried::kNone, Carried::kOurs, Carried::kOther})
                    for (std::uint32_t seen = 0; seen < 16; ++seen) {
                        RoundState state;
                        state.round = 1;
                        state.start = block(8);
                        state.stage = stage;
                        state.lane_busy =
                            stage == S::kTraining || stage == S::kStamping || (bits & 1) != 0;
                        state.told_to_end = state.lane_busy && (bits & 2) != 0;
                        state.time_is_up = (bits & 4) != 0;
                        state.tried = (bits & 8) != 0;
                        state.stopped = (bits & 16) != 0;
                        RoundTip tip;
                        tip.next_height = next;
                        tip.start = block((seen & 8) != 0 ? 88 : 8);
                        tip.carried = carried;
                        tip.stamp_holds = (seen & 1) != 0;
                        tip.commitment_pooled = (seen & 2) != 0;
                        tip.payload_pooled = (seen & 4) != 0;
                        visit(tip, state);
                    }
}

TEST(RoundPlanWalk, PropertiesOfEveryState) {
    const auto network = network_of_eights();
    std::size_t bad = 0;
    for_all([&](const RoundTip& tip, const RoundState& state) {
        const A action = next_action(network, tip, state);
        const bool closed = network.is_merge_height(tip.next_height);
        const bool new_job = action == A::kTrain || action == A::kStamp;
        const bool this_round = network.round_of(tip.next_height) == state.round;
        bool good = true;
        // Never two jobs on the lane.
        if (new_job) good = good && !state.lane_busy;
        // On a tip of another round nothing is done but to begin that round.
        if (!this_round && !state.stopped) good = good && action == A::kBegin;
        // Never revealed while a commitment can follow, nor if this branch does not carry ours.
        if (action == A::kReveal) good = good && closed && tip.carried == Carried::kOurs;
        // Never a second commitment of the key on a branch, nor one that C4 refuses.
        if (action == A::kOffer)
            good = good && tip.carried == Carried::kNone && !closed && tip.stamp_holds;
        // No work for what no block can carry.
        if (action == A::kStamp) good = good && tip.carried == Carried::kNone && !closed;
        if (action == A::kTrain) good = good && tip.carried == Carried::kNone && !closed;
        if (action == A::kTrain) good = good && tip.start == state.start;
        // Once stopped, nothing but to end what runs.
        if (state.stopped) good = good && (action == A::kNothing || action == A::kEndJob);
        // What is committed to on this branch is not forgotten in its round.
        if (this_round && tip.carried == Carried::kOurs && state.stage == S::kStamped)
            good = good && action != A::kBegin;
        if (!good && bad++ < 5)
            ADD_FAILURE() << "stage " << static_cast<int>(state.stage) << " next "
                          << tip.next_height << " action " << static_cast<int>(action);
    });
    EXPECT_EQ(bad, 0U);
}

TEST(RoundPlanWalk, ComesToRestFromEveryState) {
    const auto network = network_of_eights();
    std::size_t restless = 0;
    for_all([&](RoundTip tip, RoundState state) {
        for (int i = 0; i < 8; ++i) {
            const A action = next_action(network, tip, state);
            if (action == A::kNothing) return;
            state = after(network, tip, state, action);
        }
        ++restless;
    });
    EXPECT_EQ(restless, 0U);
}

/// A trainer whose chain, pool and lane are played by chance, and which remembers what the real
/// trainer remembers.
class Walk {
  public:
    explicit Walk(std::uint64_t seed) : dice_(seed) { state_.round = 99; }

    void step() {
        switch (dice_.below(8)) {
            case 0:
            case 1:
            case 2:
                return grow();
            case 3:
                return reorganise();
            case 4:
                state_.time_is_up = state_.stage == S::kTraining;
                return proceed();
            default:
                return end_job();
        }
    }
    std::uint32_t offered = 0, revealed = 0, begun = 0;

  private:
    // A commitment is a number; the branch's blocks say which they carry (0: none).
    struct Mined {
        std::uint8_t id = 0;
        int commitment = 0;
    };

    std::uint32_t next() const { return static_cast<std::uint32_t>(chain_.size()) + 1; }
    std::uint32_t first_of_round() const { return network_.round_of(next()) * kLength; }
    int carried_number() const {
        for (std::size_t i = first_of_round(); i < chain_.size(); ++i)
            if (chain_[i].commitment != 0) return chain_[i].commitment;
        return 0;
    }
    RoundTip look() const {
        RoundTip tip;
        tip.next_height = next();
        tip.start = first_of_round() == 0 ? block(0) : block(chain_[first_of_round() - 1].id);
        const int number = carried_number();
        const bool ours = has_payload_ && number / 1000 == payload_;
        if (number != 0) tip.carried = ours ? Carried::kOurs : Carried::kOther;
        tip.stamp_holds = stamp_fits_;
        tip.commitment_pooled = pooled_ != 0 && pooled_ == commitment_;
        tip.payload_pooled = shown_;
        return tip;
    }
    void grow() {
        Mined mined{static_cast<std::uint8_t>(1 + dice_.below(250)), 0};
        if (!network_.is_merge_height(next()) && pooled_ != 0 && carried_number() == 0 &&
            dice_.below(2) == 0)
            mined.commitment = std::exchange(pooled_, 0);
        chain_.push_back(mined);
        if (network_.is_first_of_round(next())) pooled_ = 0, shown_ = false;
        moved();
    }
    void reorganise() {
        const std::size_t depth = std::min<std::size_t>(chain_.size(), 1 + dice_.below(4));
        for (std::size_t i = 0; i < depth; ++i) {
            if (chain_.back().commitment != 0 && dice_.below(2) == 0)
                pooled_ = chain_.back().commitment;
            chain_.pop_back();
        }
        stamp_fits_ = dice_.below(3) != 0;
        shown_ = false;
        grow();
    }
    void moved() {
        state_ = after_tip(state_);
        proceed();
    }
    void end_job() {
        if (!state_.lane_busy) return;
        --jobs_;
        if (state_.stage == S::kTraining) {
            const JobEnd ends[] = {JobEnd::kPayload, JobEnd::kPayload, JobEnd::kNothing,
                                   JobEnd::kNoWeights};
            const JobEnd end = ends[dice_.below(4)];
            has_payload_ = end == JobEnd::kPayload;
            if (has_payload_) ++payload_;
            state_ = after(state_, end);
        } else {
            if (state_.stage == S::kStamping) commitment_ = payload_ * 1000 + ++stamps_;
            state_ =
                after(state_, state_.stage == S::kStamping ? JobEnd::kStamp : JobEnd::kNothing);
        }
        proceed();
    }
    void proceed() {
        for (int i = 0; i < 20; ++i) {
            const RoundTip tip = look();
            const A action = next_action(network_, tip, state_);
            if (action == A::kNothing) return;
            state_ = after(network_, tip, state_, action);
            carry_out(action, tip);
        }
        FAIL() << "it never rests";
    }
    void carry_out(A action, const RoundTip& tip) {
        if (action == A::kBegin) {
            ++begun;
            has_payload_ = false;
            commitment_ = 0;
        }
        if (action == A::kTrain || action == A::kStamp) {
            ++jobs_;
            EXPECT_EQ(jobs_, 1);
        }
        if (action == A::kKeep) commitment_ = carried_number();
        if (action == A::kStamp) {
            stamp_fits_ = true;
            EXPECT_TRUE(has_payload_);
        }
        if (action == A::kOffer) {
            ++offered;
            EXPECT_EQ(carried_number(), 0);
            if (pooled_ == 0) pooled_ = commitment_;
        }
        if (action == A::kReveal) {
            ++revealed;
            EXPECT_TRUE(has_payload_);
            EXPECT_EQ(tip.next_height % kLength, 0U);
            EXPECT_EQ(carried_number() / 1000, payload_);
            shown_ = true;
        }
    }

    chain::NetworkDefinition network_ = network_of_eights();
    SeededRandom dice_;
    RoundState state_;
    std::vector<Mined> chain_;
    int jobs_ = 0;
    int payload_ = 0;
    int stamps_ = 0;
    bool has_payload_ = false;
    int commitment_ = 0;
    int pooled_ = 0;
    bool shown_ = false;
    bool stamp_fits_ = true;
};

TEST(RoundPlanWalk, PropertiesOfRandomWalks) {
    std::uint32_t offered = 0;
    std::uint32_t revealed = 0;
    for (std::uint64_t seed = 1; seed <= 50 && !testing::Test::HasFailure(); ++seed) {
        Walk walk(seed);
        for (int i = 0; i < 1'000; ++i) walk.step();
        offered += walk.offered;
        revealed += walk.revealed;
        EXPECT_GT(walk.begun, 20U) << seed;
    }
    EXPECT_GT(offered, 500U);  // so the walks did reach these actions
    EXPECT_GT(revealed, 200U);
}

}  // namespace
}  // namespace cairn::node
