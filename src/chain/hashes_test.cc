// Proves what each id, signature hash and root depends on, and what it must not depend on.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "chain/test_objects.h"

namespace cairn::chain {
namespace {

TEST(Hashes, PaymentIdExcludesSignatures) {
    Payment other = sample_payment();
    other.signatures[0] = filled<64>(1);
    EXPECT_EQ(payment_id(other), payment_id(sample_payment()));
    EXPECT_NE(witness_hash(other), witness_hash(sample_payment()));
}

TEST(Hashes, PaymentSignatureNamesEverything) {
    const std::vector<Output> spent(3, {100, OutputKind::kKey, filled<32>(9)});
    const Hash256 network = filled<32>(1);
    std::set<Hash256> seen;
    const auto add = [&](const Hash256& genesis, const Payment& payment,
                         const std::vector<Output>& outputs) {
        EXPECT_TRUE(seen.insert(signature_hash(genesis, payment, outputs)).second);
    };
    add(network, sample_payment(), spent);
    add(filled<32>(2), sample_payment(), spent);
    Payment payment = sample_payment();
    payment.outputs[0].key = filled<32>(8);  // the next owner
    add(network, payment, spent);
    payment = sample_payment();
    payment.outputs[1].amount += 1;
    add(network, payment, spent);
    payment = sample_payment();
    payment.inputs[2].index += 1;
    add(network, payment, spent);
    std::vector<Output> other = spent;
    other[1].amount += 1;
    add(network, sample_payment(), other);
    other = spent;
    other[1].kind = OutputKind::kChannel;
    add(network, sample_payment(), other);
    other = spent;
    other[2].key = filled<32>(8);
    add(network, sample_payment(), other);
}

TEST(Hashes, AVoucherIsOfOneNetworkChannelAndAmount) {
    const OutPoint channel{filled<32>(2), 3};
    std::set<Hash256> seen;
    for (const Hash256& hash :
         {voucher_hash(filled<32>(1), channel, 9), voucher_hash(filled<32>(9), channel, 9),
          voucher_hash(filled<32>(1), {filled<32>(2), 4}, 9),
          voucher_hash(filled<32>(1), {filled<32>(3), 3}, 9),
          voucher_hash(filled<32>(1), channel, 10)})
        EXPECT_TRUE(seen.insert(hash).second);
}

TEST(Hashes, AnIdNamesTheFormAndAllOfAChannel) {
    std::set<Hash256> seen{payment_id(sample_payment())};
    Payment payment = sample_payment();
    payment.outputs[0] = sample_channel();
    EXPECT_TRUE(seen.insert(payment_id(payment)).second);
    payment.outputs[0].payee = filled<32>(0x35);
    EXPECT_TRUE(seen.insert(payment_id(payment)).second);
    payment.outputs[0].expiry += 1;
    EXPECT_TRUE(seen.insert(payment_id(payment)).second);
    EXPECT_TRUE(seen.insert(payment_id(sample_close())).second);
    Payment plain = sample_close();
    plain.form = PaymentForm::kPlain;
    EXPECT_TRUE(seen.insert(payment_id(plain)).second);
}

TEST(Hashes, CommitmentIdExcludesItsSignatureOnly) {
    Commitment other = sample_commitment();
    other.signature = filled<64>(1);
    EXPECT_EQ(commitment_id(other), commitment_id(sample_commitment()));
    const std::function<void(Commitment&)> changes[] = {
        [](Commitment& c) { c.round += 1; },
        [](Commitment& c) { c.key = filled<32>(2); },
        [](Commitment& c) { c.payload_commitment = filled<32>(2); },
        [](Commitment& c) { c.start = filled<32>(3); },
        [](Commitment& c) { c.nonce += 1; },
    };
    const Hash256 network = filled<32>(1);
    const auto work = WorkFunction::kSha256d;
    for (const auto& change : changes) {
        Commitment changed = sample_commitment();
        change(changed);
        EXPECT_NE(commitment_id(changed), commitment_id(sample_commitment()));
        EXPECT_NE(signature_hash(network, changed), signature_hash(network, sample_commitment()));
        EXPECT_NE(stamp_hash(work, network, changed),
                  stamp_hash(work, network, sample_commitment()));
    }
    EXPECT_NE(stamp_hash(work, network, sample_commitment()),
              stamp_hash(work, filled<32>(2), sample_commitment()));
}

TEST(Hashes, PayloadCommitmentBindsTheKey) {
    const Bytes payload = {1, 2, 3};
    EXPECT_NE(payload_commitment(filled<32>(1), payload),
              payload_commitment(filled<32>(2), payload));
}

TEST(Hashes, CodecSeedIsFreshForEachNetworkRoundAndKey) {
    std::set<Hash256> seeds;
    for (std::uint8_t network = 0; network < 3; ++network)
        for (std::uint32_t round = 0; round < 3; ++round)
            for (std::uint8_t key = 0; key < 3; ++key)
                seeds.insert(codec_seed(filled<32>(network), round, filled<32>(key)));
    EXPECT_EQ(seeds.size(), 27u);
}

TEST(Hashes, BodyRootCommitsToEveryPart) {
    const Hash256 root = body_root(sample_block());
    const std::function<void(Block&)> changes[] = {
        [](Block& b) { b.coinbase.height += 1; },
        [](Block& b) { b.coinbase.miner = filled<32>(3); },
        [](Block& b) { b.coinbase.outputs[0].amount += 1; },
        [](Block& b) { b.payments[0].outputs[0].amount += 1; },
        [](Block& b) { b.payments[0].signatures[0] = filled<64>(3); },
        [](Block& b) { b.payments.pop_back(); },
        [](Block& b) { b.commitments[0].nonce += 1; },
        [](Block& b) { b.commitments[0].signature = filled<64>(3); },
        [](Block& b) { b.contributions[0].payload.push_back(0); },
        [](Block& b) { b.contributions[0].signature = filled<64>(3); },
        [](Block& b) { b.contributions.clear(); },
    };
    for (const auto& change : changes) {
        Block changed = sample_block();
        change(changed);
        EXPECT_NE(body_root(changed), root);
    }
    Block header_only = sample_block();
    header_only.header.nonce += 1;
    EXPECT_EQ(body_root(header_only), root);
}

TEST(Hashes, GenesisNamesTheNetwork) {
    NetworkDefinition network;
    const Block genesis = make_genesis(network, filled<32>(5));
    EXPECT_EQ(genesis.header.previous, genesis_id(network));
    EXPECT_EQ(genesis.header.state_root, filled<32>(5));
    EXPECT_EQ(genesis.header.body_root, body_root(genesis));
    network.name = "other";
    EXPECT_NE(genesis_id(network), genesis.header.previous);
}

}  // namespace
}  // namespace cairn::chain
