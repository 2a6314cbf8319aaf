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
              "18578b80fe8c66bc00f2488d5ba5f3b4d61f434e7b51eadb0e84f52cfd45626c");
}
TEST(Golden, PaymentSignatureHash) {
    const std::vector<Output> spent(3, {100, OutputKind::kKey, filled<32>(9)});
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_payment(), spent)),
              "b4b4688ed8efe19a48919bf925de825319f058e2b0e16ad28ac8ff31444fb8dc");
}
TEST(Golden, AChannelIsOpenedAndClosed) {
    Payment opening = sample_payment();
    opening.outputs[0] = sample_channel();
    EXPECT_EQ(to_hex(payment_id(opening)),
              "576310ae52255b032e354a185799de59b5178dc825c9e63fac4f3a43b06a39a1");
    const Output channel = sample_channel();
    EXPECT_EQ(to_hex(payment_id(sample_close())),
              "1164e9fd284a8eabb54d5396eb8b6ebd0f0c874c844b465a63f1deed83429cb8");
    EXPECT_EQ(to_hex(signature_hash(filled<32>(1), sample_close(), {&channel, 1})),
              "fa43db0eaf3a800ab9e63b6319cd48decb4213cc5d5ba8bdc2b630bbd88bc55c");
    EXPECT_EQ(to_hex(witness_hash(sample_close())),
              "8927b2020a94b6f8c07b385082acfb1a389e23fa43982fc53b98e5e9fff2e2e7");
    const Voucher voucher = sample_voucher();
    EXPECT_EQ(to_hex(voucher_hash(voucher.genesis_id, voucher.channel, voucher.amount)),
              "a85d16fe50bc2d4e5d4d65d86d26534c34840450ebd7b56077f373dbab589211");
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
              "5f14fa526208f6b3f66bc915e00b10d99b66b25e3c0538ab7b41b87d44672ffb");
}
TEST(Golden, WholeBlock) {
    EXPECT_EQ(to_hex(crypto::sha256(encode(sample_block()))),
              "9783a48cce76b298d11d5feb366e7fd70b871498d0a2c9599af4ea0e6119a7d1");
}
TEST(Golden, GenesisId) {
    NetworkDefinition network;
    network.name = "golden";
    EXPECT_EQ(to_hex(genesis_id(network)),
              "5c90e41ac4733990b106cfdd9979eca9f7a498a1edad40c29d258cf017b4b27f");
}

}  // namespace
}  // namespace cairn::chain
