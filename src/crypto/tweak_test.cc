// Proves that sums of keys keep secret and public halves together, that what is no key is refused,
// and that the hashes under BIP32 and BIP39 are those that their documents name.
#include "crypto/tweak.h"

#include <gtest/gtest.h>

#include "crypto/stretch.h"

namespace cairn::crypto {
namespace {

TEST(Tweak, SecretAndPointStayAPair) {
    SeededRandom random(5);
    for (int i = 0; i < 50; ++i) {
        const SecretKey secret = SecretKey::generate(random);
        const Hash256 tweak = random.hash256();
        const auto sum = add_tweak(secret, tweak);
        ASSERT_TRUE(sum.ok());
        EXPECT_EQ(point_of(*sum), add_tweak(point_of(secret), tweak).value());
        EXPECT_EQ(x_only(point_of(*sum)), public_key(*sum)) << "the chain's name of the same key";
        EXPECT_TRUE(is_valid(point_of(*sum)));
    }
}

TEST(Tweak, RefusesWhatIsNoKey) {
    Hash256 one, order, minus_one;
    one.bytes[31] = 1;
    order = *fixed_from_hex<32>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    minus_one = order;
    minus_one.bytes[31] = 0x40;
    const SecretKey secret = *SecretKey::from_bytes(one.view());
    EXPECT_FALSE(add_tweak(secret, order).ok());
    EXPECT_FALSE(add_tweak(point_of(secret), order).ok());
    EXPECT_FALSE(add_tweak(secret, minus_one).ok()) << "the sum is zero";
    EXPECT_FALSE(add_tweak(point_of(secret), minus_one).ok());
    EXPECT_FALSE(is_valid(Point{}));
    EXPECT_FALSE(add_tweak(Point{}, one).ok());
}

TEST(Stretch, HashesArePinned) {
    // RFC 4231, case 2.
    EXPECT_EQ(
        to_hex(hmac_sha512(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f"
        "65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    // BIP39's first English vector, which is this function alone.
    EXPECT_EQ(
        to_hex(pbkdf2_sha512(
            as_bytes("abandon abandon abandon abandon abandon abandon abandon abandon "
                     "abandon abandon abandon about"),
            as_bytes("mnemonicTREZOR"), 2048)),
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1"
        "c92f2cf141630c7a3c4ab7c81b2f001698e7463b04");
    // The identifier of BIP32's first master key.
    EXPECT_EQ(to_hex(hash160(
                  *from_hex("0339a36013301597daef41fbe593a02cc513d0b55527ec2df1050e2e8ff49c85c2"))),
              "3442193e1bb70916e914552172cd4e2dbc9df811");
}

}  // namespace
}  // namespace cairn::crypto
