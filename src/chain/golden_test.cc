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
              "0fbebc65335d4b5188109be434cae9e0c8ce87026114692dcb395960136ef8de");
}
TEST(Golden, CommitmentSignatureHash) {
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_commitment())),
              "e040000e2abd07cf3d275f1dc33e3a9ade6c318d58523d5e582d0a1f3836c607");
}
TEST(Golden, StampHash) {
    EXPECT_EQ(to_hex(stamp_hash(WorkFunction::kSha256d, filled<32>(1), sample_commitment())),
              "e1f9c55d2aad7cb92bee0ada02f2bb9bde47098d5351e1733f298480db943660");
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
              "34655bc5f781bf99d68870c2ba80abda94f7b46ad066e0468f4a6cc8fac6d98e");
}
TEST(Golden, BodyRoot) {
    EXPECT_EQ(to_hex(body_root(sample_block())),
              "2496b6198777ca1b5570aadca2db14dd53834604854ee10d056017832f1d026a");
}
TEST(Golden, WholeBlock) {
    EXPECT_EQ(to_hex(crypto::sha256(encode(sample_block()))),
              "16d653b9c36dbd101b98b3ccc06d6a23311d376120148aec71be0756c15e9591");
}
TEST(Golden, GenesisId) {
    NetworkDefinition network;
    network.name = "golden";
    EXPECT_EQ(to_hex(genesis_id(network)),
              "477ee59a55c3e9b5e00cd9901558084e593ace43c82b61ea0ddf8404c3697c99");
}

}  // namespace
}  // namespace cairn::chain
