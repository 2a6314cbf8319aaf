// Proves that a wallet comes back from its file with the same keys, only with its password, is
// never overwritten, and that a key is on disk before anybody is told of it.
#include "wallet/wallet.h"

#include <gtest/gtest.h>

#include <set>

namespace cairn::wallet {
namespace {

class WalletTest : public testing::Test {
  protected:
    Wallet make(const std::string& name = "wallet") {
        auto wallet = Wallet::create(disk, name, "password", random, crypto::kKeystoreCheapest);
        CHECK(wallet.ok());
        return std::move(*wallet);
    }
    SystemRandom random;
    MemoryDisk disk;
};

TEST_F(WalletTest, ComesBackWithTheSameKeys) {
    std::vector<crypto::PublicKey> keys;
    {
        Wallet wallet = make();
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(wallet.fresh_key(random).ok());
        keys = wallet.keys();
    }
    ASSERT_EQ(keys.size(), 6u);
    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), 6u);
    auto opened = Wallet::open(disk, "wallet", "password");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->keys(), keys);
    EXPECT_EQ(opened->main_key(), keys[0]);
    for (const auto& key : keys) EXPECT_EQ(crypto::public_key(*opened->secret_of(key)), key);
    EXPECT_FALSE(opened->secret_of(crypto::PublicKey{}).has_value());
    const auto next = opened->fresh_key(random);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(std::count(keys.begin(), keys.end(), *next), 0) << "never handed out twice";
}

TEST_F(WalletTest, WrongPasswordAndDamageAreRefused) {
    make();
    const auto wrong = Wallet::open(disk, "wallet", "Password");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().code, ErrorCode::kRefused);
    EXPECT_NE(wrong.error().message.find("wrong password"), std::string::npos);
    EXPECT_EQ(Wallet::open(disk, "other", "password").error().code, ErrorCode::kNotFound);
    disk.flip_bit("wallet", 8 * 70);
    EXPECT_FALSE(Wallet::open(disk, "wallet", "password").ok());
    ASSERT_TRUE(disk.write_atomic("wallet", as_bytes("not a wallet")).ok());
    EXPECT_EQ(Wallet::open(disk, "wallet", "password").error().code, ErrorCode::kInvalid);
}

TEST_F(WalletTest, ASealedFileOfAnotherMeaningIsRefused) {
    for (std::size_t size : {std::size_t{0}, std::size_t{39}, std::size_t{40}, std::size_t{41}}) {
        const auto box =
            crypto::seal(Bytes(size, 1), "password", random, crypto::kKeystoreCheapest);
        ASSERT_TRUE(disk.write_atomic("wallet", *box).ok());
        EXPECT_EQ(Wallet::open(disk, "wallet", "password").error().code, ErrorCode::kInvalid);
    }
}

TEST_F(WalletTest, IsNeverOverwritten) {
    const auto key = make().main_key();
    const auto second =
        Wallet::create(disk, "wallet", "password", random, crypto::kKeystoreCheapest);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kRefused);
    EXPECT_EQ(Wallet::open(disk, "wallet", "password")->main_key(), key);
}

TEST_F(WalletTest, AKeyThatCannotBeSavedIsNotHandedOut) {
    Wallet wallet = make();
    disk.set_full(true);
    EXPECT_FALSE(wallet.fresh_key(random).ok());
    EXPECT_EQ(wallet.keys().size(), 1u);
    EXPECT_FALSE(Wallet::create(disk, "b", "pw", random, crypto::kKeystoreCheapest).ok());
    disk.set_full(false);
    EXPECT_TRUE(wallet.fresh_key(random).ok());
    EXPECT_EQ(Wallet::open(disk, "wallet", "password")->keys().size(), 2u);
}

TEST_F(WalletTest, RestoreFindsUsedKeys) {
    Wallet wallet = make();
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(wallet.fresh_key(random).ok());
    const std::set<crypto::PublicKey> used{wallet.keys()[3], wallet.keys()[22]};
    auto restored = Wallet::restore(disk, "again", "other password", wallet.seed(), random,
                                    crypto::kKeystoreCheapest);
    ASSERT_TRUE(restored.ok());
    EXPECT_EQ(restored->main_key(), wallet.main_key());
    const auto is_used = [&](const crypto::PublicKey& key) { return used.contains(key); };
    ASSERT_TRUE(restored->find_used(is_used, random).ok());
    EXPECT_EQ(restored->keys().size(), 23u);
    EXPECT_EQ(Wallet::open(disk, "again", "other password")->keys().size(), 23u);
}

TEST_F(WalletTest, DerivationIsPinned) {
    Seed seed;
    for (std::size_t i = 0; i < 32; ++i) seed.bytes.bytes[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(to_hex(derive_key(seed, 0).bytes()),
              "d9940cda785ef3f3687ffc6b28dd8522967541c49172c2730a6d5f562487a62f");
    EXPECT_EQ(to_hex(derive_key(seed, 7).bytes()),
              "3303e40e9d75e2bc76cd1d84e1ffa8f673a78bb604bb79ef03cc4e021e4b0250");
}

}  // namespace
}  // namespace cairn::wallet
