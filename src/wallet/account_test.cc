// Proves that the three kinds of wallet go on deriving the same keys: words by BIP32 paths (the
// test follows each path itself), watching by the public half, old ones by tagged hashes.
#include "wallet/account.h"

#include <gtest/gtest.h>

#include "wallet/words.h"

namespace cairn::wallet {
namespace {

constexpr const char* kSentence =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

Words words_from(const std::string& sentence, const std::string& passphrase = "") {
    const ByteView more = as_bytes(passphrase);
    return {entropy_of(sentence).value(), Bytes(more.begin(), more.end())};
}

TEST(Account, WordsFollowTheirPath) {
    const Account account = Account::from(words_from(kSentence)).value();
    const auto master = master_key(seed_of(kSentence, "")->view()).value();
    for (std::uint32_t chain = 0; chain < kChains; ++chain)
        for (const std::uint32_t index : {0u, 1u, 77u}) {
            const auto child =
                derive(master, {kHardened + 44, kHardened + 6'517'358, kHardened + 0, chain, index})
                    .value();
            EXPECT_EQ(account.public_key(chain, index), crypto::public_key(child.secret));
            EXPECT_EQ(to_hex(account.secret_key(chain, index)->bytes()),
                      to_hex(child.secret.bytes()));
        }
    EXPECT_TRUE(account.can_spend());
    EXPECT_FALSE(account.is_old());
}

// The expected keys were made by an independent program of thirty lines in another language.
TEST(Account, WordsArePinned) {
    const Account account = Account::from(words_from(kSentence)).value();
    EXPECT_EQ(encode_public(*account.extended_public()),
              "xpub6DPwbxBDr9p58HMhQQJxSxYVsPv7ho7q9wuUygQF7XUeVgEyAv54h6MVifLMtYD4TmMahy5zKkDVjZLJ"
              "RGARjb41Aksnc6FbjVGQfhKPbMn");
    EXPECT_EQ(to_hex(account.public_key(0, 0)),
              "31850633e5f34dad15bb211fb7f0440519878be7e3d966eedd66c4ac7c76e6c8");
    EXPECT_EQ(to_hex(account.public_key(1, 0)),
              "633eb01c2bd316a26dd1e2e50c631787dcea410797a54f6485b49b8f2b97ab1d");
    EXPECT_NE(Account::from(words_from(kSentence, "more"))->public_key(0, 0),
              account.public_key(0, 0));
}

TEST(Account, WatchingSeesTheSameKeysAndHasNoSecret) {
    const Account spends = Account::from(words_from(kSentence)).value();
    const Account watches = Account::from(*spends.extended_public()).value();
    EXPECT_FALSE(watches.can_spend());
    EXPECT_EQ(watches.chains(), kChains);
    for (std::size_t chain = 0; chain < kChains; ++chain) {
        EXPECT_EQ(watches.public_key(chain, 9), spends.public_key(chain, 9));
        EXPECT_FALSE(watches.secret_key(chain, 9).has_value());
    }
    EXPECT_EQ(watches.extended_public(), spends.extended_public());
}

TEST(Account, OnlyAnAccountsKeyIsWatched) {
    const auto master = master_key(Bytes(32, 7)).value();
    const auto account = Account::from(public_half(master));
    ASSERT_FALSE(account.ok());
    EXPECT_NE(account.error().message.find("depth 0"), std::string::npos);
    EXPECT_FALSE(Account::from(words_from(kSentence, "\xff")).ok()) << "passphrase is no UTF-8";
}

TEST(Account, TheOldKindIsPinned) {
    Seed seed;
    for (std::size_t i = 0; i < 32; ++i) seed.bytes.bytes[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(to_hex(derive_old_key(seed, 0).bytes()),
              "d9940cda785ef3f3687ffc6b28dd8522967541c49172c2730a6d5f562487a62f");
    EXPECT_EQ(to_hex(derive_old_key(seed, 7).bytes()),
              "3303e40e9d75e2bc76cd1d84e1ffa8f673a78bb604bb79ef03cc4e021e4b0250");
    const Account account = Account::from(seed).value();
    EXPECT_TRUE(account.is_old());
    EXPECT_TRUE(account.can_spend());
    EXPECT_EQ(account.chains(), 1u);
    EXPECT_EQ(account.public_key(0, 7), crypto::public_key(derive_old_key(seed, 7)));
    EXPECT_FALSE(account.extended_public().has_value());
}

}  // namespace
}  // namespace cairn::wallet
