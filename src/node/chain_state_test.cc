// Proves that the chain's state moves between blocks exactly, by undo records and by snapshots;
// that a branch with an invalid block leaves it where it was; and that our own failures are
// undecided.
#include "node/chain_state.h"

#include <gtest/gtest.h>

#include "consensus/state_root.h"
#include "consensus/test_chain.h"

namespace cairn::node {
namespace {

using consensus::Person;
using consensus::TestChain;

constexpr std::uint64_t kLater = 4'000'000'000'000;

/// A chain of ten blocks with contributions, and a ChainState that moves along it.
class ChainStateTest : public testing::Test {
  protected:
    ChainStateTest()
        : store_(store::Store::in_memory(disk_).value()), tree_(chain_.ledger.genesis()) {
        CHECK(store_->bind_network(chain_.ledger.genesis_id()).ok());
        // Two whole rounds with merges, and the beginning of a third.
        for (int round = 0; round < 2; ++round) {
            const auto contributions = chain_.commit_round(
                alice_, {alice_, bob_}, {consensus::step(0, -900), consensus::step(1, -1100)});
            consensus::Candidates candidates;
            candidates.contributions.assign(contributions.begin(), contributions.end());
            chain_.mine(alice_, candidates);
        }
        chain_.mine(bob_);
        chain_.mine(bob_);
    }

    void make_state(ChainStateOptions options) {
        state_ =
            std::make_unique<ChainState>(chain_.network, model_, *store_, tree_.genesis(), options);
    }
    BlockNode* add(const chain::Block& block) {
        BlockNode* node = tree_.add(block.header);
        store::HeaderRecord record;
        record.hash = node->hash;
        record.previous = block.header.previous;
        record.height = node->height;
        const auto bytes = chain::header_bytes(block.header);
        record.header = Bytes(bytes.bytes.begin(), bytes.bytes.end());
        record.work = node->work;
        CHECK(store_->add_header(record).ok());
        CHECK(store_->put_body(node->hash, chain::encode(block)).ok());
        return node;
    }
    std::vector<BlockNode*> add_all() {
        std::vector<BlockNode*> nodes{tree_.genesis()};
        for (const chain::Block& block : chain_.blocks) nodes.push_back(add(block));
        return nodes;
    }
    /// The state after `height` blocks, from a ledger that took none back.
    Bytes state_at(std::size_t height) {
        consensus::FakeModel model;
        consensus::Ledger ledger(chain_.network, model);
        for (std::size_t i = 0; i < height; ++i) {
            const BlockNode* parent =
                i == 0 ? tree_.genesis()
                       : tree_.find(chain::block_hash(chain_.blocks[i - 1].header));
            CHECK(ledger.connect(chain_.blocks[i], context_after(parent), kLater, nullptr, nullptr)
                      .is_valid());
        }
        return ledger.save();
    }
    /// An empty block on top of `parent`, valid but for what `spoil` does to it.
    chain::Block child(const BlockNode* parent, const std::function<void(chain::Block&)>& spoil) {
        chain::Block block =
            state_->assemble(parent, {}, bob_.key, parent->header.time_ms + 1'500, nullptr).value();
        spoil(block);
        chain_.seal(block);
        return block;
    }

    Person alice_{1};
    Person bob_{2};
    TestChain chain_;
    MemoryDisk disk_;
    std::unique_ptr<store::Store> store_;
    BlockTree tree_;
    consensus::FakeModel model_;
    std::unique_ptr<ChainState> state_;
};

class Moves : public ChainStateTest, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(Moves, UpAndDownExactly) {
    make_state({.snapshot_interval = 3, .max_undo = GetParam()});
    const auto nodes = add_all();
    ASSERT_EQ(nodes.size(), 11U);
    ASSERT_EQ(state_->switch_to(nodes.back(), kLater).failed, nullptr);
    EXPECT_EQ(state_->ledger().save(), state_at(10));
    // Down to every height, across both round borders, and up again.
    for (const std::size_t height : {9U, 8U, 7U, 5U, 4U, 3U, 10U, 1U, 0U, 6U}) {
        const SwitchOutcome outcome = state_->switch_to(nodes[height], kLater);
        ASSERT_EQ(outcome.failed, nullptr) << outcome.verdict.reason();
        EXPECT_EQ(state_->ledger().save(), state_at(height)) << height;
        EXPECT_EQ(outcome.tip->node, nodes[height]);
        std::uint64_t coins = 0;
        for (const auto& [outpoint, coin] : state_->ledger().coins().all())
            coins += coin.output.amount;
        EXPECT_EQ(outcome.tip->supply, coins);
        const auto stored = store_->tip().value();
        EXPECT_EQ(stored ? stored->hash : tree_.genesis()->hash, nodes[height]->hash);
    }
}

// By undo records alone, and mostly by snapshots.
INSTANTIATE_TEST_SUITE_P(MaxUndo, Moves, testing::Values(64U, 2U));

TEST_F(ChainStateTest, KnowsWhatTheLatestStateRootsAreMadeOf) {
    make_state({.snapshot_interval = 3, .max_undo = 4});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[10], kLater).failed, nullptr);
    ASSERT_EQ(nodes[7]->height % chain_.network.round_length, 3U);
    for (std::size_t height = 0; height <= 10; ++height) {
        const auto parts = state_->parts_at(nodes[height]);
        ASSERT_EQ(parts.has_value(), height >= 6) << height;
        if (!parts) continue;
        EXPECT_EQ(consensus::state_root(parts->model_root, parts->coins_root, parts->rules_root),
                  nodes[height]->header.state_root)
            << height;
    }
    // Blocks that were taken back are on this branch no more.
    ASSERT_EQ(state_->switch_to(nodes[9], kLater).failed, nullptr);
    EXPECT_FALSE(state_->parts_at(nodes[10]));
    EXPECT_TRUE(state_->parts_at(nodes[9]));
}

TEST_F(ChainStateTest, KnowsWhatWasMergedAboveABlock) {
    make_state({.snapshot_interval = 3, .max_undo = 8});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[10], kLater).failed, nullptr);
    const auto merges = [&](std::size_t height) {
        const auto above = state_->merges_above(nodes[height]);
        return above ? static_cast<int>(above->size()) : -1;
    };
    // The merge at 8 repeats what was merged at 4, so nothing comes of it.
    for (const std::size_t height : {10U, 9U, 8U, 7U, 4U}) EXPECT_EQ(merges(height), 0) << height;
    for (const std::size_t height : {3U, 2U}) EXPECT_EQ(merges(height), 1) << height;
    for (const std::size_t height : {1U, 0U}) EXPECT_EQ(merges(height), -1) << "no records of it";
    ASSERT_EQ(state_->switch_to(nodes[9], kLater).failed, nullptr);
    EXPECT_EQ(merges(10), -1) << "it is on this branch no more";
    // After a start the records are gone, and the last merge's model is read all the same.
    consensus::FakeModel fresh;
    ASSERT_TRUE(store_->put_snapshot(9, nodes[9]->hash, state_->ledger().save()).ok());
    ChainState again(chain_.network, fresh, *store_, tree_.genesis(), {});
    ASSERT_EQ(again.restore(nodes[9]).failed, nullptr);
    EXPECT_TRUE(again.merges_above(nodes[8]));
    EXPECT_FALSE(again.merges_above(nodes[7]));
}

TEST_F(ChainStateTest, RestoresFromItsStore) {
    make_state({.snapshot_interval = 4, .max_undo = 64});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[9], kLater).failed, nullptr);
    const Bytes before = state_->ledger().save();
    consensus::FakeModel fresh;
    ChainState again(chain_.network, fresh, *store_, tree_.genesis(), {});
    const SwitchOutcome outcome = again.restore(tree_.find(store_->tip()->value().hash));
    EXPECT_EQ(outcome.failed, nullptr);
    EXPECT_EQ(outcome.tip->node, nodes[9]);
    EXPECT_EQ(again.ledger().save(), before);
}

TEST_F(ChainStateTest, TheMergeHookSeesTheStateRightAfterEachMerge) {
    make_state({});
    const auto nodes = add_all();
    std::vector<const BlockNode*> merges;
    state_->set_merge_hook([&](const ChainState& state, const BlockNode* node) {
        EXPECT_EQ(state.tip(), node);
        EXPECT_EQ(state.ledger().save(), state_at(node->height));
        merges.push_back(node);
    });
    ASSERT_EQ(state_->switch_to(nodes[10], kLater).failed, nullptr);  // both merges in one step
    EXPECT_EQ(merges, (std::vector<const BlockNode*>{nodes[4], nodes[8]}));
}

TEST_F(ChainStateTest, AnInvalidBlockChangesNothing) {
    make_state({});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[6], kLater).failed, nullptr);
    const Bytes six = state_->ledger().save();

    // A branch from height 5: one good block, then one that lies about the state.
    ASSERT_EQ(state_->switch_to(nodes[5], kLater).failed, nullptr);
    const BlockNode* good = add(child(nodes[5], [](chain::Block&) {}));
    ASSERT_EQ(state_->switch_to(good, kLater).failed, nullptr);
    const BlockNode* bad =
        add(child(good, [](chain::Block& block) { block.header.state_root.bytes[0] ^= 1; }));
    ASSERT_EQ(state_->switch_to(nodes[6], kLater).failed, nullptr);

    const SwitchOutcome outcome = state_->switch_to(bad, kLater);
    EXPECT_EQ(outcome.failed, bad);
    EXPECT_TRUE(outcome.verdict.is_invalid()) << outcome.verdict.reason();
    EXPECT_EQ(outcome.tip->node, nodes[6]);
    EXPECT_TRUE(outcome.connected.empty());
    EXPECT_EQ(state_->ledger().save(), six);
    EXPECT_EQ(store_->tip()->value().hash, nodes[6]->hash);
}

TEST_F(ChainStateTest, AGoodBlockIsNotCondemnedForOurBadMemory) {
    make_state({.snapshot_interval = 3, .max_undo = 64});
    const auto nodes = add_all();
    // Before a block that the model is not asked about, and before a merge.
    for (const std::size_t height : {5U, 3U}) {
        ASSERT_EQ(state_->switch_to(nodes[height], kLater).failed, nullptr);
        model_.flip_a_bit();
        const SwitchOutcome outcome = state_->switch_to(nodes[height + 1], kLater);
        EXPECT_EQ(outcome.failed, nullptr) << outcome.verdict.reason();
        EXPECT_NE(outcome.memory_fault.find("memory is at fault"), std::string::npos);
        EXPECT_EQ(outcome.tip->node, nodes[height + 1]);
        EXPECT_EQ(state_->ledger().save(), state_at(height + 1));
        // Further moves find nothing wrong.
        EXPECT_TRUE(state_->switch_to(nodes[height - 1], kLater).memory_fault.empty());
    }
}

TEST_F(ChainStateTest, WithBadMemoryAndABadDiskABlockIsUndecided) {
    make_state({});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[5], kLater).failed, nullptr);
    ASSERT_TRUE(store_->discard_body(nodes[2]->hash).ok());
    model_.flip_a_bit();
    const SwitchOutcome outcome = state_->switch_to(nodes[6], kLater);
    EXPECT_EQ(outcome.failed, nodes[6]);
    EXPECT_TRUE(outcome.verdict.is_undecided());
    EXPECT_FALSE(outcome.memory_fault.empty());
}

TEST_F(ChainStateTest, InvalidBlocksMakeTheStateAnewOnceForEachTip) {
    make_state({});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[3], kLater).failed, nullptr);
    const auto spoil = [](int number) {
        return [number](chain::Block& block) {
            block.header.state_root.bytes[static_cast<std::size_t>(number)] ^= 1;
        };
    };
    // Two blocks that lie about the state after a merge.
    model_.questions = 0;
    const chain::Block good = chain_.blocks[3];
    ASSERT_FALSE(good.contributions.empty());
    std::vector<int> asked;
    for (const int number : {1, 2}) {
        chain::Block bad = good;
        spoil(number)(bad);
        chain_.seal(bad);
        const int before = model_.questions;
        const SwitchOutcome outcome = state_->switch_to(add(bad), kLater);
        EXPECT_TRUE(outcome.verdict.is_undecided());
        EXPECT_NE(outcome.second, nullptr);
        EXPECT_TRUE(outcome.memory_fault.empty());
        asked.push_back(model_.questions - before);
    }
    EXPECT_GT(asked[0], 0);
    EXPECT_EQ(asked[1], 0);  // what was computed before is remembered
    EXPECT_EQ(state_->switch_to(nodes[4], kLater).failed, nullptr);
}

TEST_F(ChainStateTest, AValidPrefixWithMoreWorkIsKept) {
    make_state({});
    const auto nodes = add_all();
    ASSERT_EQ(state_->switch_to(nodes[5], kLater).failed, nullptr);
    const chain::Block lie =
        child(nodes[5], [](chain::Block& block) { block.header.state_root.bytes[0] ^= 1; });
    const BlockNode* bad = add(lie);
    const SwitchOutcome outcome = state_->switch_to(bad, kLater);
    EXPECT_EQ(outcome.failed, bad);
    EXPECT_EQ(outcome.tip->node, nodes[5]);
    const SwitchOutcome on = state_->switch_to(nodes[7], kLater);
    EXPECT_EQ(on.tip->node, nodes[7]);
    EXPECT_EQ(on.connected.size(), 2U);
}

TEST_F(ChainStateTest, OurOwnFailureIsUndecided) {
    make_state({});
    const auto nodes = add_all();
    model_.broken = true;  // the judge cannot be asked at the merge block, height 4
    const SwitchOutcome outcome = state_->switch_to(nodes[6], kLater);
    EXPECT_EQ(outcome.failed, nodes[4]);
    EXPECT_TRUE(outcome.verdict.is_undecided()) << outcome.verdict.reason();
    EXPECT_EQ(outcome.tip->node, nodes[3]);
    model_.broken = false;
    EXPECT_EQ(state_->switch_to(nodes[6], kLater).failed, nullptr);

    ASSERT_TRUE(store_->discard_body(nodes[8]->hash).ok());
    const SwitchOutcome lost = state_->switch_to(nodes[10], kLater);
    EXPECT_TRUE(lost.verdict.is_undecided());
    EXPECT_EQ(lost.tip->node, nodes[7]);
    EXPECT_EQ(lost.damaged, std::vector<const BlockNode*>{nodes[8]});
}

/// A chain of 1,000 blocks, and how many are replayed for a branch from `depth` blocks ago.
class DeepBranches : public ChainStateTest {
  protected:
    static constexpr std::size_t kHeight = 1'000;

    DeepBranches() {
        make_state({.replayed = [this](const BlockNode*) { ++replayed_; }});
        add_all();
        while (chain_.blocks.size() < kHeight) mine(alice_);
        move();
        old_tip_ = tip_;
        CHECK(old_tip_->height == kHeight);
    }
    void mine(const Person& miner) {
        chain_.mine(miner);
        tip_ = add(chain_.blocks.back());
        if (tip_->height % 16 == 0) move();
    }
    SwitchOutcome move() { return state_->switch_to(tip_, kLater); }
    /// One block longer than the other branch; nobody moves yet.
    void branch(std::size_t depth) {
        for (std::size_t i = 0; i < depth; ++i) chain_.disconnect();
        for (std::size_t i = 0; i <= depth; ++i) {
            chain_.mine(bob_);
            tip_ = add(chain_.blocks.back());
        }
        replayed_ = 0;
    }

    std::size_t replayed_ = 0;
    const BlockNode* tip_ = nullptr;
    const BlockNode* old_tip_ = nullptr;
};

TEST_F(DeepBranches, AreReachedWithoutReplayingTheChain) {
    for (const std::size_t depth : {60U, 100U, 300U}) {
        branch(depth);
        EXPECT_EQ(move().failed, nullptr);
        EXPECT_EQ(state_->tip(), tip_);
        EXPECT_LE(replayed_, depth <= 64 ? 0 : 3 * depth) << depth << " blocks ago";
    }
}

// The whole branch may be good but for its last block, and then the next one, and so on.
TEST_F(DeepBranches, OfWhichTheLastBlockIsInvalidAreLeftByASnapshotOfTheOldBranch) {
    const std::size_t depth = 100;
    branch(depth);
    chain::Block bad = chain_.blocks.back();
    bad.header.state_root.bytes[0] ^= 1;
    chain_.seal(bad);
    tip_ = add(bad);
    const SwitchOutcome outcome = move();
    EXPECT_TRUE(outcome.verdict.is_invalid());
    EXPECT_EQ(state_->tip(), old_tip_);
    EXPECT_LE(replayed_, 3 * depth + 32);
    EXPECT_EQ(state_->ledger().state_root(), old_tip_->header.state_root);
}

}  // namespace
}  // namespace cairn::node
