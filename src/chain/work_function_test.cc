// Proves that work hashes are what section 3 of chain.md says, and that the definition names the
// function: as an extension, by its name in JSON, and no other.
#include "chain/work_function.h"

#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

TEST(WorkFunction, Sha256d) {
    const BlockHeader header = sample_header();
    EXPECT_EQ(work_hash(WorkFunction::kSha256d, header), block_hash(header));
    EXPECT_EQ(work_hash(WorkFunction::kSha256d, as_bytes("hello")),
              crypto::sha256d(as_bytes("hello")));
}

// Both hashes are tools/chain_checker's.
TEST(WorkFunction, Argon2id) {
    Bytes bytes(120, 0);
    EXPECT_EQ(to_hex(work_hash(WorkFunction::kArgon2id, bytes)),
              "b48a59dd4826c3aae2741d273bbf381966cf14d3f853be2c44a28bf5cf97ff1f");
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(to_hex(work_hash(WorkFunction::kArgon2id, bytes)),
              "9f7f772e2d721ddcc2c4eb2d9f1489179e40ab9d475e28e414dc1b0a1736a6b4");
}

TEST(WorkFunction, HeadersAndStampsUseTheSame) {
    const BlockHeader header = sample_header();
    const auto bytes = header_bytes(header);
    EXPECT_EQ(work_hash(WorkFunction::kArgon2id, header),
              work_hash(WorkFunction::kArgon2id, bytes.view()));
    const Commitment commitment = sample_commitment();
    Writer stamped;
    stamped.fixed(filled<32>(1));
    stamped.raw(ByteView(encode(commitment)).first(108));
    for (const WorkFunction work : {WorkFunction::kSha256d, WorkFunction::kArgon2id})
        EXPECT_EQ(stamp_hash(work, filled<32>(1), commitment), work_hash(work, stamped.out()));
}

TEST(WorkFunction, TheDefinitionNamesIt) {
    NetworkDefinition network;
    const Hash256 id = genesis_id(network);
    EXPECT_EQ(to_json(network).find("work\""), std::string::npos) << "the default is left out";
    network.work = WorkFunction::kArgon2id;
    EXPECT_NE(genesis_id(network), id);
    EXPECT_EQ(decode_network(encode(network)).value(), network);
    EXPECT_NE(to_json(network).find("\"work\": \"argon2id\""), std::string::npos);
    EXPECT_EQ(network_from_json(to_json(network)).value(), network);
    EXPECT_EQ(network_from_json(R"({"work": "sha256d"})").value(), NetworkDefinition{});
    const auto unknown = network_from_json(R"({"work": "scrypt"})");
    ASSERT_FALSE(unknown.ok());
    EXPECT_NE(unknown.error().message.find("\"argon2id\""), std::string::npos);

    Bytes bytes = encode(network);
    bytes.back() = 2;
    EXPECT_FALSE(decode_network(bytes).ok()) << "a function that comes later";
    bytes.back() = 0;
    EXPECT_FALSE(decode_network(bytes).ok()) << "a second spelling of the default";
}

}  // namespace
}  // namespace cairn::chain
