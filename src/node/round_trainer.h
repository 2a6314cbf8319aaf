// A trainer's life, round after round: take theta^t, have a delta made, commit to it while the
// round takes commitments, and reveal the payload once no more commitments can follow, so that
// nobody can copy it in time. After a reorganisation it commits again. It stops a slow machine's
// steps early enough that the commitment can still be carried: when the blocks that may carry it
// run out, or when by the clock they should.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "node/delta_source.h"
#include "node/model_reader.h"
#include "node/relay.h"

namespace cairn::node {

class RoundTrainer {
  public:
    struct Progress {
        std::string stage = "off";
        std::uint32_t round = 0;
        std::uint32_t steps = 0;
        std::uint32_t steps_wanted = 0;
        double local_loss = 0;
        std::uint64_t merged = 0;
    };

    /// With which key to contribute; the same answer for the whole round.
    using KeyOfRound = std::function<crypto::SecretKey(std::uint32_t round)>;

    /// `source` may be null: then it does nothing. `reader` may be null unless the source wants
    /// weights.
    RoundTrainer(Random& random, Loop& loop, ActiveChain& chain, Relay& relay, Mempool& mempool,
                 DeltaSource* source, const ModelReader* reader, KeyOfRound key_of_round);
    ~RoundTrainer();
    RoundTrainer(const RoundTrainer&) = delete;
    RoundTrainer& operator=(const RoundTrainer&) = delete;

    /// The chain is ready, or its tip moved; the mempool was told before.
    void on_tip(const SwitchOutcome& outcome);
    Progress progress() const;
    /// The steps that are being taken end early, for good.
    void stop();

  private:
    enum class Stage { kWaiting, kTraining, kStamping, kCommitted };
    /// Shared with the training lane, which may outlast the round.
    struct Run {
        std::atomic<bool> stop{false};
        std::atomic<std::uint32_t> steps{0};
        std::atomic<double> loss{0};
    };

    void begin(std::uint32_t round, const BlockNode* start);
    void train(WeightsPtr weights);
    void on_payload(Result<RoundPayload> made);
    void stamp();
    void on_stamped(chain::Commitment commitment, bool found);
    void keep_going();
    void set_deadline();
    void note(std::string text);
    void reveal();
    std::uint32_t merge_height() const;
    std::uint32_t first_target() const;

    Random& random_;
    Loop& loop_;
    ActiveChain& chain_;
    Relay& relay_;
    Mempool& mempool_;
    DeltaSource* source_;
    const ModelReader* reader_;
    KeyOfRound key_of_round_;
    crypto::SecretKey secret_;  // of the round
    crypto::PublicKey key_;

    Stage stage_ = Stage::kWaiting;
    std::uint64_t generation_ = 0;
    std::uint32_t round_ = 0;
    const BlockNode* start_ = nullptr;
    std::shared_ptr<Run> run_;
    RoundPayload payload_;
    chain::Commitment commitment_;
    Hash256 commitment_id_;
    std::string note_ = "waiting";
    TimerId deadline_ = 0;
    std::uint64_t merged_ = 0;
    bool stopped_ = false;
};

}  // namespace cairn::node
