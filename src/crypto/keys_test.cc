// Proves that signatures are BIP340's, by its published vectors (signing and refusing), and that
// keys out of range, foreign messages and flipped bits are refused.
#include "crypto/keys.h"

#include <gtest/gtest.h>

#include "base/test_data.h"
#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

TEST(Keys, Bip340Vectors) {
    std::istringstream lines(read_test_data("vectors/bip-0340_test-vectors.csv"));
    std::string line;
    if (!std::getline(lines, line)) GTEST_SKIP() << "no vectors: set CAIRN_TEST_DATA";
    int checked = 0, signed_count = 0;
    while (std::getline(lines, line)) {
        std::vector<std::string> fields;
        std::istringstream row(line);
        for (std::string field; std::getline(row, field, ',');) fields.push_back(field);
        ASSERT_GE(fields.size(), 7u) << line;
        const auto key = fixed_from_hex<32>(fields[2]).value();
        const Bytes message = from_hex(fields[4]).value();
        const auto signature = fixed_from_hex<64>(fields[5]).value();
        EXPECT_EQ(verify_bytes(key, message, signature), fields[6] == "TRUE") << line;
        ++checked;
        if (fields[1].empty()) continue;
        const auto secret = SecretKey::from_bytes(from_hex(fields[1]).value());
        ASSERT_TRUE(secret.ok());
        EXPECT_EQ(public_key(*secret), key);
        if (message.size() != 32) continue;
        Hash256 hash;
        std::copy(message.begin(), message.end(), hash.bytes.begin());
        EXPECT_EQ(sign(*secret, hash, fixed_from_hex<32>(fields[3]).value()), signature) << line;
        ++signed_count;
    }
    EXPECT_GE(checked, 15);
    EXPECT_GE(signed_count, 4);
}

TEST(Keys, SecretsOutOfRangeAreRefused) {
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(32, 0)).ok());
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(32, 0xFF)).ok());
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(31, 1)).ok());
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(33, 1)).ok());
    EXPECT_TRUE(SecretKey::from_bytes(Bytes(32, 1)).ok());
}

TEST(Keys, SignedMessagesVerifyAndAlteredOnesDoNot) {
    SeededRandom random(7);
    for (int round = 0; round < 20; ++round) {
        const SecretKey secret = SecretKey::generate(random);
        const PublicKey key = public_key(secret);
        ASSERT_TRUE(is_valid(key));
        const Hash256 message = random.hash256();
        Signature signature = sign(secret, message, random);
        EXPECT_TRUE(verify(key, message, signature));
        EXPECT_FALSE(verify(key, sha256(message.view()), signature));
        EXPECT_FALSE(verify(public_key(SecretKey::generate(random)), message, signature));
        signature.bytes[random.below(64)] ^= 0x10;
        EXPECT_FALSE(verify(key, message, signature));
    }
    EXPECT_FALSE(is_valid(PublicKey{}));
    EXPECT_FALSE(verify(PublicKey{}, Hash256{}, Signature{}));
}

TEST(Keys, WipeClears) {
    std::uint8_t bytes[5] = {1, 2, 3, 4, 5};
    wipe(bytes);
    for (std::uint8_t byte : bytes) EXPECT_EQ(byte, 0);
}

}  // namespace
}  // namespace cairn::crypto
