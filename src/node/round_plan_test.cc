// Proves what a trainer does at each stage for each kind of tip, how jobs end, when time runs out,
// and what is said of it. round_plan_walk_test.cc proves what holds whatever happens.
#include "node/round_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::node {
namespace {

using A = RoundAction;
using S = Stage;

chain::NetworkDefinition network_of(std::uint32_t length, std::uint32_t reveal_depth = 0) {
    chain::NetworkDefinition network;
    network.round_length = length;
    network.reveal_depth = reveal_depth;
    network.spacing_ms = 2'000;
    return network;
}

Hash256 block(std::uint8_t number) {
    Hash256 hash;
    hash.bytes[0] = number;
    return hash;
}

/// Rounds of eight blocks. Round 1 is blocks 9 to 16, theta^1 the model after block 8; steps end
/// with block 13, which leaves two blocks that may carry the commitment.
constexpr std::uint32_t kFirst = 9;     // the next block is the round's first
constexpr std::uint32_t kLastRun = 13;  // the last next block before which a run may begin
constexpr std::uint32_t kLate = 14;     // commitments are taken, but steps must have ended
constexpr std::uint32_t kMerge = 16;    // commitments are closed, payloads are taken
constexpr std::uint32_t kNextRound = 17;

struct Case {
    const char* what;
    RoundState state;
    RoundTip tip;
    RoundAction expected;
};

RoundState at(Stage stage) {
    RoundState state;
    state.round = 1;
    state.start = block(8);
    state.stage = stage;
    state.lane_busy = stage == S::kTraining || stage == S::kStamping;
    return state;
}
RoundState with(RoundState state, bool RoundState::*flag, bool value = true) {
    state.*flag = value;
    return state;
}
RoundTip tip(std::uint32_t next_height, Carried carried = Carried::kNone) {
    RoundTip tip;
    tip.next_height = next_height;
    tip.start = block(8);
    tip.carried = carried;
    tip.stamp_holds = true;
    return tip;
}
RoundTip with(RoundTip tip, bool RoundTip::*flag, bool value = true) {
    tip.*flag = value;
    return tip;
}
RoundTip elsewhere(RoundTip tip) {
    tip.start = block(88);
    return tip;
}

void check(const std::vector<Case>& cases) {
    const auto network = network_of(8);
    for (const Case& each : cases)
        EXPECT_EQ(next_action(network, each.tip, each.state), each.expected) << each.what;
}

constexpr Carried kOurs = Carried::kOurs;
constexpr Carried kOther = Carried::kOther;
constexpr auto kBusy = &RoundState::lane_busy;
constexpr auto kTold = &RoundState::told_to_end;
constexpr auto kTimeIsUp = &RoundState::time_is_up;
constexpr auto kTried = &RoundState::tried;
constexpr auto kStopped = &RoundState::stopped;
constexpr auto kHolds = &RoundTip::stamp_holds;
constexpr auto kPooled = &RoundTip::commitment_pooled;
constexpr auto kShown = &RoundTip::payload_pooled;

TEST(RoundPlan, Waiting) {
    const RoundState here = at(S::kWaiting);
    check({
        {"the round begins", here, tip(kFirst), A::kTrain},
        {"time for a step is left", here, tip(kLastRun), A::kTrain},
        {"it is late in the window", here, tip(kLate), A::kNothing},
        {"the window is closed", here, tip(kMerge), A::kNothing},
        {"the last round's run still ends", with(here, kBusy), tip(kFirst), A::kNothing},
        {"the key has committed before a restart", here, tip(kFirst + 1, kOther), A::kNothing},
        {"theta^t was gone already", with(here, kTried), tip(kFirst), A::kNothing},
        {"stopped", with(here, kStopped), tip(kFirst), A::kNothing},
        {"the next round", here, tip(kNextRound), A::kBegin},
        {"another theta^t", here, elsewhere(tip(kFirst)), A::kBegin},
        {"another theta^t, late", here, elsewhere(tip(kLate)), A::kBegin},
    });
}

TEST(RoundPlan, Training) {
    const RoundState here = at(S::kTraining);
    check({
        {"steps are taken", here, tip(kFirst), A::kNothing},
        {"the blocks run out", here, tip(kLate), A::kEndJob},
        {"and it was told so", with(here, kTold), tip(kLate), A::kNothing},
        {"the time runs out", with(here, kTimeIsUp), tip(kFirst + 1), A::kEndJob},
        {"and it was told so", with(with(here, kTimeIsUp), kTold), tip(kFirst), A::kNothing},
        {"the window closed", here, tip(kMerge), A::kEndJob},
        {"stopped", with(here, kStopped), tip(kFirst), A::kEndJob},
        {"stopped and told", with(with(here, kStopped), kTold), tip(kFirst), A::kNothing},
        {"the merge block came", here, tip(kNextRound), A::kBegin},
        {"another theta^t in time", here, elsewhere(tip(kLastRun)), A::kBegin},
        {"another theta^t, late", here, elsewhere(tip(kLate)), A::kEndJob},
        {"back into the last round", here, tip(kFirst - 1), A::kBegin},
    });
}

TEST(RoundPlan, Made) {
    const RoundState here = at(S::kMade);
    check({
        {"in time", here, tip(kFirst + 1), A::kStamp},
        {"the last block that may carry it", here, tip(kMerge - 1), A::kStamp},
        {"too late", here, tip(kMerge), A::kNothing},
        {"an older search still ends", with(here, kBusy), tip(kFirst), A::kNothing},
        {"the key's other commitment", here, tip(kFirst + 1, kOther), A::kNothing},
        {"an earlier commitment to it is carried", here, tip(kFirst + 1, kOurs), A::kKeep},
        {"the same at the merge height", here, tip(kMerge, kOurs), A::kKeep},
        {"stopped", with(here, kStopped), tip(kFirst), A::kNothing},
        {"the next round", here, tip(kNextRound), A::kBegin},
        {"another theta^t in time", here, elsewhere(tip(kLastRun)), A::kBegin},
        {"another theta^t, late: give what there is", here, elsewhere(tip(kLate)), A::kStamp},
    });
}

TEST(RoundPlan, Stamping) {
    const RoundState here = at(S::kStamping);
    check({
        {"it is searched", here, tip(kFirst + 1), A::kNothing},
        {"no block can carry it any more", here, tip(kMerge), A::kDropStamp},
        {"the branch has another share target", here, with(tip(kFirst + 1), kHolds, false),
         A::kDropStamp},
        {"the key's other commitment", here, tip(kFirst + 1, kOther), A::kDropStamp},
        {"an earlier commitment to it is carried", here, tip(kFirst + 1, kOurs), A::kKeep},
        {"stopped", with(here, kStopped), tip(kFirst), A::kEndJob},
        {"the next round", here, tip(kNextRound), A::kBegin},
        {"another theta^t in time", here, elsewhere(tip(kLastRun)), A::kBegin},
        {"another theta^t, late", here, elsewhere(tip(kLate)), A::kNothing},
    });
}

TEST(RoundPlan, Stamped) {
    const RoundState here = at(S::kStamped);
    const auto worthless = [](RoundTip tip) { return with(tip, kHolds, false); };
    check({
        {"fresh, or the pool lost it", here, tip(kFirst + 1), A::kOffer},
        {"the pool has it", here, with(tip(kFirst + 1), kPooled), A::kNothing},
        {"refused on this tip", with(here, kTried), tip(kFirst + 1), A::kNothing},
        {"carried, and others may still copy", here, tip(kMerge - 1, kOurs), A::kNothing},
        {"carried, and commitments are closed", here, tip(kMerge, kOurs), A::kReveal},
        {"revealed", here, with(tip(kMerge, kOurs), kShown), A::kNothing},
        {"refused on this tip", with(here, kTried), tip(kMerge, kOurs), A::kNothing},
        {"no block carried it", here, tip(kMerge), A::kNothing},
        {"a reorganisation lost it, late", here, tip(kLate), A::kOffer},
        {"a reorganisation lost it, and has another target", here, worthless(tip(kLate)),
         A::kStamp},
        {"the same, while an older search ends", with(here, kBusy), worthless(tip(kLate)),
         A::kNothing},
        {"the same, when it is too late", here, worthless(tip(kMerge)), A::kNothing},
        {"the key's other commitment", here, tip(kFirst + 1, kOther), A::kNothing},
        {"the other one at the merge height", here, tip(kMerge, kOther), A::kNothing},
        {"stopped", with(here, kStopped), tip(kMerge, kOurs), A::kNothing},
        {"the merge block came", here, tip(kNextRound), A::kBegin},
        // Stamped again for this branch: this payload it must be.
        {"another theta^t", here, elsewhere(with(tip(kFirst + 1), kPooled)), A::kNothing},
        {"another theta^t carries it", here, elsewhere(tip(kMerge, kOurs)), A::kReveal},
        {"another theta^t and target", here, elsewhere(worthless(tip(kFirst))), A::kBegin},
        {"the same, late", here, elsewhere(worthless(tip(kLate))), A::kStamp},
    });
}

TEST(RoundPlan, Spent) {
    const RoundState here = at(S::kSpent);
    check({
        {"the rest of the round", here, tip(kFirst + 1), A::kNothing},
        {"the merge height", here, tip(kMerge), A::kNothing},
        {"the next round", here, tip(kNextRound), A::kBegin},
        {"another theta^t", here, elsewhere(tip(kFirst + 1)), A::kBegin},
    });
}

TEST(RoundPlan, OneWinnerABlock) {
    const auto network = network_of(1);
    // Round 1 is block 2, on the model after block 1.
    const RoundTip here = tip(2);
    const auto does = [&](const RoundState& state, const RoundTip& seen) {
        return next_action(network, seen, state);
    };
    EXPECT_EQ(does(at(S::kWaiting), here), A::kTrain);
    EXPECT_EQ(does(with(at(S::kWaiting), kBusy), here), A::kNothing) << "the last run still ends";
    EXPECT_EQ(does(with(at(S::kWaiting), kTried), here), A::kNothing) << "theta was gone";
    EXPECT_EQ(does(at(S::kTraining), here), A::kNothing);
    EXPECT_EQ(does(with(at(S::kTraining), kTimeIsUp), here), A::kEndJob)
        << "our hash power rests meanwhile";
    EXPECT_EQ(training_time_ms(network, 2), 2'000U / 4);
    EXPECT_EQ(does(at(S::kMade), here), A::kNothing) << "it waits for our block";
    EXPECT_EQ(does(at(S::kSpent), here), A::kNothing);
    for (const S stage : {S::kWaiting, S::kTraining, S::kMade, S::kSpent}) {
        EXPECT_EQ(does(at(stage), tip(3)), A::kBegin) << "somebody found the block";
        EXPECT_EQ(does(at(stage), elsewhere(here)), A::kBegin) << "another parent";
        const A stopped = stage == S::kTraining ? A::kEndJob : A::kNothing;
        EXPECT_EQ(does(with(at(stage), kStopped), here), stopped);
    }
    EXPECT_EQ(describe(network, here, at(S::kMade)),
              "made: it is merged if this node finds the block");
    EXPECT_EQ(describe(network, here, at(S::kWaiting)), "waiting for the next block");
}

TEST(RoundPlan, HowJobsEnd) {
    EXPECT_EQ(after(at(S::kTraining), JobEnd::kPayload).stage, S::kMade);
    EXPECT_EQ(after(at(S::kTraining), JobEnd::kNothing, "failed: x").stage, S::kSpent);
    EXPECT_EQ(after(at(S::kTraining), JobEnd::kNothing, "failed: x").trouble, "failed: x");
    const RoundState gone = after(at(S::kTraining), JobEnd::kNoWeights);
    EXPECT_EQ(gone.stage, S::kWaiting);
    EXPECT_EQ(next_action(network_of(8), tip(kFirst), gone), A::kNothing);
    EXPECT_EQ(next_action(network_of(8), tip(kFirst), after_tip(gone)), A::kTrain);
    EXPECT_EQ(after(at(S::kStamping), JobEnd::kStamp).stage, S::kStamped);
    EXPECT_EQ(after(at(S::kStamping), JobEnd::kNoStamp).stage, S::kSpent);
    // A job of another round, or one that was given up, frees the lane and does nothing else.
    for (const S stage : {S::kWaiting, S::kMade, S::kStamped}) {
        const RoundState over = after(with(at(stage), kBusy), JobEnd::kNothing, "failed: x");
        EXPECT_EQ(over.stage, stage);
        EXPECT_FALSE(over.lane_busy);
        EXPECT_TRUE(over.trouble.empty());
    }
}

TEST(RoundPlan, WhenTimeRunsOut) {
    // By blocks: one block is left for the commitment in short rounds, two in longer ones, more
    // where it shall be buried; but a round's first block always leaves time to begin.
    const auto last_run = [](std::uint32_t length, std::uint32_t reveal_depth) {
        std::uint32_t last = 0;
        for (std::uint32_t next = 1; next <= length; ++next)
            if (may_train(network_of(length, reveal_depth), next)) last = next;
        return last;
    };
    EXPECT_EQ(last_run(2, 0), 1U);
    EXPECT_EQ(last_run(3, 0), 1U);
    EXPECT_EQ(last_run(3, 1), 1U);
    EXPECT_EQ(last_run(4, 0), 2U);
    EXPECT_EQ(last_run(4, 1), 1U);
    EXPECT_EQ(last_run(8, 0), 5U);
    EXPECT_EQ(last_run(8, 1), 4U);
    EXPECT_EQ(last_run(16, 14), 1U);
    // By the clock: until a block before the last that may carry it should come.
    EXPECT_EQ(training_time_ms(network_of(8), kFirst), 6 * 2'000U);
    EXPECT_EQ(training_time_ms(network_of(8), kFirst + 2), 4 * 2'000U);
    EXPECT_EQ(training_time_ms(network_of(2), 3), 2'000U);
}

TEST(RoundPlan, SaysWhereItStands) {
    const auto network = network_of(8);
    const auto said = [&](S stage, const RoundTip& seen) {
        return describe(network, seen, at(stage));
    };
    EXPECT_EQ(said(S::kTraining, tip(kFirst)), "training");
    EXPECT_EQ(said(S::kWaiting, tip(kLate)), "waiting for the next round");
    EXPECT_EQ(said(S::kMade, tip(kMerge)), "too late for this round");
    EXPECT_EQ(said(S::kStamped, tip(kLate)), "committed");
    EXPECT_EQ(said(S::kStamped, tip(kLate, kOurs)), "carried");
    EXPECT_EQ(said(S::kStamped, tip(kMerge, kOurs)), "revealed");
    EXPECT_EQ(said(S::kStamped, tip(kMerge)), "no block carried the commitment");
    RoundState refused = at(S::kStamped);
    refused.trouble = "payload refused: why";
    EXPECT_EQ(describe(network, tip(kMerge, kOurs), refused), "payload refused: why");
    EXPECT_EQ(describe(network, tip(kMerge, kOurs), after_tip(refused)), "revealed");
}

}  // namespace
}  // namespace cairn::node
