// Proves that addresses round-trip, have one spelling, and that each kind of wrong one is refused
// with its reason.
#include "wallet/address.h"

#include <gtest/gtest.h>

#include "wallet/bech32m.h"

namespace cairn::wallet {
namespace {

std::string reason(std::string_view text) {
    const auto key = decode_address(text);
    return key.ok() ? "" : key.error().message;
}

TEST(AddressTest, RoundTripsAndIsPinned) {
    SeededRandom random(1);
    for (int i = 0; i < 50; ++i) {
        const auto key = crypto::public_key(crypto::SecretKey::generate(random));
        const std::string text = encode_address(key);
        EXPECT_EQ(text.size(), 64u);
        EXPECT_EQ(decode_address(text).value(), key);
        std::string upper = text;
        for (char& c : upper) c = static_cast<char>(std::toupper(c));
        EXPECT_EQ(decode_address(upper).value(), key);
    }
    const auto generator =
        fixed_from_hex<32>("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    EXPECT_EQ(encode_address(*generator),
              "cairn10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqrfm5jx");
}

TEST(AddressTest, SaysWhatIsWrong) {
    SeededRandom random(2);
    const auto key = crypto::public_key(crypto::SecretKey::generate(random));
    std::string typo = encode_address(key);
    typo[20] = typo[20] == 'q' ? 'p' : 'q';
    EXPECT_NE(reason(typo).find("mistyped"), std::string::npos);
    Bech32m content = decode_bech32m(encode_address(key)).value();
    content.prefix = "bc";
    EXPECT_NE(reason(encode_bech32m(content)).find("something else"), std::string::npos);
    // Addresses of other coins, with another kind of checksum than ours.
    for (const char* foreign : {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                                "LNBC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"})
        EXPECT_NE(reason(foreign).find("something else"), std::string::npos) << reason(foreign);
    content.prefix = "cairn";
    content.values.pop_back();
    EXPECT_NE(reason(encode_bech32m(content)).find("length"), std::string::npos);
    content.values.push_back(31);  // spare bits that are not zero: a second spelling
    EXPECT_NE(reason(encode_bech32m(content)).find("length"), std::string::npos);
    EXPECT_NE(reason(encode_address(crypto::PublicKey{})).find("not a key"), std::string::npos);
}

}  // namespace
}  // namespace cairn::wallet
