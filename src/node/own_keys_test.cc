// Proves that with fresh keys every block and round gets one of its own, that keys which earned
// nothing come back, and that none ever lies beyond where a restored wallet looks.
#include "node/own_keys.h"

#include <gtest/gtest.h>

#include "consensus/test_chain.h"
#include "node/chain_state.h"
#include "wallet/wallet.h"

namespace cairn::node {
namespace {

crypto::SecretKey secret(std::uint8_t use, std::uint32_t index) {
    FixedBytes<32> bytes;
    bytes.bytes[0] = use;
    bytes.bytes[30] = static_cast<std::uint8_t>(index >> 8);
    bytes.bytes[31] = static_cast<std::uint8_t>(index + 1);
    return *crypto::SecretKey::from_bytes(bytes.view());
}
crypto::PublicKey coinbase(std::uint32_t i) { return crypto::public_key(secret(1, i)); }
crypto::PublicKey contribution(std::uint32_t i) { return crypto::public_key(secret(2, i)); }

class OwnKeysTest : public testing::Test {
  protected:
    OwnKeysTest()
        : store_(*store::Store::in_memory(disk_)),
          tree_(chain_.ledger.genesis()),
          state_(chain_.network, model_, *store_, tree_.genesis(), {}) {}
    OwnKeys keys() {
        FreshKeys fresh;
        fresh.coinbase = coinbase;
        fresh.contribution = [](std::uint32_t i) { return secret(2, i); };
        return OwnKeys(secret(3, 0), fresh);
    }
    crypto::PublicKey next_coinbase(OwnKeys& keys) { return keys.coinbase(state_); }
    crypto::PublicKey key_of(OwnKeys& keys, std::uint32_t round) {
        return crypto::public_key(keys.contribution(state_, round));
    }
    /// A block that pays the key.
    void pay(const crypto::PublicKey& key) {
        Hash256 hash;
        hash.bytes[0] = static_cast<std::uint8_t>(++height_);
        EXPECT_TRUE(store_->add_header(header_of(hash)).ok());
        store::TipChange change;
        change.tip = {hash, height_};
        store::BlockRecords block;
        block.hash = hash;
        block.height = height_;
        block.payments = {{hash, true, {{key, 100, 0}}}};
        change.connected.push_back(block);
        EXPECT_TRUE(store_->advance_tip(change).ok());
        parent_ = hash;
    }
    static store::HeaderRecord header_of(const Hash256& hash) {
        store::HeaderRecord record;
        record.hash = hash;
        record.header = Bytes(8, 1);
        return record;
    }
    void take_back() {
        store::TipChange change;
        Hash256 below;
        below.bytes[0] = static_cast<std::uint8_t>(--height_);
        change.tip = {below, height_};
        change.disconnected.push_back(parent_);
        EXPECT_TRUE(store_->advance_tip(change).ok());
    }

    MemoryDisk disk_;
    std::unique_ptr<store::Store> store_;
    consensus::TestChain chain_;
    consensus::FakeModel model_;
    BlockTree tree_;
    ChainState state_;
    std::uint64_t height_ = 0;
    Hash256 parent_;
};

// A node that was killed in mid-round goes on with the key that it has committed with.
TEST_F(OwnKeysTest, TheKeyThatWasCommittedWithIsTheRoundsAgain) {
    OwnKeys before = keys();
    (void)key_of(before, 3);
    const crypto::PublicKey committed = key_of(before, 4);
    OwnKeys again = keys();
    again.prefer(4, committed);
    EXPECT_EQ(key_of(again, 4), committed);
    EXPECT_NE(key_of(again, 5), committed);
    OwnKeys other = keys();
    other.prefer(4, contribution(900));  // beyond where a wallet looks
    EXPECT_EQ(key_of(other, 4), contribution(0));
}

TEST_F(OwnKeysTest, WithoutFreshKeysThereIsOne) {
    OwnKeys keys(secret(3, 0), std::nullopt);
    EXPECT_EQ(next_coinbase(keys), crypto::public_key(secret(3, 0)));
    EXPECT_EQ(key_of(keys, 4), next_coinbase(keys));
}

TEST_F(OwnKeysTest, EveryBlockHasItsOwn) {
    OwnKeys keys = this->keys();
    EXPECT_EQ(next_coinbase(keys), coinbase(0));
    EXPECT_EQ(next_coinbase(keys), coinbase(0)) << "the same until it is on the chain";
    pay(next_coinbase(keys));
    EXPECT_EQ(next_coinbase(keys), coinbase(1));
    pay(next_coinbase(keys));
    EXPECT_EQ(next_coinbase(keys), coinbase(2));
    take_back();
    EXPECT_EQ(next_coinbase(keys), coinbase(1)) << "its block was lost: the key is free again";
    pay(coinbase(9));  // another machine with the same words
    EXPECT_EQ(next_coinbase(keys), coinbase(10));
    OwnKeys restarted = this->keys();
    EXPECT_EQ(next_coinbase(restarted), coinbase(10)) << "after a restart";
}

TEST_F(OwnKeysTest, EveryRoundHasItsOwnWithinReach) {
    OwnKeys keys = this->keys();
    const auto key = [&](std::uint32_t round) { return key_of(keys, round); };
    EXPECT_EQ(key(0), contribution(0));
    EXPECT_EQ(key(0), contribution(0)) << "the same for the whole round";
    EXPECT_EQ(key(1), contribution(1)) << "an unpaid one is not shown twice";
    // A thousand rounds that pay nothing stay within reach of a restore.
    for (std::uint32_t round = 2; round < 1'000; ++round) {
        const crypto::PublicKey used = key(round);
        bool within = false;
        for (std::uint32_t i = 0; i < wallet::kGap; ++i) within |= used == contribution(i);
        ASSERT_TRUE(within) << round;
    }
    pay(contribution(5));
    for (std::uint32_t round = 1'000; round < 1'100; ++round) {
        const crypto::PublicKey used = key(round);
        bool within = false;
        for (std::uint32_t i = 6; i < 6 + wallet::kGap; ++i) within |= used == contribution(i);
        ASSERT_TRUE(within) << round;
    }
}

}  // namespace
}  // namespace cairn::node
