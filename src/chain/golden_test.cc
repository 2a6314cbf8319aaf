// Pins the canonical encodings and hashes: a change here splits every existing network. The values
// of ids and of the header's hash were computed a second time, by an independent script written
// from the field lists in the header files.
#include <gtest/gtest.h>

#include "chain/test_objects.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

TEST(Golden, PaymentId) {
    EXPECT_EQ(to_hex(payment_id(sample_payment())),
              "e466e6ff1ca7064c01256497717126bca8c0af26db11d3479db60b9e948451c5");
}
TEST(Golden, PaymentSignatureHash) {
    const std::vector<Output> spent(3, {100, OutputKind::kKey, filled<32>(9)});
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_payment(), spent)),
              "aba2647a7b27a0f29fc560a9dbe03752925b871e88be16537b25d3c909ca5164");
}
TEST(Golden, CommitmentId) {
    EXPECT_EQ(to_hex(commitment_id(sample_commitment())),
              "82d80558dc9a957c048821e67ee193928ead601202e376c83b8a540f97b77d02");
}
TEST(Golden, CommitmentSignatureHash) {
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_commitment())),
              "64dace133609df3b31f8f81abba5662cf52083eb769e6554b9a8074235fbe273");
}
TEST(Golden, StampHash) {
    EXPECT_EQ(to_hex(stamp_hash(WorkFunction::kSha256d, filled<32>(1), sample_commitment())),
              "700f7673af9f8946269f18c9c0ff533d35c117f01e6ff8c96f5b0b04f889c7a6");
}
TEST(Golden, PayloadCommitment) {
    EXPECT_EQ(to_hex(payload_commitment(filled<32>(1), Bytes{1, 2, 3})),
              "98ec7c242fd280752d7fac751062560a644a615346bff9d88335c6628ce78b15");
}
TEST(Golden, CodecSeed) {
    EXPECT_EQ(to_hex(codec_seed(filled<32>(1), 7, filled<32>(2))),
              "cea3c68f213803b96a58ac1cc2f0b819a1b80ff8a574e332478c0be9c27b9346");
}
TEST(Golden, ContributionSignatureHash) {
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_contribution())),
              "79496c0a9df583b8aa331e2da3feca96d7e8471395d7c2841d8ada9fb9bfcce4");
}
TEST(Golden, BlockHash) {
    EXPECT_EQ(to_hex(block_hash(sample_header())),
              "06700a973ab14f3b632bb9243bfe6a29aa28814b88241541fa33d2e855b41363");
}
TEST(Golden, CoinbaseId) {
    EXPECT_EQ(to_hex(coinbase_id(sample_block().coinbase)),
              "9b58e0d5670862f32e9a687a7c0c3ef90ca68f46ef8d0ba662b80c058ef844e9");
}
TEST(Golden, BodyRoot) {
    EXPECT_EQ(to_hex(body_root(sample_block())),
              "dbd613ee4d767941c7288d96534d869a2abfffbc4994becea30bd7c35de43afc");
}
TEST(Golden, WholeBlock) {
    EXPECT_EQ(to_hex(crypto::sha256(encode(sample_block()))),
              "ff68c06092397306757df485e4ed757f23f9d005bf70a75bc795483831d689bd");
}
TEST(Golden, GenesisId) {
    NetworkDefinition network;
    network.name = "golden";
    EXPECT_EQ(to_hex(genesis_id(network)),
              "5c90e41ac4733990b106cfdd9979eca9f7a498a1edad40c29d258cf017b4b27f");
}

}  // namespace
}  // namespace cairn::chain
