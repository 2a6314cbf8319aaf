// Proves that a wallet comes back from its file with the same keys, only with its password, is
// never overwritten, is shown to its owner before it exists, and that no key lies where a restore
// would not look.
#include "wallet/wallet.h"

#include <gtest/gtest.h>

#include <set>

#include "wallet/address.h"
#include "wallet/words.h"

namespace cairn::wallet {
namespace {

constexpr auto kCheapest = crypto::kKeystoreCheapest;

class WalletTest : public testing::Test {
  protected:
    Origin words() { return Words{new_entropy(12, random), {}}; }
    Wallet make(const std::string& name = "wallet") { return make(name, words()); }
    Wallet make(const std::string& name, const Origin& origin) {
        auto wallet = Wallet::create(disk, name, "password", origin, random, {}, kCheapest);
        CHECK(wallet.ok());
        return std::move(*wallet);
    }
    Result<Wallet> reopen() { return Wallet::open(disk, "wallet", "password"); }
    Wallet::Used used() {
        return
            [this](const crypto::PublicKey& key) -> Result<bool> { return on_chain.contains(key); };
    }
    static bool nothing(const crypto::PublicKey&) { return false; }

    SystemRandom random;
    MemoryDisk disk;
    std::set<crypto::PublicKey> on_chain;
};

TEST_F(WalletTest, ComesBackWithTheSameKeys) {
    std::vector<crypto::PublicKey> keys;
    {
        Wallet wallet = make();
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(wallet.fresh_key(random).ok());
        ASSERT_TRUE(wallet.keep(Chain::kChange, 2, random).ok());
        ASSERT_TRUE(wallet.keep(Chain::kContribution, 0, random).ok());
        keys = wallet.keys();
    }
    ASSERT_EQ(keys.size(), 6u + 3 + 1);
    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), keys.size());
    auto opened = reopen();
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->keys(), keys);
    EXPECT_EQ(opened->keys(2).size(), keys.size() + 8);
    EXPECT_EQ(opened->main_key(), keys[0]);
    EXPECT_EQ(opened->notice(), "");
    for (const auto& key : keys) EXPECT_EQ(crypto::public_key(*opened->secret_of(key)), key);
    EXPECT_FALSE(opened->secret_of(crypto::PublicKey{}).has_value());
    const auto next = opened->fresh_key(random);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(std::count(keys.begin(), keys.end(), *next), 0) << "never handed out twice";
}

// A file as version 1 of this program wrote it: three keys of a seed.
constexpr const char* kOldFile =
    "636169726e626f78010000000100000008000000a8574c6fae6d9b6f3b4a79a517cec22a630bfdb7a6a634a5f1aa2b"
    "57dad0bad0ee89af30963784ae9692df6c3984ee474be5bb9c1c7f3dd5d1688a50305b0fbb26b1e77dbc8486ddbc92"
    "f7101dd8408aff9a28721f19e1abc83425d116debb2c";
constexpr const char* kOldSeed = "c15c0289ec2d0a9167ec8e65a18debbe5e5532fbeea293f80bc942ee9086c171";
constexpr const char* kOldAddresses[] = {
    "cairn1jrfj50gkymk6gm6u0ef0ksdlhxua0a7pc23qlmxkfkj0fjccw4gqjffdc5",
    "cairn1sfcljlr9fmhdfwrvv0lz9epdt6t7y5kf68f7y5m8etfzlddjgs7qsyqhwc",
    "cairn1za0tzar8wjqnn8vpykrn509c7f5vrm0esqu0n2975qsassmuj43q9tz6pf"};

TEST_F(WalletTest, AFileOfVersion1StillOpens) {
    const Bytes file = *from_hex(kOldFile);
    ASSERT_TRUE(disk.write_secret("old", file).ok());
    auto old = Wallet::open(disk, "old", "correct horse");
    ASSERT_TRUE(old.ok()) << old.error().message;
    EXPECT_TRUE(old->is_old());
    EXPECT_TRUE(old->can_spend());
    ASSERT_EQ(old->keys().size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(encode_address(old->keys()[i]), kOldAddresses[i]);
        EXPECT_EQ(crypto::public_key(*old->secret_of(old->keys()[i])), old->keys()[i]);
    }
    EXPECT_EQ(to_hex(std::get<Seed>(old->origin()).bytes), kOldSeed);
    // It stays of the old kind, so that an old program opens it, too.
    ASSERT_TRUE(old->fresh_key(random).ok());
    const Bytes now = *disk.read("old", 4096);
    EXPECT_EQ(now.size(), file.size());
    EXPECT_EQ((*crypto::open(now, "correct horse"))[0], 1);
    EXPECT_EQ(Wallet::open(disk, "old", "correct horse")->keys().size(), 4u);
    // Its seed alone is enough to restore it.
    Seed seed;
    seed.bytes = *fixed_from_hex<32>(kOldSeed);
    EXPECT_EQ(encode_address(make("again", seed).main_key()), kOldAddresses[0]);
}

TEST_F(WalletTest, WrongPasswordAndDamageAreRefused) {
    make();
    const auto wrong = Wallet::open(disk, "wallet", "Password");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().code, ErrorCode::kRefused);
    EXPECT_NE(wrong.error().message.find("wrong password"), std::string::npos);
    EXPECT_EQ(Wallet::open(disk, "other", "password").error().code, ErrorCode::kNotFound);
    disk.flip_bit("wallet", 8 * 70);
    EXPECT_FALSE(reopen().ok());
    ASSERT_TRUE(disk.write_secret("wallet", as_bytes("not a wallet")).ok());
    EXPECT_EQ(reopen().error().code, ErrorCode::kInvalid);
}

TEST_F(WalletTest, IsNeverOverwritten) {
    const auto key = make().main_key();
    const auto second = Wallet::create(disk, "wallet", "password", words(), random, {}, kCheapest);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kRefused);
    EXPECT_EQ(reopen()->main_key(), key);
}

TEST_F(WalletTest, IsShownBeforeItExists) {
    bool there = true;
    const auto made = Wallet::create(
        disk, "wallet", "password", words(), random,
        [&](const Wallet& wallet) -> Status {
            there = disk.exists("wallet");
            EXPECT_TRUE(wallet.can_spend());
            return io_error("standard output is full");
        },
        kCheapest);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().message, "standard output is full");
    EXPECT_FALSE(there);
    EXPECT_FALSE(disk.exists("wallet")) << "nobody saw its words";
    EXPECT_FALSE(disk.exists("wallet.new"));
    disk.set_full(true);
    bool shown = false;
    const auto show = [&](const Wallet&) {
        shown = true;
        return ok_status();
    };
    EXPECT_FALSE(Wallet::create(disk, "wallet", "password", words(), random, show, kCheapest).ok());
    EXPECT_FALSE(shown) << "words of a wallet that could not be written";
    const auto restored =
        Wallet::create(disk, "wallet", "password", words(), random, {}, kCheapest);
    EXPECT_EQ(restored.error().message.find("worth nothing"), std::string::npos)
        << "the owner's words are as good as before";
    disk.set_full(false);
    const auto fill = [&](const Wallet&) {
        disk.set_full(true);
        return ok_status();
    };
    const auto lost = Wallet::create(disk, "wallet", "password", words(), random, fill, kCheapest);
    EXPECT_NE(lost.error().message.find("words that were shown are worth nothing"),
              std::string::npos);
}

TEST_F(WalletTest, AKeyThatCannotBeSavedIsNotHandedOut) {
    Wallet wallet = make();
    disk.set_full(true);
    EXPECT_FALSE(wallet.fresh_key(random).ok());
    EXPECT_FALSE(wallet.keep(Chain::kChange, 0, random).ok());
    EXPECT_EQ(wallet.keys().size(), 1u);
    disk.set_full(false);
    EXPECT_TRUE(wallet.fresh_key(random).ok());
    EXPECT_EQ(reopen()->keys().size(), 2u);
}

TEST_F(WalletTest, RestoreFindsUsedKeysOnEveryChain) {
    const Origin origin = words();
    Wallet wallet = make("wallet", origin);
    on_chain = {wallet.key(Chain::kReceive, 3),   wallet.key(Chain::kReceive, 22),
                wallet.key(Chain::kChange, 0),    wallet.key(Chain::kCoinbase, 19),
                wallet.key(Chain::kCoinbase, 39), wallet.key(Chain::kContribution, 20)};
    Wallet restored = make("again", origin);
    EXPECT_EQ(restored.find_used(used(), kGap).value(), 22u + 1 + 40);
    EXPECT_EQ(restored.handed_out(Chain::kReceive), 23u);
    EXPECT_EQ(restored.handed_out(Chain::kChange), 1u);
    EXPECT_EQ(restored.handed_out(Chain::kCoinbase), 40u);
    EXPECT_EQ(restored.handed_out(Chain::kContribution), 0u) << "20 unused ones before it";
    EXPECT_EQ(restored.find_used(used(), kGap).value(), 0u) << "looking again is free";
    EXPECT_EQ(restored.find_used(used(), kGap + 1).value(), 21u) << "a wider gap finds it";
    ASSERT_TRUE(restored.save(random).ok());
    EXPECT_EQ(Wallet::open(disk, "again", "password")->keys(), restored.keys());
    const auto failing = [](const crypto::PublicKey&) -> Result<bool> { return io_error("disk"); };
    EXPECT_FALSE(restored.find_used(failing, kGap).ok()) << "a failure to look is not a no";
}

TEST_F(WalletTest, ChangeGoesWhereARestoreLooks) {
    Wallet wallet = make();
    EXPECT_EQ(wallet.change_index(used(), nothing).value(), 0u);
    EXPECT_EQ(wallet.handed_out(Chain::kChange), 0u) << "asking hands nothing out";
    std::set<crypto::PublicKey> pool;
    const auto pooled = [&](const crypto::PublicKey& key) { return pool.contains(key); };
    // A hundred payments that wait in the pool, each with change: none goes beyond the reach.
    for (int i = 0; i < 100; ++i) {
        const std::uint32_t index = wallet.change_index(used(), pooled).value();
        ASSERT_LT(index, kGap);
        pool.insert(wallet.key(Chain::kChange, index));
        ASSERT_TRUE(wallet.keep(Chain::kChange, index, random).ok());
    }
    EXPECT_EQ(pool.size(), kGap) << "each within reach was used before one was used twice";
    pool.clear();  // the node dropped all payments: their keys are free again
    EXPECT_EQ(wallet.change_index(used(), pooled).value(), 0u);
    on_chain = {wallet.key(Chain::kChange, 0), wallet.key(Chain::kChange, 2)};
    EXPECT_EQ(wallet.change_index(used(), pooled).value(), 1u);
    EXPECT_EQ(wallet.reach_of_restore(Chain::kChange, used()).value(), 3 + kGap);
}

TEST_F(WalletTest, AnOldWalletWhoseSendsFailedFindsItsChange) {
    const Seed seed;
    Wallet wallet = make("wallet", seed);
    on_chain = {wallet.key(Chain::kReceive, 0)};
    // Version 1 used up a key for each refused payment; then one payment was made.
    for (int i = 0; i < 101; ++i) ASSERT_TRUE(wallet.fresh_key(random).ok());
    on_chain.insert(wallet.key(Chain::kReceive, 101));
    Wallet restored = make("again", seed);
    ASSERT_TRUE(restored.find_used(used(), restored.gap()).ok());
    EXPECT_EQ(restored.handed_out(Chain::kReceive), 102u);
    // Its next change lies where even the old program would look.
    on_chain.erase(wallet.key(Chain::kReceive, 101));
    EXPECT_LT(wallet.change_index(used(), nothing).value(), 1 + kGap);
    Wallet fresh = make("fresh", seed);
    EXPECT_EQ(fresh.change_index(used(), nothing).value(), 1u) << "not an address given out";
}

TEST_F(WalletTest, WatchingCannotSpend) {
    const Wallet wallet = make();
    Wallet watching = make("watching", *wallet.account().extended_public());
    auto opened = Wallet::open(disk, "watching", "password");
    ASSERT_TRUE(opened.ok());
    EXPECT_FALSE(opened->can_spend());
    EXPECT_EQ(opened->main_key(), wallet.main_key());
    EXPECT_FALSE(opened->secret_of(opened->main_key()).has_value());
    EXPECT_EQ(opened->fresh_key(random).value(), wallet.key(Chain::kReceive, 1));
}

}  // namespace
}  // namespace cairn::wallet
