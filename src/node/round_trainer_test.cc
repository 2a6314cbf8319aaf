// Proves that the trainer carries out its plan (round_plan_test.cc) on a real chain and pool: a
// round from theta to merge, reorganisations, a lane that is slow, and time that runs out.
#include "node/round_trainer.h"

#include <gtest/gtest.h>

#include "node/network_presets.h"
#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

/// A network without peers.
class NoNetwork final : public net::Network {
  public:
    void set_handler(net::NetworkHandler*) override {}
    void connect(const std::string&) override {}
    bool send(net::PeerId, std::uint16_t, ByteView) override { return false; }
    void disconnect(net::PeerId) override {}
    std::string listen_address() const override { return {}; }
};

/// Gives what it is told to give, and remembers what it was asked.
class FakeSource final : public DeltaSource {
  public:
    bool wants_weights() const override { return wants_weights_; }
    std::uint32_t steps_wanted() const override { return 3; }
    Result<RoundPayload> produce(const RoundTask& task) override {
        rounds.push_back(task.round);
        starts.push_back(task.start_block);
        weights.push_back(task.weights);
        told_to_stop.push_back(task.stop->load());
        task.progress(1, 2.5);
        if (fails) return io_error("the text is gone");
        if (nothing) return RoundPayload{};
        const auto size = static_cast<std::int32_t>(rounds.size()) - 1000;
        return RoundPayload{consensus::FakeModel::payload_of(consensus::step(0, size)), 1, 2.5};
    }

    bool wants_weights_ = false;
    bool fails = false;
    bool nothing = false;
    std::vector<std::uint32_t> rounds;
    std::vector<Hash256> starts;
    std::vector<WeightsPtr> weights;
    std::vector<bool> told_to_stop;
};

class FakeReader final : public ModelReader {
  public:
    WeightsPtr weights(const ChainState&) const override {
        return std::make_shared<const std::vector<float>>(8, 1.0F);
    }
    model::Model model_of(WeightsPtr) const override { return {}; }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<std::vector<double>> report_losses(const std::vector<float>&) override {
        return std::vector{0.0};
    }
    Result<std::string> generate(const std::vector<float>&, const std::string&, std::uint32_t,
                                 std::uint64_t) override {
        return std::string();
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return ok_status();
    }
};

/// Rounds of six blocks; Alice trains, and the test mines what she put into the pool.
class RoundTrainerTest : public testing::Test, public ActiveChain::Observer {
  protected:
    static chain::NetworkDefinition network() {
        chain::NetworkDefinition network = consensus::test_network();
        network.round_length = 6;
        return network;
    }
    RoundTrainerTest() : RoundTrainerTest(network()) {}
    explicit RoundTrainerTest(const chain::NetworkDefinition& definition)
        : kit_(definition),
          pool_(kit_.chain->network(), kit_.chain->genesis_id(), {}),
          relay_(kit_.clock, kit_.loop, nobody_, *kit_.chain, pool_, peers_, {}) {
        kit_.chain->set_observer(this);
    }
    void start() {
        trainer_ = std::make_unique<RoundTrainer>(
            random_, kit_.loop, *kit_.chain, relay_, pool_, &source_, &reader_,
            [this](std::uint32_t round, RoundTrainer::KeyAnswer answer) {
                asked_keys_.push_back(round);
                if (holds_keys_)
                    held_answer_ = std::move(answer);
                else
                    answer(kit_.alice.secret);
            },
            keeps_ ? &disk_ : nullptr);
        SwitchOutcome here;
        here.tip = kit_.chain->tip();
        trainer_->on_tip();
        kit_.loop.run();
    }
    void on_tip(const SwitchOutcome& outcome) override {
        SwitchOutcome seen = outcome;
        if (!pool_takes_back_) seen.disconnected.clear();
        relay_.on_tip(pool_.on_tip(seen).due);
        if (trainer_) trainer_->on_tip();
    }
    void on_block_accepted(const BlockNode*) override {}
    void on_bodies_wanted() override {}
    void on_fault(const std::string&) override {}

    /// The next block, with what the pool holds or empty.
    void mine(bool with_pool = true) {
        kit_.give(kit_.mine(kit_.bob, with_pool ? pool_.candidates() : consensus::Candidates()));
    }
    void mine_until(std::uint32_t next_height, bool with_pool = true) {
        while (kit_.chain->tip()->next.height < next_height) mine(with_pool);
    }
    /// The others had another branch, one block longer, from `depth` blocks below our tip.
    void reorganise(int depth) {
        kit_.take_back(depth);
        for (const chain::Block& block : kit_.branch(kit_.alice, depth + 1)) kit_.give(block);
    }
    void give_key(const crypto::SecretKey& key) {
        const auto answer = std::exchange(held_answer_, {});
        answer(key);
        kit_.loop.run();
    }
    std::string stage() const { return trainer_->progress().stage; }
    bool carried() const { return kit_.chain->tip()->rules.has_commitment_of(kit_.alice.key); }

    ActiveChainKit kit_;
    NoNetwork nobody_;
    PeerTable peers_;
    Mempool pool_;
    Relay relay_;
    SeededRandom random_{1};
    FakeSource source_;
    FakeReader reader_;
    MemoryDisk disk_;
    bool keeps_ = false;  ///< over a restart
    std::unique_ptr<RoundTrainer> trainer_;
    bool pool_takes_back_ = true;  ///< what blocks carried that a reorganisation took away
    bool holds_keys_ = false;      ///< the round's key is given by the test, later
    RoundTrainer::KeyAnswer held_answer_;
    std::vector<std::uint32_t> asked_keys_;
};

/// Every block has one winner.
class WinnerTrainerTest : public RoundTrainerTest {
  protected:
    static chain::NetworkDefinition one_winner() {
        chain::NetworkDefinition network = consensus::test_network();
        set_one_winner(network);
        return network;
    }
    WinnerTrainerTest() : RoundTrainerTest(one_winner()) {}
    OwnWork work() const { return trainer_->own_work(kit_.chain->tip()->node); }
};

TEST_F(WinnerTrainerTest, TrainsOnEachTipAndHandsWhatItMadeToTheMiner) {
    kit_.loop.hold(Lane::kTrain);
    int told = 0;
    start();
    trainer_->watch_own_work([&] { ++told; });
    EXPECT_EQ(work().state, OwnWork::State::kAwaited);
    kit_.loop.finish(Lane::kTrain);
    ASSERT_EQ(work().state, OwnWork::State::kMade);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(work().key, kit_.alice.key);
    EXPECT_TRUE(pool_.contributions().empty()) << "peers are told nothing";
    EXPECT_TRUE(pool_.commitments().empty());
    // A block of hers carries it, and is valid.
    consensus::Candidates candidates;
    candidates.contributions = {work().contribution};
    const chain::Block block = kit_.mine(kit_.alice, candidates);
    ASSERT_EQ(block.contributions.size(), 1U);
    kit_.give(block);
    EXPECT_EQ(work().state, OwnWork::State::kAwaited) << "all begins anew";
    kit_.loop.finish(Lane::kTrain);
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(source_.starts[1], hash_of(block));
    // What was made for another parent is not offered for this one.
    const BlockNode* parent = kit_.chain->tip()->node;
    EXPECT_EQ(trainer_->own_work(parent).state, OwnWork::State::kMade);
    EXPECT_EQ(trainer_->own_work(parent->parent).state, OwnWork::State::kAwaited);
}

TEST_F(WinnerTrainerTest, ARunThatComesToNothingLetsTheMinerGoOn) {
    int told = 0;
    source_.nothing = true;
    kit_.loop.hold(Lane::kTrain);
    start();
    trainer_->watch_own_work([&] { ++told; });
    kit_.loop.finish(Lane::kTrain);
    EXPECT_EQ(work().state, OwnWork::State::kNone);
    EXPECT_EQ(told, 1);
    trainer_->stop();
    EXPECT_EQ(work().state, OwnWork::State::kNone);
}

TEST_F(RoundTrainerTest, OneRoundFromThetaToMerge) {
    start();
    EXPECT_EQ(source_.rounds, std::vector<std::uint32_t>{0});
    EXPECT_EQ(source_.starts[0], kit_.tip());
    EXPECT_EQ(stage(), "committed");
    EXPECT_EQ(pool_.commitments().size(), 1U);
    mine();
    EXPECT_EQ(stage(), "carried");
    mine_until(5);
    EXPECT_TRUE(pool_.contributions().empty());  // another may still copy it
    mine();
    EXPECT_EQ(stage(), "revealed");
    EXPECT_EQ(pool_.contributions().size(), 1U);
    mine();
    // And the next round has begun.
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(source_.starts[1], kit_.tip());
    EXPECT_EQ(trainer_->progress().round, 1U);
    EXPECT_EQ(trainer_->progress().steps, 1U);
}

// Killed when it may not show its payload yet: its key can give no other in this round.
TEST_F(RoundTrainerTest, ARestartBetweenCommitmentAndRevealLosesNothing) {
    keeps_ = true;
    start();
    mine();
    ASSERT_EQ(stage(), "carried");
    trainer_.reset();
    mine();
    start();
    EXPECT_EQ(stage(), "carried");
    EXPECT_EQ(trainer_->progress().steps, 0U) << "none since the start";
    mine_until(6);
    EXPECT_EQ(stage(), "revealed");
    EXPECT_EQ(pool_.contributions().size(), 1U);
    EXPECT_EQ(source_.rounds.size(), 1U) << "nothing was made anew";
    mine();
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1})) << "and the next round begins";
}

TEST_F(RoundTrainerTest, WhatWasKeptOfAnotherRoundIsLeft) {
    keeps_ = true;
    start();
    mine();
    trainer_.reset();
    mine_until(7, false);
    start();
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(stage(), "committed");
}

TEST_F(RoundTrainerTest, ADiskThatIsFullKeepsNobodyFromCommitting) {
    keeps_ = true;
    disk_.set_full(true);
    start();
    EXPECT_EQ(stage(), "committed");
    mine_until(6);
    EXPECT_EQ(stage(), "revealed");
}

TEST_F(RoundTrainerTest, AReorganisationThatLosesTheCommitment) {
    start();
    mine();
    mine(false);
    ASSERT_TRUE(carried());
    reorganise(2);
    EXPECT_FALSE(carried());
    EXPECT_EQ(stage(), "committed");
    EXPECT_EQ(pool_.commitments().size(), 1U);
    mine_until(6);
    EXPECT_EQ(stage(), "revealed");
    EXPECT_EQ(source_.rounds.size(), 1U);  // the same theta^t: nothing was made anew
}

TEST_F(RoundTrainerTest, ACommitmentThatThePoolLostIsOfferedAgain) {
    start();
    const auto commitment = *pool_.candidates().commitments.at(0);
    mine();
    ASSERT_EQ(stage(), "carried");
    pool_takes_back_ = false;
    reorganise(1);
    EXPECT_EQ(stage(), "committed");
    ASSERT_EQ(pool_.commitments().size(), 1U);
    EXPECT_EQ(*pool_.candidates().commitments[0], commitment);
}

TEST_F(RoundTrainerTest, AnotherThetaAfterCommittingTrainsAnewWhileThereIsTime) {
    start();
    mine_until(7);  // one round; the second one's delta is committed to
    ASSERT_EQ(stage(), "committed");
    mine();
    ASSERT_EQ(stage(), "carried");
    const Hash256 old_start = source_.starts.at(1);
    // The merge block and the one that carried the commitment are replaced.
    reorganise(2);
    ASSERT_NE(kit_.chain->active_at(6)->hash, old_start);
    ASSERT_EQ(pool_.commitments().size(), 1U);
    EXPECT_EQ(pool_.candidates().commitments[0]->start, kit_.chain->active_at(6)->hash);
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1, 1}));
    mine_until(12);
    EXPECT_TRUE(carried());
    EXPECT_EQ(stage(), "revealed");
    EXPECT_EQ(pool_.contributions().size(), 1U);
}

TEST_F(RoundTrainerTest, AnotherThetaWhileTrainingTrainsAnewAndNeverTwiceAtATime) {
    start();
    mine_until(6, false);
    kit_.loop.hold(Lane::kTrain);
    mine(false);
    ASSERT_EQ(kit_.loop.jobs(Lane::kTrain), 1U);
    reorganise(1);  // the merge block is another one
    EXPECT_EQ(kit_.loop.jobs(Lane::kTrain), 1U);
    EXPECT_EQ(stage(), "ending the last run");
    kit_.loop.finish(Lane::kTrain);
    EXPECT_TRUE(source_.told_to_stop.at(1));
    ASSERT_EQ(kit_.loop.jobs(Lane::kTrain), 1U);  // now the new one begins
    EXPECT_EQ(stage(), "training");
    kit_.loop.finish(Lane::kTrain);
    EXPECT_EQ(source_.rounds, (std::vector<std::uint32_t>{0, 1, 1}));
    EXPECT_NE(source_.starts[1], source_.starts[2]);
    EXPECT_EQ(source_.starts[2], kit_.chain->active_at(6)->hash);
    EXPECT_FALSE(source_.told_to_stop[2]);
}

TEST_F(RoundTrainerTest, EndsStepsWhenTheBlocksRunOut) {
    kit_.loop.hold(Lane::kTrain);
    start();
    mine_until(4, false);
    ASSERT_FALSE(may_train(kit_.chain->network(), 4));
    kit_.loop.release(Lane::kTrain);
    kit_.loop.run();
    EXPECT_EQ(source_.told_to_stop, std::vector<bool>{true});
    EXPECT_EQ(stage(), "committed");
    mine_until(6);
    EXPECT_EQ(stage(), "revealed");
}

TEST_F(RoundTrainerTest, EndsStepsWhenTheTimeRunsOut) {
    kit_.loop.hold(Lane::kTrain);
    start();
    const std::uint64_t time_ms = training_time_ms(kit_.chain->network(), 1);
    kit_.loop.advance_ms(time_ms - 1);
    kit_.loop.advance_ms(1);
    kit_.loop.release(Lane::kTrain);
    kit_.loop.run();
    EXPECT_EQ(source_.told_to_stop, std::vector<bool>{true});
    EXPECT_EQ(stage(), "committed");
}

TEST_F(RoundTrainerTest, ARunThatEndsTooLateIsNotStamped) {
    kit_.loop.hold(Lane::kTrain);
    start();
    mine_until(6, false);
    kit_.loop.finish(Lane::kTrain);
    EXPECT_EQ(kit_.loop.jobs(Lane::kTrain), 0U);
    EXPECT_EQ(stage(), "too late for this round");
    mine(false);
    EXPECT_EQ(stage(), "training");
}

TEST_F(RoundTrainerTest, AStampThatComesTooLateIsNotOffered) {
    kit_.loop.hold(Lane::kTrain);
    start();
    kit_.loop.finish(Lane::kTrain);
    ASSERT_EQ(stage(), "stamping the commitment");
    mine_until(6, false);
    kit_.loop.finish(Lane::kTrain);
    EXPECT_EQ(pool_.commitments().size(), 0U);
    EXPECT_EQ(stage(), "too late for this round");
}

TEST_F(RoundTrainerTest, ThetaComesFromTheChainLane) {
    source_.wants_weights_ = true;
    start();
    ASSERT_EQ(source_.weights.size(), 1U);
    EXPECT_EQ(source_.weights[0]->size(), 8U);
}

TEST_F(RoundTrainerTest, ThetaThatIsGoneAlreadyIsNotTrainedOn) {
    source_.wants_weights_ = true;
    // A whole round is one job of the chain lane, and the trainer's question comes behind it.
    const auto blocks = kit_.branch(kit_.bob, 6);
    for (const chain::Block& block : blocks) kit_.give_header(block);
    kit_.loop.run();
    kit_.loop.hold(Lane::kChain);
    for (std::size_t i = blocks.size(); i-- > 0;) kit_.chain->accept_block(blocks[i]);
    for (std::size_t i = 0; i < blocks.size(); ++i) kit_.loop.finish(Lane::kChain);
    ASSERT_EQ(kit_.loop.jobs(Lane::kChain), 1U);
    start();
    ASSERT_EQ(kit_.loop.jobs(Lane::kChain), 2U);
    kit_.loop.release(Lane::kChain);
    kit_.loop.run();
    EXPECT_EQ(source_.rounds, std::vector<std::uint32_t>{1});
    EXPECT_EQ(source_.starts[0], hash_of(blocks[5]));
}

TEST_F(RoundTrainerTest, NothingIsBegunBeforeTheRoundsKeyIsKnown) {
    holds_keys_ = true;
    start();
    mine(false);
    EXPECT_EQ(asked_keys_, std::vector<std::uint32_t>{0});
    EXPECT_TRUE(source_.rounds.empty());
    mine_until(7, false);  // the key of a round that is over by now
    give_key(kit_.bob.secret);
    EXPECT_EQ(asked_keys_, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_TRUE(source_.rounds.empty());
    give_key(kit_.alice.secret);
    EXPECT_EQ(source_.rounds, std::vector<std::uint32_t>{1});
    EXPECT_EQ(stage(), "committed");
    mine();
    EXPECT_TRUE(carried()) << "by the key of this round";
}

TEST_F(RoundTrainerTest, StoppedOrEndedBeforeItsKeyCameItBeginsNothing) {
    holds_keys_ = true;
    start();
    trainer_->stop();
    give_key(kit_.alice.secret);
    EXPECT_TRUE(source_.rounds.empty());
    start();
    trainer_.reset();
    give_key(kit_.alice.secret);
    EXPECT_TRUE(source_.rounds.empty());
}

TEST_F(RoundTrainerTest, SaysThatItHasNothingOrFailed) {
    source_.fails = true;
    start();
    EXPECT_EQ(stage(), "failed: the text is gone");
    source_.fails = false;
    source_.nothing = true;
    mine_until(7);
    EXPECT_EQ(stage(), "nothing to give this round");
    EXPECT_EQ(pool_.commitments().size(), 0U);
    source_.nothing = false;
    mine_until(13);
    EXPECT_EQ(stage(), "committed");
}

TEST_F(RoundTrainerTest, OnceStoppedItGivesNothingMore) {
    kit_.loop.hold(Lane::kTrain);
    start();
    trainer_->stop();
    kit_.loop.release(Lane::kTrain);
    kit_.loop.run();
    EXPECT_EQ(source_.told_to_stop, std::vector<bool>{true});
    EXPECT_EQ(pool_.commitments().size(), 0U);
    mine_until(8);
    EXPECT_EQ(source_.rounds.size(), 1U);
}

TEST_F(RoundTrainerTest, ItMayEndWhileItsRunIsOnTheLane) {
    kit_.loop.hold(Lane::kTrain);
    start();
    trainer_.reset();
    kit_.loop.release(Lane::kTrain);
    kit_.loop.run();
    EXPECT_EQ(source_.told_to_stop, std::vector<bool>{true});
    EXPECT_EQ(pool_.commitments().size(), 0U);
    kit_.loop.advance_ms(60'000);
}

TEST_F(RoundTrainerTest, AnotherCommitmentOfTheKeyIsNotOurs) {
    start();
    ASSERT_EQ(stage(), "committed");
    // As if the same key trained on another machine too.
    const Bytes payload = consensus::FakeModel::payload_of(consensus::step(1));
    consensus::Candidates candidates;
    candidates.commitments = {kit_.others.commit(kit_.alice, payload)};
    kit_.give(kit_.mine(kit_.bob, candidates));
    EXPECT_EQ(stage(), "another commitment of this key was carried");
    mine_until(6);
    EXPECT_TRUE(pool_.contributions().empty());
    mine();
    EXPECT_EQ(stage(), "committed");  // in the next round
}

TEST_F(RoundTrainerTest, AfterARestartItDoesNotCommitTwiceInARound) {
    start();
    mine();
    ASSERT_TRUE(carried());
    trainer_.reset();
    start();
    EXPECT_EQ(source_.rounds.size(), 1U);
    EXPECT_EQ(stage(), "waiting for the next round");
    mine_until(7);
    EXPECT_EQ(stage(), "committed");
}

}  // namespace
}  // namespace cairn::node
