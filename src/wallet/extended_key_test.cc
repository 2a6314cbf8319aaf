// Proves that secret and public derivation agree with BIP32's test vectors, and that text which is
// not an extended key is refused for the right reason.
#include "wallet/extended_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/test_data.h"
#include "wallet/base58.h"

namespace cairn::wallet {
namespace {

using Json = nlohmann::json;

// BIP32's test vector 1, written down here so that this much is proved without the test data.
constexpr const char* kMaster =
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtR"
    "B"
    "eJgk33yuGBxrMPHi";
constexpr const char* kMasterPublic =
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7"
    "u"
    "sUDFdp6W1EGMcet8";
constexpr const char* kChild01 =
    "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2Ax"
    "Y"
    "ysAA7xmALppuCkwQ";

TEST(ExtendedKey, PinnedVectors) {
    const auto master = master_key(*from_hex("000102030405060708090a0b0c0d0e0f"));
    ASSERT_TRUE(master.ok());
    EXPECT_EQ(encode_secret(*master), kMaster);
    EXPECT_EQ(encode_public(public_half(*master)), kMasterPublic);
    const auto child = derive(*master, {kHardened, 1});
    ASSERT_TRUE(child.ok());
    EXPECT_EQ(encode_public(public_half(*child)), kChild01);
    const auto hardened = public_half(derive(*master, kHardened).value());
    EXPECT_EQ(derive(hardened, 1).value(), public_half(*child)) << "followed without the secret";
    EXPECT_EQ(encode_secret(decode_secret(kMaster).value()), kMaster);
    EXPECT_EQ(encode_public(decode_public(kChild01).value()), kChild01);
}

TEST(ExtendedKey, RefusesWithTheReason) {
    const auto says = [](const auto& result, const std::string& what) {
        ASSERT_FALSE(result.ok());
        EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
    };
    says(decode_public(kMaster), "secret key");
    says(decode_secret(kMasterPublic), "public key");
    std::string mistyped = kMasterPublic;
    mistyped[20] = mistyped[20] == 'a' ? 'b' : 'a';
    says(decode_public(mistyped), "checksum");
    mistyped[20] = 'l';
    says(decode_public(mistyped), "letter 21");
    says(decode_public(""), "too short");
    says(decode_public(std::string(5'000, 'z')), "too long");
    says(decode_public(encode_base58check(Bytes(77, 4))), "78 bytes");
    says(decode_public(encode_base58check(Bytes(78, 4))), "something else");
    says(derive(decode_public(kMasterPublic).value(), kHardened + 3), "3'");
    // A checksum over a secret that is none: 0, where the key's last 33 bytes are.
    Bytes none = decode_base58check(kMaster).value();
    std::fill(none.end() - 32, none.end(), std::uint8_t{0});
    EXPECT_FALSE(decode_secret(encode_base58check(none)).ok());
    says(master_key(Bytes(15, 1)), "16 to 64");
    says(master_key(Bytes(65, 1)), "16 to 64");
    auto deepest = decode_public(kMasterPublic).value();
    deepest.position.depth = 255;
    says(derive(deepest, 0), "deeper");
}

Json vectors() {
    const std::string text = read_test_data("vectors/bip32.json");
    return text.empty() ? Json() : Json::parse(text);
}

void check_node(const ExtendedSecretKey& key, const Json& node, bool ours) {
    EXPECT_EQ(to_hex(key.secret.bytes()), node["privKey"]);
    EXPECT_EQ(to_hex(key.chain_code), node["chainCode"]);
    const ExtendedPublicKey half = public_half(key);
    EXPECT_EQ(to_hex(half.point), node["pubKey"]);
    EXPECT_EQ(to_hex(fingerprint(half)), node["fingerprint"]);
    if (!ours) return;  // the same keys under another network's letters
    EXPECT_EQ(encode_secret(key), node["base58Priv"]);
    EXPECT_EQ(encode_public(half), node["base58"]);
    EXPECT_EQ(decode_public(node["base58"].get<std::string>()).value(), half);
    EXPECT_EQ(encode_secret(decode_secret(node["base58Priv"].get<std::string>()).value()),
              node["base58Priv"]);
}

// "m/44'/0" as numbers.
std::vector<std::uint32_t> path_of(const std::string& text) {
    std::vector<std::uint32_t> path;
    std::istringstream parts(text.substr(2));
    for (std::string part; std::getline(parts, part, '/');)
        path.push_back(static_cast<std::uint32_t>(std::stoul(part)) +
                       (part.back() == '\'' ? kHardened : 0));
    return path;
}

TEST(ExtendedKey, PublishedVectors) {
    const Json all = vectors();
    if (all.is_null()) GTEST_SKIP() << "no vectors: set CAIRN_TEST_DATA";
    std::size_t nodes = 0;
    for (const Json& vector : all["valid"]) {
        const bool ours = vector["network"] == "bitcoin";
        const Json& master = vector["master"];
        auto key = master.contains("seed")
                       ? master_key(*from_hex(master["seed"].get<std::string>()))
                       : decode_secret(master["base58Priv"].get<std::string>());
        ASSERT_TRUE(key.ok());
        check_node(*key, master, ours);
        for (const Json& child : vector["children"]) {
            const std::vector<std::uint32_t> path = path_of(child["path"]);
            const auto node = derive(*key, path);
            ASSERT_TRUE(node.ok());
            check_node(*node, child, ours);
            const auto parent = derive(*key, {path.begin(), path.end() - 1});
            const auto half = derive(public_half(*parent), path.back());
            EXPECT_EQ(half.ok(), path.back() < kHardened);
            if (half.ok()) {
                EXPECT_EQ(*half, public_half(*node));
            }
            ++nodes;
        }
    }
    EXPECT_GE(nodes, 10u) << "the file holds fewer vectors than it did";
    for (const Json& text : all["invalid"]["fromBase58"]) {
        EXPECT_FALSE(decode_secret(text["string"].get<std::string>()).ok()) << text;
        EXPECT_FALSE(decode_public(text["string"].get<std::string>()).ok()) << text;
    }
    for (const Json& seed : all["invalid"]["fromSeed"])
        EXPECT_FALSE(master_key(*from_hex(seed["seed"].get<std::string>())).ok());
}

}  // namespace
}  // namespace cairn::wallet
