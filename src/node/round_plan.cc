#include "node/round_plan.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "node/own_work.h"

namespace cairn::node {
namespace {

bool has_payload(const RoundState& state) {
    return state.stage == Stage::kMade || state.stage == Stage::kStamping ||
           state.stage == Stage::kStamped;
}

/// Whether another round begins, or the same one on another model. In the second case what was made
/// is given up only while there is time to train anew, and not once it is committed to on this
/// branch (stamped again, late): C4 gives the key no second commitment.
bool must_begin(const chain::NetworkDefinition& network, const RoundTip& tip,
                const RoundState& state) {
    if (state.round != network.round_of(tip.next_height)) return true;
    if (state.start == tip.start) return false;
    if (tip.carried == Carried::kOurs) return false;
    if (state.stage == Stage::kStamped && tip.stamp_holds) return false;
    const bool at_hand = has_payload(state) || state.stage == Stage::kTraining;
    return !at_hand || may_train(network, tip.next_height);
}

/// One winner a block: the clock ends the run, for our hash power rests meanwhile, and a payload of
/// fewer steps is worth as much to its miner.
RoundAction winner_action(const RoundState& state) {
    const bool may_begin = state.stage == Stage::kWaiting && !state.tried && !state.lane_busy;
    if (may_begin) return RoundAction::kTrain;
    const bool must_end = state.stage == Stage::kTraining && state.time_is_up;
    return must_end && state.lane_busy && !state.told_to_end ? RoundAction::kEndJob
                                                             : RoundAction::kNothing;
}

const char* describe_winner(const RoundState& state) {
    switch (state.stage) {
        case Stage::kTraining:
            return "training";
        case Stage::kMade:
            return "made: it is merged if this node finds the block";
        case Stage::kSpent:
            return "nothing to give for this block";
        default:
            return state.lane_busy ? "ending the last run" : "waiting for the next block";
    }
}

}  // namespace

bool may_train(const chain::NetworkDefinition& network, std::uint32_t next_height) {
    if (network.one_winner()) return true;
    // The last block that may carry a commitment is merge - 1. Stop so early that one block (in
    // longer rounds two, since blocks may come in quick succession) can still carry it, and earlier
    // by reveal_depth, to see it buried before the payload is shown.
    const std::uint32_t merge = network.merge_height(network.round_of(next_height));
    const std::uint32_t margin = network.round_length >= 6 ? 3 : 2;
    const std::uint32_t depth = std::min(network.reveal_depth + margin, network.round_length - 1);
    return next_height - 1 + depth < merge;
}

std::uint64_t training_time_ms(const chain::NetworkDefinition& network, std::uint32_t next_height) {
    if (network.one_winner()) return network.spacing_ms / kOwnWorkPart;
    const std::uint32_t merge = network.merge_height(network.round_of(next_height));
    const std::uint32_t blocks = merge - (next_height - 1);  // up to the merge block
    return std::uint64_t{std::max(blocks, 3U) - 2} * network.spacing_ms;
}

RoundAction next_action(const chain::NetworkDefinition& network, const RoundTip& tip,
                        const RoundState& state) {
    const bool closed = network.is_merge_height(tip.next_height);  // to commitments
    const bool can_end = state.lane_busy && !state.told_to_end;
    if (state.stopped) return can_end ? RoundAction::kEndJob : RoundAction::kNothing;
    if (must_begin(network, tip, state)) return RoundAction::kBegin;
    if (network.one_winner()) return winner_action(state);

    switch (state.stage) {
        case Stage::kWaiting:
            if (tip.carried != Carried::kNone || state.tried) break;
            if (may_train(network, tip.next_height) && !state.lane_busy) return RoundAction::kTrain;
            break;
        case Stage::kTraining:
            if (can_end && (state.time_is_up || !may_train(network, tip.next_height)))
                return RoundAction::kEndJob;
            break;
        case Stage::kMade:
            if (tip.carried == Carried::kOurs) return RoundAction::kKeep;
            if (tip.carried == Carried::kOther || closed || state.tried) break;
            if (!state.lane_busy) return RoundAction::kStamp;
            break;
        case Stage::kStamping:
            if (tip.carried == Carried::kOurs) return RoundAction::kKeep;
            if (tip.carried == Carried::kOther || closed || !tip.stamp_holds)
                return RoundAction::kDropStamp;
            break;
        case Stage::kStamped:
            if (state.tried || tip.carried == Carried::kOther) break;
            if (tip.carried == Carried::kOurs) {
                if (closed && !tip.payload_pooled) return RoundAction::kReveal;
            } else if (!closed && !tip.commitment_pooled) {
                // A reorganisation may have changed the share target, or the pool may have lost it.
                if (tip.stamp_holds) return RoundAction::kOffer;
                if (!state.lane_busy) return RoundAction::kStamp;
            }
            break;
        case Stage::kSpent:
            break;
    }
    return RoundAction::kNothing;
}

RoundState after(const chain::NetworkDefinition& network, const RoundTip& tip, RoundState state,
                 RoundAction action) {
    switch (action) {
        case RoundAction::kNothing:
            break;
        case RoundAction::kBegin: {
            RoundState begun;
            begun.round = network.round_of(tip.next_height);
            begun.start = tip.start;
            begun.lane_busy = state.lane_busy;
            begun.told_to_end = state.lane_busy;
            begun.stopped = state.stopped;
            return begun;
        }
        case RoundAction::kTrain:
        case RoundAction::kStamp:
            CHECK(!state.lane_busy);
            state.stage = action == RoundAction::kTrain ? Stage::kTraining : Stage::kStamping;
            state.lane_busy = true;
            state.told_to_end = false;
            state.time_is_up = false;
            state.trouble.clear();
            break;
        case RoundAction::kEndJob:
            state.told_to_end = true;
            break;
        case RoundAction::kDropStamp:
        case RoundAction::kKeep:
            state.stage = action == RoundAction::kKeep ? Stage::kStamped : Stage::kMade;
            state.told_to_end = state.lane_busy;
            break;
        case RoundAction::kOffer:
        case RoundAction::kReveal:
            state.tried = true;
            state.trouble.clear();
            break;
    }
    return state;
}

RoundState after_tip(RoundState state) {
    state.tried = false;
    if (state.stage == Stage::kStamped) state.trouble.clear();
    return state;
}

RoundState after(RoundState state, JobEnd end, std::string trouble) {
    CHECK(state.lane_busy);
    state.lane_busy = false;
    state.told_to_end = false;
    if (state.stage == Stage::kTraining) {
        CHECK(end != JobEnd::kStamp && end != JobEnd::kNoStamp);
        state.stage = end == JobEnd::kPayload   ? Stage::kMade
                      : end == JobEnd::kNothing ? Stage::kSpent
                                                : Stage::kWaiting;
        state.tried = end == JobEnd::kNoWeights;
        state.trouble = std::move(trouble);
    } else if (state.stage == Stage::kStamping) {
        CHECK(end == JobEnd::kStamp || end == JobEnd::kNoStamp);
        state.stage = end == JobEnd::kStamp ? Stage::kStamped : Stage::kSpent;
        state.trouble = std::move(trouble);
    }
    return state;
}

std::string describe(const chain::NetworkDefinition& network, const RoundTip& tip,
                     const RoundState& state) {
    if (!state.trouble.empty()) return state.trouble;
    if (network.one_winner()) return describe_winner(state);
    const bool closed = network.is_merge_height(tip.next_height);
    switch (state.stage) {
        case Stage::kWaiting:
            return state.lane_busy ? "ending the last run" : "waiting for the next round";
        case Stage::kTraining:
            return "training";
        case Stage::kMade:
            return closed ? "too late for this round" : "waiting to stamp the commitment";
        case Stage::kStamping:
            return "stamping the commitment";
        case Stage::kSpent:
            return "nothing to give this round";
        case Stage::kStamped:
            break;
    }
    if (tip.carried == Carried::kOther) return "another commitment of this key was carried";
    if (tip.carried == Carried::kOurs) return closed ? "revealed" : "carried";
    return closed ? "no block carried the commitment" : "committed";
}

}  // namespace cairn::node
