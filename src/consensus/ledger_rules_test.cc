// Proves C1 to C4 by breaking each: a block that is good but for one thing is refused for that
// thing, and leaves no trace in the state.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "consensus/body_rules.h"
#include "consensus/test_chain.h"

namespace cairn::consensus {
namespace {

class LedgerRules : public ::testing::Test {
  protected:
    /// The block is refused by this rule and with this reason, and the state is untouched.
    void refused(const chain::Block& block, Rule rule, const std::string& reason) {
        const Bytes before = chain.ledger.save();
        const Verdict verdict = chain.connect(block);
        EXPECT_TRUE(verdict.is_invalid()) << reason;
        EXPECT_EQ(rule_name(verdict.rule()), rule_name(rule)) << reason;
        EXPECT_NE(verdict.reason().find(reason), std::string::npos)
            << "expected: " << reason << "\n     got: " << verdict.reason();
        EXPECT_EQ(chain.ledger.save(), before);
    }
    /// A good empty block, changed, sealed, refused.
    void refused_after(Rule rule, const std::string& reason,
                       const std::function<void(chain::Block&)>& change) {
        chain::Block block = chain.assemble({}, miner);
        change(block);
        chain.seal(block);
        refused(block, rule, reason);
    }
    void refused_payment(const chain::Payment& payment, const std::string& reason) {
        refused_after(Rule::kC3, reason, [&](chain::Block& b) { b.payments = {payment}; });
        EXPECT_NE(chain.ledger.check_next(payment).reason().find(reason), std::string::npos);
    }
    void refused_commitment(const chain::Commitment& commitment, const std::string& reason) {
        refused_after(Rule::kC4, reason, [&](chain::Block& b) { b.commitments = {commitment}; });
    }

    TestChain chain;
    Person miner{1}, alice{2}, bob{3};
};

TEST_F(LedgerRules, Header) {
    chain.mine(miner);
    chain.mine(miner);
    refused_after(Rule::kC1, "does not extend", [](auto& b) { b.header.previous.bytes[0] ^= 1; });
    refused_after(Rule::kC1, "must name numerics version 1 and rules version 1",
                  [](auto& b) { b.header.versions.rules = 0; });
    refused_after(Rule::kC1, "target is not the one",
                  [](auto& b) { b.header.target = 0x20fffffe; });
    refused_after(Rule::kC1, "not later than its parent's",
                  [&](auto& b) { b.header.time_ms = chain.headers.back().time_ms; });
    refused_after(Rule::kC1, "must be below 2^62",
                  [](auto& b) { b.header.time_ms = std::uint64_t{1} << 62; });
    refused_after(Rule::kC8, "state after the block",
                  [](auto& b) { b.header.state_root.bytes[0] ^= 1; });
}

TEST_F(LedgerRules, WorkIsNeeded) {
    chain::NetworkDefinition hard = test_network();
    hard.first_target = 0x1f0fffff;
    TestChain slow(hard);
    chain::Block block = slow.assemble({}, miner);
    block.header.body_root = chain::body_root(block);
    const Verdict verdict = slow.connect(block);
    EXPECT_NE(verdict.reason().find("does not meet its target"), std::string::npos);
    slow.seal(block);
    EXPECT_TRUE(slow.connect(block).is_valid());
}

TEST_F(LedgerRules, AheadOfTimeIsUndecided) {
    chain::Block block = chain.assemble({}, miner);
    chain.seal(block);
    const std::uint64_t drift = allowed_drift_ms(chain.network);
    EXPECT_EQ(drift, 4000u);
    const auto at = [&](std::uint64_t now_ms) {
        return check_header(chain.network, {}, block.header, chain.context(), now_ms);
    };
    EXPECT_TRUE(at(block.header.time_ms - drift - 1).is_undecided());
    EXPECT_TRUE(at(block.header.time_ms - drift).is_valid());
    EXPECT_TRUE(at(0).is_undecided());
}

TEST_F(LedgerRules, AnUpgradeThatWeDoNotKnowIsUndecided) {
    chain::NetworkDefinition upgrading = test_network();
    upgrading.upgrades = {{2, 2, 0}};
    const RuleBook newer({Rules{}}, 2);
    TestChain updated(upgrading, newer);
    TestChain old(upgrading);
    ASSERT_TRUE(old.connect(updated.mine(miner)).is_valid());
    chain::Block block = updated.assemble({}, miner);
    EXPECT_EQ(block.header.versions, (chain::Versions{2, 1}));
    old.seal(block);
    EXPECT_TRUE(old.connect(block).is_undecided());
    block.header.versions = {1, 1};
    old.seal(block);
    EXPECT_TRUE(old.connect(block).is_invalid());
}

TEST_F(LedgerRules, Body) {
    chain::Block block = chain.assemble({}, miner);
    block.coinbase.miner = alice.key;  // the header still names the old body
    chain.seal(block);
    block.coinbase.miner = bob.key;
    EXPECT_FALSE(body_matches(block));
    refused(block, Rule::kC2, "body does not match");
    refused_after(Rule::kC2, "does not name the block's height",
                  [](auto& b) { ++b.coinbase.height; });
    refused_after(Rule::kC2, "contributions are allowed at merge heights only",
                  [](auto& b) { b.contributions = {chain::sample_contribution()}; });
    const std::uint32_t most = chain.network.max_commitments;
    refused_after(Rule::kC2, "commitments; at most " + std::to_string(most),
                  [&](auto& b) { b.commitments.assign(most + 1, chain::sample_commitment()); });
    chain.mine_to_merge(miner);
    refused_after(Rule::kC2, "commitments are not allowed at merge heights",
                  [](auto& b) { b.commitments = {chain::sample_commitment()}; });
    refused_after(Rule::kC2, "contributions; at most 8",
                  [](auto& b) { b.contributions.assign(9, chain::sample_contribution()); });
    refused_after(Rule::kC2, "bytes in a payload", [&](auto& b) {
        b.contributions = {chain::sample_contribution()};
        b.contributions[0].payload.resize(chain.network.max_payload_bytes + 1);
    });
}

TEST_F(LedgerRules, BodyOrderAndSize) {
    const chain::OutPoint coin = chain.earn(alice);
    chain::Block block = chain.assemble({}, miner);
    block.payments = {chain.pay(alice, coin, bob.key, 1, 0), chain.pay(alice, coin, bob.key, 2, 0)};
    chain::sort_body(block);
    std::swap(block.payments[0], block.payments[1]);
    chain.seal(block);
    refused(block, Rule::kC2, "sorted by id");

    chain::NetworkDefinition small = test_network();
    small.max_payments = 1;
    block.payments.resize(2);
    chain::sort_body(block);
    block.header.body_root = chain::body_root(block);
    EXPECT_NE(check_body(small, block, block.coinbase.height).reason().find("payments; at most 1"),
              std::string::npos);
    small.max_payments = 10;
    small.max_block_bytes = 200;
    EXPECT_NE(check_body(small, block, block.coinbase.height).reason().find("bytes; at most 200"),
              std::string::npos);
}

TEST_F(LedgerRules, Payments) {
    const chain::OutPoint coin = chain.earn(alice);
    const chain::Payment good = chain.pay(alice, coin, bob.key, 100, 5);
    EXPECT_TRUE(chain.ledger.check_next(good).is_valid());

    chain::Payment payment = good;
    payment.signatures[0].bytes[5] ^= 1;
    refused_payment(payment, "not by the coin's owner");
    payment = good;
    chain.resign(payment, bob);
    refused_payment(payment, "not by the coin's owner");
    payment = good;
    payment.outputs[0].key = miner.key;  // another payee, same signature
    refused_payment(payment, "not by the coin's owner");
    payment = good;
    payment.outputs[1].amount += 6;
    chain.resign(payment, alice);
    refused_payment(payment, "makes more than it spends");
    payment = good;
    payment.inputs[0].index = 7;
    chain.resign(payment, alice);
    refused_payment(payment, "does not exist or is spent");
    payment = good;
    payment.outputs[0].amount = payment.outputs[1].amount = chain::kMaxAmount - 1;
    chain.resign(payment, alice);
    refused_payment(payment, "makes more than it spends");
}

// Nothing of this comes through the decoder, but the pool is also asked about what was put together
// here.
TEST_F(LedgerRules, APaymentIsRefusedForItsFormAsTheDecoderWould) {
    const chain::Payment good = chain.pay(alice, chain.earn(alice), bob.key, 100, 5);
    const auto why = [&](const std::function<void(chain::Payment&)>& change) {
        chain::Payment payment = good;
        change(payment);
        chain.resign(payment, alice);
        return chain.ledger.check_next(payment).reason();
    };
    EXPECT_EQ(why([](auto&) {}), "");
    EXPECT_EQ(why([](auto& p) { p.inputs.clear(); }),
              "payment needs an input, and its signatures (C2)");
    EXPECT_EQ(why([](auto& p) { p.inputs.push_back(p.inputs[0]); }),
              "payment's inputs must be sorted, each once (C2)");
    EXPECT_EQ(why([](auto& p) { p.outputs.clear(); }), "payment needs one or two outputs (C2)");
    EXPECT_EQ(why([](auto& p) { p.outputs.push_back(p.outputs[0]); }),
              "payment needs one or two outputs (C2)");
    for (const std::uint64_t amount : {std::uint64_t{0}, chain::kMaxAmount})
        EXPECT_EQ(why([&](auto& p) { p.outputs[0].amount = amount; }),
                  "payment's amounts must be 1 to 2^62 - 1 (C2)");
    chain::Payment unsigned_payment = good;
    unsigned_payment.signatures.clear();
    EXPECT_EQ(chain.ledger.check_next(unsigned_payment).reason(),
              "payment needs an input, and its signatures (C2)");
}

// Pools, templates and reorganisations ask about the same payment again and again.
TEST_F(LedgerRules, ASignatureIsCheckedOnce) {
    std::vector<chain::OutPoint> coins = {chain.earn(alice)};
    while (coins.size() < 32) {  // each is halved
        Candidates halves;
        for (const chain::OutPoint& coin : coins)
            halves.payments.push_back(chain.pay(
                alice, coin, alice.key, chain.ledger.coins().find(coin)->output.amount / 2, 0));
        coins.clear();
        for (const chain::Payment& payment : chain.mine(miner, halves).payments)
            for (std::uint32_t i = 0; i < 2; ++i) coins.push_back({chain::payment_id(payment), i});
    }
    std::ranges::sort(coins);
    chain::Payment payment;
    payment.inputs = coins;
    payment.outputs = {{1, chain::OutputKind::kKey, bob.key}};
    chain.resign(payment, alice);
    const auto spent = [&](int times) {
        const std::clock_t began = std::clock();
        for (int i = 0; i < times; ++i) EXPECT_TRUE(chain.ledger.check_next(payment).is_valid());
        return std::clock() - began;
    };
    const std::clock_t once = spent(1);
    EXPECT_LT(spent(10), 5 * once) << "all 32 are checked each time";
    // Another signature is another thing to check.
    payment.signatures[7].bytes[5] ^= 1;
    EXPECT_NE(chain.ledger.check_next(payment).reason().find("signature 7"), std::string::npos);
}

TEST_F(LedgerRules, ASignatureIsForOneNetwork) {
    const chain::OutPoint coin = chain.earn(alice);
    chain::Payment payment = chain.pay(alice, coin, bob.key, 100, 5);
    const std::vector<chain::Output> spent = {chain.ledger.coins().find(coin)->output};
    payment.signatures[0] = crypto::sign(
        alice.secret, chain::signature_hash(chain::filled<32>(9), payment, spent), chain.random);
    refused_payment(payment, "not by the coin's owner");
}

TEST_F(LedgerRules, DoubleSpends) {
    const chain::OutPoint coin = chain.earn(alice);
    const chain::Payment first = chain.pay(alice, coin, bob.key, 100, 5);
    const chain::Payment second = chain.pay(alice, coin, miner.key, 100, 5);
    refused_after(Rule::kC3, "spend the same coin", [&](auto& b) {
        b.payments = {first, second};
        chain::sort_body(b);
    });
    Candidates both;
    both.payments = {first, second};
    const chain::Block block = chain.mine(miner, both);  // assemble takes the first
    ASSERT_EQ(block.payments.size(), 1u);
    EXPECT_EQ(block.payments[0], first);
    refused_payment(second, "does not exist or is spent");
    refused_payment(first, "does not exist or is spent");
}

TEST_F(LedgerRules, AMinerTakesTheHighestFeeForEachByte) {
    const chain::OutPoint coin = chain.earn(alice);
    Candidates both;
    both.payments = {chain.pay(alice, coin, bob.key, 100, 5),
                     chain.pay(alice, coin, miner.key, 100, 6)};
    const chain::Block block = chain.assemble(both, miner);
    ASSERT_EQ(block.payments.size(), 1u);
    EXPECT_EQ(block.payments[0], *both.payments[1]);
}

TEST_F(LedgerRules, AFullBlockTakesTheHighestFees) {
    chain::NetworkDefinition network = test_network();
    network.max_payments = 2;
    TestChain full(network);
    Candidates candidates;
    std::vector<chain::OutPoint> coins;
    for (std::size_t i = 0; i < 4; ++i) coins.push_back(full.earn(alice, i));
    const std::uint64_t fees[] = {0, 30, 10, 20};
    for (int i = 0; i < 4; ++i)
        candidates.payments.push_back(
            full.pay(alice, coins[static_cast<std::size_t>(i)], bob.key, 100, fees[i]));
    EXPECT_EQ(full.assemble(candidates, miner).payments.size(), 2u);
    EXPECT_EQ(full.report.fees, 50u);
    EXPECT_EQ(full.report.left_out.size(), 2u);
}

TEST_F(LedgerRules, PaymentsOfABlockDoNotBuildOnEachOther) {
    const chain::OutPoint coin = chain.earn(alice);
    const chain::Payment first = chain.pay(alice, coin, bob.key, 100, 5);
    chain::Payment second;
    second.inputs = {{chain::payment_id(first), 0}};
    second.outputs = {{100, chain::OutputKind::kKey, alice.key}};
    const std::vector<chain::Output> spent = {first.outputs[0]};
    second.signatures = {crypto::sign(
        bob.secret, chain::signature_hash(chain.ledger.genesis_id(), second, spent), chain.random)};
    refused_after(Rule::kC3, "does not exist or is spent", [&](auto& b) {
        b.payments = {first, second};
        b.coinbase.outputs = {{5, chain::OutputKind::kKey, miner.key}};
        chain::sort_body(b);
    });
    Candidates candidates;
    candidates.payments = {first};
    chain.mine(miner, candidates);
    EXPECT_TRUE(chain.ledger.check_next(second).is_valid());
}

TEST_F(LedgerRules, MintedCoinsMature) {
    chain::NetworkDefinition network = test_network();
    network.coinbase_maturity = 3;
    TestChain young(network);
    Candidates candidates;
    const auto reveals = young.commit_round(alice, {alice}, {step(0)});
    candidates.contributions.assign(reveals.begin(), reveals.end());
    const chain::Block block = young.mine(alice, candidates);
    const chain::OutPoint coin{chain::coinbase_id(block.coinbase), 0};
    for (int age = 1; age <= 3; ++age) {
        const Verdict verdict = young.ledger.check_next(young.pay(alice, coin, bob.key, 1, 0));
        EXPECT_EQ(verdict.is_valid(), age >= 3) << age;
        young.mine(miner);
    }
}

TEST_F(LedgerRules, Inflation) {
    const chain::OutPoint coin = chain.earn(alice);
    Candidates candidates;
    candidates.payments = {chain.pay(alice, coin, bob.key, 100, 5)};
    chain::Block block = chain.assemble(candidates, miner);
    ASSERT_EQ(block.coinbase.outputs.size(), 1u);
    block.coinbase.outputs[0].amount += 1;
    chain.seal(block);
    refused(block, Rule::kC8, "coinbase does not pay");
    block.coinbase.outputs[0].amount -= 2;  // less is not allowed either: one right coinbase
    chain.seal(block);
    refused(block, Rule::kC8, "coinbase does not pay");
    refused_after(Rule::kC8, "coinbase does not pay", [&](auto& b) {
        b.coinbase.outputs = {{1, chain::OutputKind::kKey, miner.key}};
    });
}

TEST_F(LedgerRules, Commitments) {
    chain.mine_to_round(miner);
    const Bytes payload = FakeModel::payload_of(step(0));
    const chain::Commitment good = chain.commit(alice, payload);
    EXPECT_TRUE(chain.ledger.check_next(good, chain.context()).is_valid());

    chain::Commitment commitment = good;
    commitment.round += 1;
    chain.restamp(commitment, alice);
    refused_commitment(commitment, "commitment is for round");
    commitment = good;
    commitment.signature.bytes[3] ^= 1;
    refused_commitment(commitment, "not by its key");
    commitment = good;
    chain.restamp(commitment, bob);
    refused_commitment(commitment, "not by its key");
    commitment = good;
    commitment.payload_commitment.bytes[0] ^= 1;
    refused_commitment(commitment, "not by its key");

    const chain::Commitment other = chain.commit(alice, FakeModel::payload_of(step(1)));
    refused_after(Rule::kC4, "same key", [&](auto& b) {
        b.commitments = {good, other};
        chain::sort_body(b);
    });
    Candidates candidates;
    candidates.commitments = {good, other};
    EXPECT_EQ(chain.mine(miner, candidates).commitments.size(), 1u);
    refused_commitment(other, "has a commitment in this round already");
    refused_commitment(good, "has a commitment in this round already");
    chain.mine_to_merge(miner);
    EXPECT_TRUE(chain.ledger.check_next(other, chain.context()).is_invalid());
    chain.mine(miner);
    refused_commitment(good, "commitment is for round");  // a stale one
}

TEST_F(LedgerRules, StampsCostWork) {
    chain::NetworkDefinition network = test_network();
    network.first_target = 0x1f0fffff;  // 1 in 4096
    network.share_factor = 16;          // a stamp: 1 in 256
    TestChain slow(network);
    const Bytes payload = FakeModel::payload_of(step(0));
    chain::Commitment commitment = slow.commit(alice, payload);
    EXPECT_TRUE(slow.ledger.check_next(commitment, slow.context()).is_valid());
    const chain::U256 share = share_target(slow.stamps());
    EXPECT_EQ(share.bit_length(), 248);
    do {
        ++commitment.nonce;
    } while (chain::meets_target(
        chain::stamp_hash(network.work, slow.ledger.genesis_id(), commitment), share));
    commitment.signature = crypto::sign(
        alice.secret, chain::signature_hash(slow.ledger.genesis_id(), commitment), slow.random);
    EXPECT_NE(slow.ledger.check_next(commitment, slow.context()).reason().find("stamp"),
              std::string::npos);
    EXPECT_EQ(share_target({{}, 0x20ffffff, 2}), chain::U256::max());
}

TEST_F(LedgerRules, StampsCannotBeMadeBeforeTheirRound) {
    const Bytes payload = FakeModel::payload_of(step(0));
    chain.mine_to_round(miner);
    chain.mine_to_merge(miner);
    const Hash256 early = chain.ledger.tip();  // one block before the next round can begin
    chain.mine(miner);
    chain::Commitment commitment = chain.commit(alice, payload);
    EXPECT_EQ(commitment.start, chain.ledger.tip());
    EXPECT_TRUE(chain.ledger.check_next(commitment, chain.context()).is_valid());
    commitment.start = early;
    chain.restamp(commitment, alice);
    refused_commitment(commitment, "another block as its round's start");
    // Within the round the start stays the same block.
    chain.mine(miner);
    EXPECT_EQ(chain.commit(alice, payload).start, chain.blocks.back().header.previous);
}

TEST_F(LedgerRules, StampsGetHarderWhereManyCommit) {
    chain::NetworkDefinition network = test_network();
    network.share_factor = 64;
    network.paid_contributions = 4;
    EXPECT_EQ(next_stamp_factor(network, 64, 4), 64u);
    EXPECT_EQ(next_stamp_factor(network, 64, 8), 32u);
    EXPECT_EQ(next_stamp_factor(network, 64, 1000), 16u);  // a quarter at most
    EXPECT_EQ(next_stamp_factor(network, 2, 1000), 1u);
    EXPECT_EQ(next_stamp_factor(network, 1, 5), 1u);
    EXPECT_EQ(next_stamp_factor(network, 16, 0), 21u);
    EXPECT_EQ(next_stamp_factor(network, 1, 0), 2u);
    EXPECT_EQ(next_stamp_factor(network, 60, 4), 64u);
    TestChain crowded(network);
    std::vector<Person> people;
    std::vector<Delta> deltas;
    for (std::uint8_t i = 0; i < 8; ++i) {
        people.emplace_back(static_cast<std::uint8_t>(10 + i));
        deltas.push_back(step(i));
    }
    crowded.commit_round(miner, people, deltas);
    EXPECT_EQ(crowded.stamps().factor, 64u) << "the same for all of a round";
    crowded.mine(miner);  // nobody reveals, and it counts all the same
    EXPECT_EQ(crowded.stamps().factor, 32u);
    crowded.disconnect();
    EXPECT_EQ(crowded.ledger.rules().stamp_factor(), 64u);
}

TEST_F(LedgerRules, PrivateNetworksAreForMembers) {
    chain::NetworkDefinition network = test_network();
    network.members = {miner.key, alice.key};
    std::sort(network.members.begin(), network.members.end());
    TestChain closed(network);
    const auto outsider =
        closed.ledger.assemble(closed.context(), {}, bob.key, closed.next_time_ms(), nullptr);
    EXPECT_FALSE(outsider.ok());
    chain::Block block = closed.assemble({}, miner);
    block.coinbase.miner = bob.key;
    closed.seal(block);
    EXPECT_NE(closed.connect(block).reason().find("no member"), std::string::npos);
    const Bytes payload = FakeModel::payload_of(step(0));
    EXPECT_TRUE(
        closed.ledger.check_next(closed.commit(alice, payload), closed.context()).is_valid());
    EXPECT_TRUE(
        closed.ledger.check_next(closed.commit(bob, payload), closed.context()).is_invalid());
}

}  // namespace
}  // namespace cairn::consensus
