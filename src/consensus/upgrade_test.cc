// Proves that an upgrade's rules begin to hold exactly at its height: a program that knows them
// connects, takes back and connects again across it with the same bytes, one that does not agrees
// with it up to the block before and then waits; and that transitions come in their order.
#include <gtest/gtest.h>

#include "consensus/test_chain.h"
#include "consensus/test_rules.h"

namespace cairn::consensus {
namespace {

chain::NetworkDefinition upgrading(std::uint32_t height, std::uint16_t rules = 2) {
    chain::NetworkDefinition network = test_network();
    network.upgrades = {{height, 0, rules}};
    CHECK(chain::validate(network).ok());
    return network;
}

class UpgradeTest : public testing::Test {
  protected:
    /// A round in which alice learns 1000 and bob `bobs`; the merge block takes what it may.
    std::size_t merged_of(TestChain& chain, std::int32_t bobs) {
        const auto reveals =
            chain.commit_round(miner, {alice, bob}, {step(2 + rounds_++ % 6), step(1, -bobs)});
        Candidates candidates;
        candidates.contributions.assign(reveals.begin(), reveals.end());
        return chain.mine(miner, candidates).contributions.size();
    }
    /// The old program's chain: the same blocks as far as it takes them.
    static std::uint32_t follow(TestChain& old, const TestChain& chain) {
        for (const chain::Block& block : chain.blocks)
            if (!old.connect(block).is_valid()) break;
        return old.ledger.height();
    }

    Person miner{1}, alice{2}, bob{3};

  private:
    std::size_t rounds_ = 0;  // alice learns something else in each
};

TEST_F(UpgradeTest, ARuleChangesAtTheHeightAndNotBefore) {
    TestChain before(upgrading(9), later_rule_book());
    EXPECT_EQ(merged_of(before, 2500), 1U) << "block 4 allows twice the mean norm";
    EXPECT_EQ(merged_of(before, 2500), 1U) << "block 8 too";
    EXPECT_EQ(merged_of(before, 2500), 2U) << "block 12 allows three times the mean norm";
    TestChain at(upgrading(8), later_rule_book());
    EXPECT_EQ(merged_of(at, 2500), 1U);
    EXPECT_EQ(merged_of(at, 2500), 2U) << "the upgrade's own block is judged by its rules";
}

TEST_F(UpgradeTest, WhoDoesNotKnowItAgreesUpToTheBlockBefore) {
    TestChain chain(upgrading(7), later_rule_book());
    merged_of(chain, 900);
    merged_of(chain, 900);
    TestChain old(upgrading(7));
    EXPECT_EQ(follow(old, chain), 6U);
    EXPECT_EQ(old.ledger.state_root(), chain.headers[6].state_root);
    const Verdict verdict = old.connect(chain.blocks[6]);
    EXPECT_TRUE(verdict.is_undecided()) << verdict.reason();
    EXPECT_NE(verdict.reason().find("rules version 2; update Cairn"), std::string::npos)
        << verdict.reason();
    // It neither mines nor judges what belongs into that block.
    const auto block = old.ledger.assemble(old.context(), {}, miner.key, 0, nullptr);
    EXPECT_EQ(block.error().code, ErrorCode::kUnsupported);
    EXPECT_TRUE(old.ledger.check_next(chain::sample_payment()).is_undecided());
    EXPECT_TRUE(old.ledger.check_next(chain::sample_commitment(), old.context()).is_undecided());
    EXPECT_TRUE(old.ledger.check_next(chain::sample_contribution()).is_undecided());
    // The same state in a newer program goes on.
    TestChain updated(upgrading(7), later_rule_book());
    ASSERT_TRUE(updated.ledger.load(old.ledger.save()).ok());
    updated.headers = old.headers;
    for (std::size_t i = 6; i < chain.blocks.size(); ++i)
        ASSERT_TRUE(updated.connect(chain.blocks[i]).is_valid());
    EXPECT_EQ(updated.ledger.save(), chain.ledger.save());
}

TEST_F(UpgradeTest, ThePlaceBeginsWithTheTransitionAndIsUndoneExactly) {
    TestChain chain(upgrading(7), later_rule_book());
    std::vector<Bytes> saved{chain.ledger.save()};  // by height
    const auto mine = [&](const Candidates& candidates) {
        chain.mine(miner, candidates);
        saved.push_back(chain.ledger.save());
    };
    Candidates reveals;
    for (std::uint32_t height = 1; height <= 13; ++height) {
        Candidates candidates;
        if (chain.network.is_first_of_round(height)) {
            const Bytes payload = FakeModel::payload_of(step(height % 8));
            candidates.commitments = {chain.commit(alice, payload)};
            reveals.contributions = {chain.reveal(alice, *candidates.commitments[0], payload)};
        }
        mine(chain.network.is_merge_height(height) ? reveals : candidates);
        // One round was recorded before block 7, which is the first to be counted.
        const auto number = test_number(chain.ledger.rules());
        EXPECT_EQ(number.value_or(0), height < 7 ? 0 : 100 + height - 6) << height;
        EXPECT_EQ(number.has_value(), height >= 7);
        EXPECT_EQ(test_number(chain.ledger.next_state()).has_value(), height >= 6);
    }
    const std::vector<chain::Block> blocks = chain.blocks;
    for (std::uint32_t to : {std::uint32_t{9}, std::uint32_t{6}, std::uint32_t{5}}) {
        while (chain.ledger.height() > to) {
            chain.disconnect();
            ASSERT_EQ(chain.ledger.save(), saved[chain.ledger.height()]) << chain.ledger.height();
        }
        for (std::uint32_t height = to + 1; height <= 13; ++height) {
            ASSERT_TRUE(chain.connect(blocks[height - 1]).is_valid()) << height;
            ASSERT_EQ(chain.ledger.save(), saved[height]);
        }
    }
    // Another branch across the height, longer, from before it.
    while (chain.ledger.height() > 5) chain.disconnect();
    for (int i = 0; i < 10; ++i) chain.mine(alice);
    EXPECT_EQ(test_number(chain.ledger.rules()), 109U);
    // A block with a lie about its state is refused, and leaves no trace of the transition.
    while (chain.ledger.height() > 6) chain.disconnect();
    const Bytes before = chain.ledger.save();
    chain::Block lie = chain.assemble({}, miner);
    lie.header.state_root = chain.headers[6].state_root;
    chain.seal(lie);
    EXPECT_EQ(chain.connect(lie).rule(), Rule::kC8);
    EXPECT_EQ(chain.ledger.save(), before);
}

TEST_F(UpgradeTest, SkippedVersionsAreEnteredInTheirOrder) {
    TestChain chain(upgrading(3, 3), later_rule_book());
    for (int i = 0; i < 3; ++i) chain.mine(miner);
    EXPECT_EQ(chain.headers[3].versions, (chain::Versions{1, 3}));
    EXPECT_EQ(test_number(chain.ledger.rules()), 0U) << "0, then its complement, then a block";
    chain.disconnect();
    EXPECT_FALSE(test_number(chain.ledger.rules()).has_value());
}

TEST_F(UpgradeTest, HeadersOfAnotherVersionThanTheHeights) {
    TestChain chain(upgrading(3), later_rule_book());
    chain.mine(miner);
    const auto named = [&](chain::Versions versions) {
        chain::Block block = chain.assemble({}, miner);
        block.header.versions = versions;
        chain.seal(block);
        return chain.connect(block);
    };
    // Of a network that decided on an upgrade which our definition does not have.
    EXPECT_TRUE(named({1, 2}).is_undecided());
    EXPECT_TRUE(named({2, 1}).is_undecided());
    EXPECT_NE(named({1, 9}).reason().find("get its new network.json"), std::string::npos);
    EXPECT_EQ(named({0, 1}).rule(), Rule::kC1);
    EXPECT_EQ(named({1, 0}).rule(), Rule::kC1);
    chain.mine(miner);
    EXPECT_EQ(named({1, 1}).rule(), Rule::kC1) << "the upgrade is not optional";
    EXPECT_TRUE(named({1, 3}).is_undecided());
    // No work: then it is nobody's upgrade.
    chain::NetworkDefinition hard = upgrading(3);
    hard.first_target = 0x1f0fffff;
    TestChain slow(hard);
    chain::Block block = slow.assemble({}, miner);
    block.header.versions = {1, 2};
    while (chain::meets_target(chain::block_hash(block.header),
                               *chain::target_from_compact(block.header.target)))
        ++block.header.nonce;
    EXPECT_EQ(slow.connect(block).rule(), Rule::kC1);
}

TEST(RulesPlaces, HaveOneSpellingAndCountForTheRoot) {
    RulesState state(test_network());
    const Hash256 empty = state.root(Hash256{});
    state.set_place(3, {});
    const Hash256 with_none = state.root(Hash256{});
    EXPECT_NE(with_none, empty) << "a place that is empty is there";
    state.set_place(500, {1, 2, 3});
    EXPECT_NE(state.root(Hash256{}), with_none);
    Writer writer;
    state.write(writer);
    Reader reader(writer.out());
    EXPECT_EQ(RulesState::read(reader).value(), state);
    EXPECT_TRUE(reader.finish().ok());
    // Behind target, start, factor, commitments and rounds the two places begin; swapping their ids
    // is refused.
    Bytes swapped = writer.out();
    std::swap(swapped[52], swapped[58]);
    std::swap(swapped[53], swapped[59]);
    Reader other(swapped);
    EXPECT_FALSE(RulesState::read(other).ok());
}

}  // namespace
}  // namespace cairn::consensus
