// Proves that every object comes back from its bytes as it was, that its bytes have one spelling,
// and that anything cut short, lengthened or unsorted is refused.
#include <gtest/gtest.h>

#include "base/random.h"
#include "chain/test_objects.h"

namespace cairn::chain {
namespace {

/// The object comes back; every proper prefix and a longer input are refused; and whatever still
/// decodes after one bit was flipped must encode to exactly those bytes.
template <typename T, typename Decode>
void check_codec(const T& object, Decode decode) {
    const Bytes bytes = encode(object);
    const auto back = decode(bytes);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, object);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode(ByteView(bytes).first(size)).ok()) << "prefix of " << size;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer).ok());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes flipped = bytes;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
        const auto decoded = decode(flipped);
        if (decoded.ok()) {
            EXPECT_EQ(encode(*decoded), flipped) << "bit " << bit;
        }
    }
}

TEST(Encoding, PaymentRoundTrips) { check_codec(sample_payment(), decode_payment); }
TEST(Encoding, ChannelsAndTheirPaymentsRoundTrip) {
    Payment opening = sample_payment();
    opening.outputs[0] = sample_channel();
    check_codec(opening, decode_payment);
    EXPECT_EQ(encode(opening).size(), encoded_bytes(opening));
    check_codec(sample_close(), decode_payment);
    EXPECT_EQ(encode(sample_close()).size(), encoded_bytes(sample_close()));
    EXPECT_EQ(encode(sample_payment()).size(), payment_bytes(3, 2));
    check_codec(sample_voucher(), decode_voucher);
    EXPECT_EQ(encode(sample_voucher()).size(), kVoucherBytes);
}
TEST(Encoding, CommitmentRoundTrips) { check_codec(sample_commitment(), decode_commitment); }
TEST(Encoding, ContributionRoundTrips) { check_codec(sample_contribution(), decode_contribution); }
TEST(Encoding, CoinbaseRoundTrips) { check_codec(sample_block().coinbase, decode_coinbase); }
TEST(Encoding, BlockRoundTrips) { check_codec(sample_block(), decode_block); }

TEST(Encoding, EmptyBlockRoundTrips) {
    check_codec(make_genesis(NetworkDefinition{}, filled<32>(9)), decode_block);
}

TEST(Encoding, HeaderRoundTripsAndHas120Bytes) {
    const auto bytes = header_bytes(sample_header());
    static_assert(decltype(bytes)::kSize == 120);
    EXPECT_EQ(*decode_header(bytes.view()), sample_header());
    EXPECT_FALSE(decode_header(bytes.view().first(119)).ok());
    BlockHeader other = sample_header();
    other.nonce = 0x1122334455667788;
    EXPECT_EQ(header_bytes(other).bytes[kNonceOffset], 0x88);
}

TEST(Encoding, RandomBytesNeverCrashDecoders) {
    SeededRandom random(7);
    for (int i = 0; i < 20000; ++i) {
        Bytes bytes(random.below(300));
        random.fill(bytes);
        if (bytes.size() > 4 && i % 2 == 0) bytes[1] = bytes[2] = bytes[3] = 0;
        const auto payment = decode_payment(bytes);
        if (payment.ok()) {
            EXPECT_EQ(encode(*payment), bytes);
        }
        const auto block = decode_block(bytes);
        if (block.ok()) {
            EXPECT_EQ(encode(*block), bytes);
        }
        const auto contribution = decode_contribution(bytes);
        if (contribution.ok()) {
            EXPECT_EQ(encode(*contribution), bytes);
        }
    }
}

std::string payment_error(const Payment& payment) {
    const auto decoded = decode_payment(encode(payment));
    return decoded.ok() ? "" : decoded.error().message;
}

TEST(Encoding, PaymentRefusesBadLists) {
    Payment unsorted = sample_payment();
    std::swap(unsorted.inputs[0], unsorted.inputs[1]);
    EXPECT_EQ(payment_error(unsorted), "a payment's inputs must be sorted, each once");
    Payment twice = sample_payment();
    twice.inputs[1] = twice.inputs[0];
    EXPECT_EQ(payment_error(twice), "a payment's inputs must be sorted, each once");
    Payment no_input = sample_payment();
    no_input.inputs.clear();
    no_input.signatures.clear();
    EXPECT_NE(payment_error(no_input), "");
    Payment no_output = sample_payment();
    no_output.outputs.clear();
    EXPECT_NE(payment_error(no_output), "");
    Payment three = sample_payment();
    three.outputs.push_back(three.outputs[0]);
    EXPECT_NE(payment_error(three), "");
}

TEST(Encoding, PaymentRefusesBadOutputs) {
    Payment unknown = sample_payment();
    unknown.outputs[0].kind = static_cast<OutputKind>(2);
    EXPECT_EQ(payment_error(unknown), "output kind 2 does not exist");
    Payment zero = sample_payment();
    zero.outputs[0].amount = 0;
    EXPECT_NE(payment_error(zero), "");
    Payment huge = sample_payment();
    huge.outputs[0].amount = kMaxAmount;
    EXPECT_NE(payment_error(huge), "");
}

TEST(Encoding, AFormOrAVoucherThatDoesNotExistIsRefused) {
    Bytes form = encode(sample_payment());
    form[0] = 2;
    EXPECT_EQ(decode_payment(form).error().message, "a payment of form 2 does not exist");
    Payment two = sample_close();
    two.inputs.insert(two.inputs.begin(), {filled<32>(0x11), 0});
    EXPECT_EQ(payment_error(two), "a payment that closes a channel has that input alone");
    Voucher nothing = sample_voucher();
    nothing.amount = 0;
    EXPECT_FALSE(decode_voucher(encode(nothing)).ok());
    nothing.amount = kMaxAmount;
    EXPECT_FALSE(decode_voucher(encode(nothing)).ok());
    Coinbase coinbase = sample_block().coinbase;
    coinbase.outputs[0].kind = OutputKind::kChannel;
    EXPECT_EQ(decode_coinbase(encode(coinbase)).error().message,
              "a coinbase pays keys, not channels");
}

TEST(Encoding, OutpointsHaveOneSpellingInText) {
    const OutPoint outpoint{filled<32>(0x1a), 7};
    const std::string text = outpoint_text(outpoint);
    EXPECT_EQ(*parse_outpoint(text), outpoint);
    for (const std::string& bad :
         {std::string(), text.substr(1), text + "0x", text + " ", text.substr(0, 64),
          text.substr(0, 65) + "07", text.substr(0, 65) + "4294967296", std::string(500, ':')})
        EXPECT_FALSE(parse_outpoint(bad).ok()) << bad;
}

TEST(Encoding, BlockRefusesUnsortedAndDoubledLists) {
    Block block = sample_block();
    std::swap(block.payments[0], block.payments[1]);
    EXPECT_FALSE(decode_block(encode(block)).ok());
    block = sample_block();
    block.commitments[1] = block.commitments[0];
    EXPECT_FALSE(decode_block(encode(block)).ok());
    block = sample_block();
    std::swap(block.contributions[0], block.contributions[1]);
    EXPECT_FALSE(decode_block(encode(block)).ok());
    block = sample_block();
    std::swap(block.coinbase.outputs[0], block.coinbase.outputs[1]);
    EXPECT_FALSE(decode_block(encode(block)).ok());
}

}  // namespace
}  // namespace cairn::chain
