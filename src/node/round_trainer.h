// A trainer's life, round after round: take theta^t, have a delta made, commit to it while the
// round takes commitments, and reveal the payload once no more commitments can follow, so that
// nobody can copy it in time. After a reorganisation it commits again. It stops a slow machine's
// steps early enough that the commitment can still be carried: when the blocks that may carry it
// run out, or when by the clock they should. What to do when is decided in round_plan.h; here it
// is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "consensus/commitment_rules.h"
#include "node/delta_source.h"
#include "node/kept_payload.h"
#include "node/model_reader.h"
#include "node/own_work.h"
#include "node/relay.h"
#include "node/round_plan.h"

namespace cairn::node {

class RoundTrainer {
  public:
    struct Progress {
        std::string stage = "off";
        std::uint32_t round = 0;
        std::uint32_t steps = 0;
        std::uint32_t steps_wanted = 0;
        std::optional<double> local_loss;  ///< none before the first step
    };

    /// Asks with which key to contribute in a round. The answer comes on the loop, at once or
    /// later, and is the same for the whole round.
    using KeyAnswer = std::function<void(const crypto::SecretKey&)>;
    using KeyOfRound = std::function<void(std::uint32_t round, KeyAnswer answer)>;

    /// `source` may be null: then it does nothing. `reader` may be null unless the source wants
    /// weights. `disk` keeps what was committed to over a restart (kept_payload.h); null: it is
    /// lost with the process.
    RoundTrainer(Random& random, Loop& loop, ActiveChain& chain, Relay& relay, Mempool& mempool,
                 DeltaSource* source, const ModelReader* reader, KeyOfRound key_of_round,
                 Disk* disk);
    ~RoundTrainer();
    RoundTrainer(const RoundTrainer&) = delete;
    RoundTrainer& operator=(const RoundTrainer&) = delete;

    /// The chain is ready, or its tip moved; the mempool was told before.
    void on_tip();
    Progress progress() const;
    /// The commitment that was kept when the process before this one ended. Its key is wanted for
    /// its round.
    std::optional<chain::Commitment> kept() const;
    /// Ends the run on the lane early, and begins no other.
    void stop();

    /// One winner a block: what there is for a block on this parent.
    OwnWork own_work(const BlockNode* parent) const;
    /// Called when the answer of own_work() has changed and no tip did it. May be empty.
    void watch_own_work(std::function<void()> watch) { work_watch_ = std::move(watch); }

  private:
    /// Our job on the lane. Shared with the lane, where it may outlast its round.
    struct Job {
        std::atomic<bool> stop{false};
        std::atomic<std::uint32_t> steps{0};
        std::atomic<double> loss{0};
    };

    RoundTip look() const;
    /// Acts until nothing is left to do; waits while the round's key is asked for.
    void proceed();
    void carry_out(RoundAction action, const RoundTip& tip);
    void begin();
    void start_run();
    void train(WeightsPtr weights);
    void on_made(Result<RoundPayload> made);
    void stamp();
    void on_stamped(chain::Commitment commitment, bool found);
    /// Goes on with what was kept, if it is of this round and key.
    void take_up_kept();
    void job_ended(JobEnd end, std::string trouble = {});
    void make_own_work();
    void offer();
    void reveal();
    /// Our commitment on this branch, whatever its payload.
    const consensus::OpenCommitment* carried() const;

    Random& random_;
    Loop& loop_;
    ActiveChain& chain_;
    Relay& relay_;
    Mempool& mempool_;
    DeltaSource* source_;
    const ModelReader* reader_;
    KeyOfRound key_of_round_;
    Disk* disk_;
    std::optional<KeptPayload> kept_;          // until its round, or a later one, begins
    std::optional<crypto::SecretKey> secret_;  // of the round
    crypto::PublicKey key_;
    bool awaits_key_ = false;

    RoundState state_;
    std::shared_ptr<Job> job_;
    RoundPayload payload_;
    Hash256 payload_commitment_;  // of key_ to payload_
    chain::Commitment commitment_;
    consensus::RoundStart stamps_;                    // as the search began
    std::shared_ptr<const chain::Contribution> won_;  // made of payload_; with one winner
    std::function<void()> work_watch_;
    std::string note_ = "waiting";
    TimerId deadline_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
