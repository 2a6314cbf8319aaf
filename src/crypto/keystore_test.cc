// Proves that only the right password opens a box, that any changed byte is noticed, and that a
// forged box cannot make us spend more memory or time than the bounds allow.
#include "crypto/keystore.h"

#include <gtest/gtest.h>

namespace cairn::crypto {
namespace {

Bytes secret() { return Bytes{1, 2, 3, 250, 251}; }

TEST(Keystore, OpensWithThePasswordOnly) {
    SystemRandom random;
    const auto box = seal(secret(), "correct horse", random);
    ASSERT_TRUE(box.ok());
    const auto opened = open(*box, "correct horse");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, secret());
    EXPECT_EQ(cost_of(*box).value(), KeystoreCost{});
    const auto wrong = open(*box, "correct hors");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().code, ErrorCode::kRefused);
    EXPECT_NE(wrong.error().message.find("wrong password"), std::string::npos);
}

TEST(Keystore, EveryFlippedByteIsNoticed) {
    SystemRandom random;
    const Bytes box = seal(secret(), "pw", random, kKeystoreCheapest).value();
    ASSERT_TRUE(open(box, "pw").ok());
    for (std::size_t i = 0; i < box.size(); ++i) {
        if (i >= 12 && i < 20) continue;  // cost: see the next test; here it would only take long
        Bytes altered = box;
        altered[i] ^= 1;
        EXPECT_FALSE(open(altered, "pw").ok()) << "byte " << i;
    }
    Bytes longer = box;
    longer.push_back(0);
    EXPECT_FALSE(open(longer, "pw").ok());
    for (std::size_t size = 0; size < box.size(); ++size)
        EXPECT_FALSE(open(ByteView(box).first(size), "pw").ok());
}

TEST(Keystore, CostIsBoundedOnReading) {
    SystemRandom random;
    Bytes box = seal(secret(), "pw", random, kKeystoreCheapest).value();
    for (std::size_t field : {std::size_t{12}, std::size_t{16}}) {
        Bytes altered = box;
        for (std::size_t i = 0; i < 4; ++i) altered[field + i] = 0xFF;
        const auto opened = open(altered, "pw");
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
        for (std::size_t i = 0; i < 4; ++i) altered[field + i] = 0;
        EXPECT_FALSE(open(altered, "pw").ok());
    }
    EXPECT_FALSE(seal(secret(), "pw", random, {1, 1u << 30}).ok());
    EXPECT_FALSE(seal(Bytes(kMaxKeystoreSecret + 1), "pw", random, kKeystoreCheapest).ok());
    EXPECT_FALSE(seal(secret(), std::string(2000, 'x'), random, kKeystoreCheapest).ok());
}

TEST(Keystore, TwoBoxesOfOneSecretDiffer) {
    SystemRandom random;
    EXPECT_NE(seal(secret(), "pw", random, kKeystoreCheapest).value(),
              seal(secret(), "pw", random, kKeystoreCheapest).value());
    EXPECT_TRUE(open(seal({}, "", random, kKeystoreCheapest).value(), "").ok());
}

}  // namespace
}  // namespace cairn::crypto
