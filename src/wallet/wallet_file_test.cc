// Proves that what a wallet's file holds comes back whole, and that anything else is refused.
#include "wallet/wallet_file.h"

#include <gtest/gtest.h>

namespace cairn::wallet {
namespace {

Bytes round_trip(const WalletContents& contents) {
    const auto bytes = encode(contents);
    const auto back = decode_wallet(bytes.view());
    EXPECT_TRUE(back.ok());
    if (!back.ok()) return {};
    EXPECT_EQ(back->handed_out, contents.handed_out);
    EXPECT_EQ(encode(*back).bytes, bytes.bytes);
    // Every shorter or longer piece of it is refused.
    for (std::size_t size = 0; size < bytes.bytes.size(); ++size)
        EXPECT_FALSE(decode_wallet(bytes.view().first(size)).ok()) << size;
    Bytes longer = bytes.bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_wallet(longer).ok());
    return bytes.bytes;
}

TEST(WalletFile, EveryKindComesBack) {
    Seed seed;
    seed.bytes.bytes[5] = 9;
    EXPECT_EQ(round_trip({seed, {7, 0, 0, 0}}).size(), 40u);
    const Words words{Bytes(16, 3), Bytes{'a', 'b'}};
    const Bytes file = round_trip({words, {1, 2, 3, 4}});
    EXPECT_EQ(std::get<Words>(decode_wallet(file)->origin).passphrase.bytes, (Bytes{'a', 'b'}));
    const auto watched = public_half(master_key(Bytes(32, 1)).value());
    round_trip({watched, {1, 0, 0, 0}});
}

TEST(WalletFile, NonsenseIsRefused) {
    const auto refused = [](const WalletContents& contents) {
        return !decode_wallet(encode(contents).view()).ok();
    };
    EXPECT_TRUE(refused({Seed{}, {0, 0, 0, 0}})) << "no main key";
    EXPECT_TRUE(refused({Seed{}, {kMaxOldWalletKeys + 1, 0, 0, 0}}));
    EXPECT_FALSE(refused({Seed{}, {kMaxOldWalletKeys, 0, 0, 0}}));
    const Words words{Bytes(16, 3), {}};
    EXPECT_TRUE(refused({words, {1, 0, kMaxWalletKeys + 1, 0}}));
    EXPECT_TRUE(refused({Words{Bytes(17, 3), {}}, {1, 0, 0, 0}}));
    EXPECT_TRUE(refused({Words{Bytes(16, 3), Bytes(kMaxPassphrase + 1)}, {1, 0, 0, 0}}));
    Bytes other = encode({words, {1, 0, 0, 0}}).bytes;
    other[4] = 3;
    EXPECT_FALSE(decode_wallet(other).ok()) << "a kind that is none";
    other[0] = 3;
    const auto newer = decode_wallet(other);
    ASSERT_FALSE(newer.ok());
    EXPECT_NE(newer.error().message.find("version 3"), std::string::npos);
}

}  // namespace
}  // namespace cairn::wallet
