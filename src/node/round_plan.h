// What a trainer does next in a round, as one pure function of where the chain stands (RoundTip)
// and where the trainer stands (RoundState). round_trainer.h carries the actions out; nothing here
// computes, waits or sends, so that every case can be tested by writing it down.
//
// The rules of the chain that decide (docs/spec/chain.md): commitments at all heights of a round
// but its merge height (C2), one of a key in a round, with a stamp for the target of the round's
// first block (C4); payloads at the merge height, and only of commitments that this branch carries
// (C5). The trainer's own rules: a payload is not shown while others could still commit to a copy
// of it, steps end while their commitment can still be carried, and the lane never has two jobs of
// ours.
//
// Where every block has one winner (M = 1) a round is one block, and most of this falls away: train
// on the tip for a part of a block's time (own_work.h); the payload then waits for our own miner to
// find the block; with another tip all begins anew, and what was made is lost.
#pragma once

#include <cstdint>
#include <string>

#include "chain/network.h"

namespace cairn::node {

/// Whether this branch carries a commitment of our key in this round.
enum class Carried { kNone, kOurs, kOther };  // kOther: not to the payload at hand

/// What the tip and the pool say of the next block's round.
struct RoundTip {
    std::uint32_t next_height = 1;
    Hash256 start;  ///< the block whose model is theta^t
    Carried carried = Carried::kNone;
    /// The stamp at hand, or being searched, is one that C4 takes on this branch.
    bool stamp_holds = false;
    bool commitment_pooled = false;
    bool payload_pooled = false;
};

enum class Stage {
    kWaiting,   ///< nothing was begun in this round
    kTraining,  ///< a run is on the lane
    kMade,      ///< a payload is at hand, without a commitment; with one winner: for our block
    kStamping,  ///< the search for its stamp is on the lane
    kStamped,   ///< its commitment is at hand: to be carried, then revealed
    kSpent,     ///< this round gave nothing
};

struct RoundState {
    std::uint32_t round = 0;
    Hash256 start;  ///< of the block on whose model this round's work began
    Stage stage = Stage::kWaiting;
    bool lane_busy = false;    ///< a job of ours is on the lane, wanted or not
    bool told_to_end = false;  ///< that job was told to end early
    bool time_is_up = false;   ///< by the clock the run should end
    bool tried = false;        ///< what can be done on this tip was done; wait for another
    bool stopped = false;      ///< for good
    std::string trouble;       ///< what went wrong in this round, in a few words
};

enum class RoundAction {
    kNothing,
    kBegin,      ///< begin a round: forget what was made, tell the lane's job to end
    kTrain,      ///< put a run on the lane
    kEndJob,     ///< tell the lane's job to end with what it has
    kDropStamp,  ///< the search on the lane is of no use any more
    kKeep,       ///< stop stamping: the branch carries an earlier commitment to this payload
    kStamp,      ///< search a stamp for the payload
    kOffer,      ///< hand the commitment to the pool and to peers
    kReveal,     ///< hand the payload to the pool and to peers
};

RoundAction next_action(const chain::NetworkDefinition& network, const RoundTip& tip,
                        const RoundState& state);
/// The state once that action has been begun.
RoundState after(const chain::NetworkDefinition& network, const RoundTip& tip, RoundState state,
                 RoundAction action);

/// The state once the tip has moved: what was refused on the last one may be taken on this one.
RoundState after_tip(RoundState state);

/// How a job on the lane ended.
enum class JobEnd {
    kPayload,    ///< a run made something
    kNothing,    ///< a run had nothing to give, or failed
    kNoWeights,  ///< the chain has left this round already; its tip is about to come
    kStamp,      ///< a stamp was found
    kNoStamp,
};
/// The state once the job is over. A job that is not wanted any more only frees the lane;
/// `trouble` is kept if the job was wanted.
RoundState after(RoundState state, JobEnd end, std::string trouble = {});

/// Whether a run that begins with this block next has time for a step: it would not be told to
/// end at once.
bool may_train(const chain::NetworkDefinition& network, std::uint32_t next_height);
/// How long a run may take by the clock, if blocks come as they should.
std::uint64_t training_time_ms(const chain::NetworkDefinition& network, std::uint32_t next_height);
/// What to tell people, in a few words.
std::string describe(const chain::NetworkDefinition& network, const RoundTip& tip,
                     const RoundState& state);

}  // namespace cairn::node
