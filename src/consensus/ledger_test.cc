// Proves that the ledger follows the rules and goes back exactly: after any number of random blocks
// is taken back, every byte of the state is what it was; and that snapshots restore it.
#include "consensus/ledger.h"

#include <gtest/gtest.h>

#include "consensus/test_chain.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

TEST(Ledger, GenesisAndEmptyRounds) {
    TestChain chain;
    const Person miner(1);
    EXPECT_EQ(chain.ledger.height(), 0u);
    EXPECT_EQ(chain.ledger.state_root(), chain.ledger.genesis().header.state_root);
    for (int i = 0; i < 9; ++i) chain.mine(miner);
    EXPECT_EQ(chain.ledger.height(), 9u);
    EXPECT_EQ(chain.ledger.coins().size(), 0u);  // nobody trained, so nothing is minted
    EXPECT_EQ(chain.ledger.state_root(), chain.headers.back().state_root);
    EXPECT_EQ(chain.model.questions, 2);  // the losses that two idle merges report
}

TEST(Ledger, AssembleRaisesATimeThatIsTooEarly) {
    TestChain chain;
    const Person miner(1);
    for (int i = 0; i < 3; ++i) chain.mine(miner);
    const auto block = chain.ledger.assemble(chain.context(), {}, miner.key, 0, nullptr);
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(block->header.time_ms, chain.headers.back().time_ms + 1);
}

TEST(Ledger, ARoundFromCommitmentToPay) {
    TestChain chain;
    const Person miner(1), alice(2), bob(3);
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(1)});
    EXPECT_EQ(chain.ledger.rules().open_commitments().size(), 2u);
    Candidates candidates;
    candidates.contributions.assign(reveals.begin(), reveals.end());
    const chain::Block block = chain.mine(miner, candidates);
    EXPECT_EQ(block.contributions.size(), 2u);
    EXPECT_EQ(chain.model.theta()[0], -1000);  // twice the mean: the longest step there is
    EXPECT_EQ(chain.model.theta()[1], -1000);
    EXPECT_TRUE(chain.ledger.rules().open_commitments().empty());
    ASSERT_EQ(chain.ledger.rules().recent_rounds().size(), 1u);
    EXPECT_EQ(chain.ledger.rules().recent_rounds()[0].norm_sum, 2000u);
    // The reference is the middle worth of the round, of two the larger: one earns all of a unit,
    // the other, whose slope is a tenth less, a part. Carriers (the miner, who does not contribute)
    // get nothing.
    ASSERT_EQ(chain.report.contributions.size(), 2u);
    std::vector<std::uint64_t> amounts;
    for (const ContributionReport& report : chain.report.contributions) {
        EXPECT_TRUE(report.merged);
        const std::uint64_t amount = chain.network.subsidy_unit *
                                     paid_part(report.weighed.worth, chain.report.worth_reference) /
                                     chain.report.worth_reference;
        EXPECT_EQ(report.reward, amount - amount / 4);
        amounts.push_back(amount);
    }
    EXPECT_EQ(std::max(amounts[0], amounts[1]), chain.network.subsidy_unit);
    EXPECT_NEAR(static_cast<double>(std::min(amounts[0], amounts[1])), 0.82e8, 0.02e8);
    EXPECT_EQ(chain.report.minted,
              chain.report.contributions[0].reward + chain.report.contributions[1].reward);
    EXPECT_LT(*chain.report.judge_loss_after, *chain.report.judge_loss_before);
    EXPECT_EQ(chain.ledger.coins().size(), 2u);
}

TEST(Ledger, PaymentsMoveCoinsAndFeesGoToTheMiner) {
    TestChain chain;
    const Person alice(2), bob(3), miner(4);
    const chain::OutPoint coin = chain.earn(alice);
    const std::uint64_t amount = chain.ledger.coins().find(coin)->output.amount;
    Candidates candidates;
    candidates.payments = {chain.pay(alice, coin, bob.key, 1000, 17)};
    const chain::Block block = chain.mine(miner, candidates);
    EXPECT_EQ(chain.report.fees, 17u);
    EXPECT_EQ(chain.ledger.coins().find(coin), nullptr);
    const Hash256 id = chain::payment_id(block.payments[0]);
    EXPECT_EQ(chain.ledger.coins().find({id, 0})->output.amount, 1000u);
    EXPECT_EQ(chain.ledger.coins().find({id, 1})->output.amount, amount - 1017);
    EXPECT_EQ(chain.ledger.coins().find({chain::coinbase_id(block.coinbase), 0})->output.key,
              miner.key);
}

/// One random block: payments of random coins, commitments and reveals of random deltas, some of
/// them bad. assemble() must make a valid block of it.
class RandomChain {
  public:
    explicit RandomChain(std::uint64_t seed) : random_(seed) {
        for (std::uint8_t i = 1; i <= 6; ++i) people_.emplace_back(i);
    }
    static chain::NetworkDefinition network() {
        chain::NetworkDefinition network = test_network();
        network.novelty_rounds = 4;
        network.round_length = 3;
        network.coinbase_maturity = 1;
        return network;
    }

    void extend() {
        Candidates candidates;
        if (chain.network.round_of(chain.next_height()) != round_) {
            round_ = chain.network.round_of(chain.next_height());
            reveals_.clear();
        }
        add_payments(candidates);
        if (chain.network.is_merge_height(chain.next_height())) {
            candidates.contributions.assign(reveals_.begin(), reveals_.end());
        } else {
            add_commitments(candidates);
        }
        chain.mine(someone(), candidates);
        merged += chain.report.contributions.size();
        paid += chain.blocks.back().payments.size();
    }
    void back() {
        chain.disconnect();
        reveals_.clear();  // they may be of another round now
    }
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

    TestChain chain{network()};
    std::size_t merged = 0;
    std::size_t paid = 0;

  private:
    const Person& someone() { return people_[random_.below(people_.size())]; }
    void add_payments(Candidates& candidates) {
        for (const auto& [outpoint, coin] : chain.ledger.coins().all()) {
            if (random_.below(3) != 0 || candidates.payments.size() == 3) continue;
            for (const Person& person : people_) {
                if (person.key == coin.output.key && coin.output.amount > 10)
                    candidates.payments.push_back(
                        chain.pay(person, outpoint, someone().key, 1 + coin.output.amount / 3, 2));
            }
        }
    }
    void add_commitments(Candidates& candidates) {
        for (const Person& person : people_) {
            if (random_.below(3) != 0) continue;
            Delta delta(8);
            for (std::int32_t& entry : delta)
                entry = static_cast<std::int32_t>(random_.below(900)) - 600;
            const Bytes payload = FakeModel::payload_of(delta);
            candidates.commitments.push_back(chain.commit(person, payload));
            reveals_.push_back(chain.reveal(person, *candidates.commitments.back(), payload));
        }
    }

    SeededRandom random_;
    std::vector<Person> people_;
    std::vector<chain::Contribution> reveals_;
    std::uint32_t round_ = ~0u;
};

TEST(Ledger, UndoIsExactToTheByte) {
    std::size_t merged = 0;
    std::size_t paid = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        RandomChain random(seed);
        std::vector<Bytes> states;
        states.push_back(random.chain.ledger.save());
        for (int i = 0; i < 40; ++i) {
            if (states.size() > 1 && random.below(4) == 0) {
                std::uint64_t depth = 1 + random.below(5);
                while (depth-- > 0 && states.size() > 1) {
                    random.back();
                    states.pop_back();
                    ASSERT_EQ(random.chain.ledger.save(), states.back()) << "seed " << seed;
                }
            }
            random.extend();
            states.push_back(random.chain.ledger.save());
            ASSERT_EQ(random.chain.ledger.state_root(), random.chain.headers.back().state_root);
        }
        while (states.size() > 1) {
            random.back();
            states.pop_back();
            ASSERT_EQ(random.chain.ledger.save(), states.back()) << "seed " << seed;
        }
        merged += random.merged;
        paid += random.paid;
    }
    EXPECT_GT(merged, 100u);  // the blocks were not empty
    EXPECT_GT(paid, 100u);
}

TEST(Ledger, TheSameBlocksAgainGiveTheSameState) {
    RandomChain random(77);
    for (int i = 0; i < 30; ++i) random.extend();
    TestChain replay(RandomChain::network());
    for (const chain::Block& block : random.chain.blocks) {
        const Verdict verdict = replay.connect(block);
        ASSERT_TRUE(verdict.is_valid()) << verdict.reason();
    }
    EXPECT_EQ(replay.ledger.save(), random.chain.ledger.save());
}

// The whole of consensus in three hashes: blocks, coins, rules state and undo of a chain that is
// the same in every run and on every machine. A change here splits every existing network, unless
// it comes from what templates choose: they made these blocks. The third one also has the format of
// snapshots in it, which is no rule.
TEST(Ledger, Golden) {
    RandomChain random(77);
    for (int i = 0; i < 30; ++i) random.extend();
    EXPECT_EQ(to_hex(random.chain.ledger.tip()),
              "e1478c620fe0685c3885e89fa6ac08df9ac1944fb42246a8ccba9f272d5cd38f");
    EXPECT_EQ(to_hex(random.chain.ledger.state_root()),
              "f3e9964f54351f6dea5cfa24287bd8d9bd573031b73aea01b77c5d7fac455c7f");
    EXPECT_EQ(to_hex(crypto::sha256(random.chain.ledger.save())),
              "067202c0db45ca507f0f7bed084a6ae49796bde967c07a0d3ef978cc57e335ba");
}

TEST(Ledger, SnapshotRestoresAndIsChecked) {
    RandomChain random(5);
    for (int i = 0; i < 20; ++i) random.extend();
    const Bytes saved = random.chain.ledger.save();
    TestChain other(RandomChain::network());
    ASSERT_TRUE(other.ledger.load(saved).ok());
    EXPECT_EQ(other.ledger.save(), saved);
    EXPECT_EQ(other.ledger.tip(), random.chain.ledger.tip());
    EXPECT_EQ(other.ledger.state_root(), random.chain.headers.back().state_root);

    const Bytes fresh = TestChain(RandomChain::network()).ledger.save();
    for (std::size_t size = 0; size < saved.size(); size += 37) {
        TestChain cut(RandomChain::network());
        EXPECT_FALSE(cut.ledger.load(ByteView(saved).first(size)).ok());
        ASSERT_EQ(cut.ledger.save(), fresh);  // unchanged by the failure
    }
    // A changed byte is refused or changes the root, so it cannot pass for the real state.
    for (std::size_t at = 80; at < saved.size(); at += 41) {
        Bytes lie = saved;
        lie[at] ^= 1;
        TestChain liar(RandomChain::network());
        if (liar.ledger.load(lie).ok()) {
            EXPECT_NE(liar.ledger.state_root(), random.chain.headers.back().state_root) << at;
        }
    }
    // Nodes have files of format 1, which differ in the width of the model's length alone.
    const std::size_t model_bytes = random.chain.model.save().size();
    const std::size_t length_at = saved.size() - model_bytes - 8;
    Reader length(ByteView(saved).subspan(length_at));
    EXPECT_EQ(length.u64(), model_bytes);
    Bytes old_format = saved;
    old_format[8] = 1;
    old_format.erase(old_format.begin() + static_cast<std::ptrdiff_t>(length_at) + 4,
                     old_format.begin() + static_cast<std::ptrdiff_t>(length_at) + 8);
    TestChain reads_old(RandomChain::network());
    ASSERT_TRUE(reads_old.ledger.load(old_format).ok());
    EXPECT_EQ(reads_old.ledger.save(), saved);
    Bytes newer = saved;
    newer[8] = 3;
    EXPECT_FALSE(TestChain(RandomChain::network()).ledger.load(newer).ok());
    newer[8] = 0;
    EXPECT_FALSE(TestChain(RandomChain::network()).ledger.load(newer).ok());
    Bytes other_kind = saved;
    other_kind[0] ^= 1;
    EXPECT_FALSE(TestChain(RandomChain::network()).ledger.load(other_kind).ok());
    Bytes longer = saved;
    longer[length_at + 7] = 0x80;  // a length that no file has
    EXPECT_FALSE(TestChain(RandomChain::network()).ledger.load(longer).ok());

    chain::NetworkDefinition foreign = RandomChain::network();
    foreign.name = "foreign";
    TestChain elsewhere(foreign);
    EXPECT_FALSE(elsewhere.ledger.load(saved).ok());
}

TEST(Ledger, MeansFollowTheWindowAndSurviveAPause) {
    TestChain chain;
    const Person miner(1), alice(2);
    EXPECT_EQ(chain.ledger.rules().mean_norm(chain.network), 1000u);
    for (int round = 0; round < 5; ++round) {
        Candidates candidates;
        Delta delta = step(0, -1500);
        delta[7] = -round;  // payloads differ
        const auto reveals = chain.commit_round(miner, {alice}, {delta});
        candidates.contributions.assign(reveals.begin(), reveals.end());
        chain.mine(miner, candidates);
    }
    // A window of 3 rounds of one contribution each, and 16 virtual ones.
    EXPECT_EQ(chain.ledger.rules().mean_norm(chain.network), (16 * 1000 + 3 * 1500) / 19u);
    for (int i = 0; i < 20; ++i) chain.mine(miner);
    EXPECT_EQ(chain.ledger.rules().mean_norm(chain.network), (16 * 1000 + 3 * 1500) / 19u);
}

TEST(Ledger, RulesStateRoundTrips) {
    RandomChain random(9);
    for (int i = 0; i < 20; ++i) {
        random.extend();
        Writer writer;
        random.chain.ledger.rules().write(writer);
        Reader reader(writer.out());
        const auto back = RulesState::read(reader);
        ASSERT_TRUE(back.ok() && reader.finish().ok());
        EXPECT_EQ(*back, random.chain.ledger.rules());
    }
}

}  // namespace
}  // namespace cairn::consensus
