// Small objects with fixed bytes for the tests of chain/ and consensus/, the same in every run.
// test_secret and test_key are real keys, which can sign; the keys and signatures of the sample
// objects are filler.
#pragma once

#include <numeric>

#include "chain/block.h"
#include "chain/voucher.h"

namespace cairn::chain {

template <std::size_t N>
FixedBytes<N> filled(std::uint8_t value) {
    FixedBytes<N> bytes;
    bytes.bytes.fill(value);
    return bytes;
}

inline crypto::SecretKey test_secret(std::uint8_t number) {
    return crypto::SecretKey::from_bytes(filled<32>(number).view()).value();
}
inline crypto::PublicKey test_key(std::uint8_t number) {
    return crypto::public_key(test_secret(number));
}

inline Payment sample_payment() {
    Payment payment;
    payment.inputs = {{filled<32>(0x11), 0}, {filled<32>(0x11), 7}, {filled<32>(0x22), 1}};
    payment.outputs = {{5000, OutputKind::kKey, filled<32>(0x33)},
                       {1, OutputKind::kKey, filled<32>(0x44)}};
    payment.signatures = {filled<64>(0x55), filled<64>(0x66), filled<64>(0x77)};
    return payment;
}

inline Output sample_channel() {
    return {5000, OutputKind::kChannel, filled<32>(0x33), filled<32>(0x34), 700};
}

/// Closes a channel: the payee gets 900 less the fee, the payer the rest.
inline Payment sample_close() {
    Payment payment;
    payment.form = PaymentForm::kClose;
    payment.inputs = {{filled<32>(0x12), 1}};
    payment.outputs = {{890, OutputKind::kKey, filled<32>(0x34)},
                       {4100, OutputKind::kKey, filled<32>(0x33)}};
    payment.signatures = {filled<64>(0x56), filled<64>(0x57)};
    return payment;
}

inline Voucher sample_voucher() {
    return {filled<32>(0x01), {filled<32>(0x12), 1}, 900, filled<64>(0x56)};
}

inline Commitment sample_commitment() {
    Commitment commitment;
    commitment.round = 3;
    commitment.key = filled<32>(0x21);
    commitment.start = filled<32>(0x44);
    commitment.payload_commitment = filled<32>(0x43);
    commitment.nonce = 0x0102030405060708;
    commitment.signature = filled<64>(0x65);
    return commitment;
}

inline Contribution sample_contribution() {
    Contribution contribution;
    contribution.commitment_id = filled<32>(0x31);
    contribution.payload = {1, 2, 3, 4, 5};
    contribution.signature = filled<64>(0x32);
    return contribution;
}

inline BlockHeader sample_header() {
    BlockHeader header;
    header.versions = {1, 1};
    header.previous = filled<32>(0xa1);
    header.body_root = filled<32>(0xa2);
    header.state_root = filled<32>(0xa3);
    header.time_ms = 1'700'000'000'123;
    header.target = 0x1f0fffff;
    header.nonce = 42;
    return header;
}

/// A block with two of everything; well-formed, not valid.
inline Block sample_block() {
    Block block;
    block.header = sample_header();
    block.coinbase = {
        12,
        filled<32>(0x01),
        {{7, OutputKind::kKey, filled<32>(0x01)}, {8, OutputKind::kKey, filled<32>(0x02)}}};
    block.coinbase.steps = {9, 11};
    block.payments = {sample_payment(), sample_payment()};
    block.payments[1].outputs[0].amount = 6000;
    block.commitments = {sample_commitment(), sample_commitment()};
    block.commitments[1].nonce = 9;
    block.contributions = {sample_contribution(), sample_contribution()};
    block.contributions[1].commitment_id = filled<32>(0x30);
    sort_body(block);
    block.header.body_root = body_root(block);
    return block;
}

}  // namespace cairn::chain
