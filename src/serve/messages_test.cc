// Proves that every message round-trips, that decoders refuse truncation, trailing bytes and lying
// counts, and that receipts and announcements cannot be altered.
#include "serve/messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "serve/announce.h"

namespace cairn::serve {
namespace {

struct MessagesTest : ::testing::Test {
    SeededRandom random{1};
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    crypto::PublicKey key = crypto::public_key(secret);
    SessionTerms terms{.session = random.hash256(), .model = random.hash256(), .max_positions = 64};

    Push a_push() {
        return {.session = terms.session,
                .position = 7,
                .tokens = 2,
                .states = {1.5F, -0.0F, 3e-40F, -2.0F}};
    }
    PushResult a_result() {
        const Push push = a_push();
        const Hash256 output = states_hash(push.position, push.states);
        return {push, make_receipt(terms, {0, 2}, random.hash256(), output, secret, {})};
    }
    OpenSession an_open() { return {terms, {0, 2}}; }
    OpenSession a_paid_open() {
        OpenSession open = an_open();
        open.payment = {{random.hash256(), 3}, 2'000, {}};
        open.payment->signature = crypto::sign(
            secret, payment_message(terms, open.layers, {}, {}, *open.payment), random);
        return open;
    }
    Announce an_announce() {
        Announce record{.key = {},
                        .address = "10.0.0.1:9",
                        .model = random.hash256(),
                        .layers = {1, 4},
                        .genesis = random.hash256(),
                        .price = 250,
                        .rows_per_s = 4'000'000'000,
                        .load = 3,
                        .capacity = 8,
                        .issued_ms = 1'000'000,
                        .expires_ms = 1'060'000,
                        .signature = {}};
        sign(record, secret, random.hash256());
        return record;
    }
};

/// Every shorter input and every longer one by a byte must be refused.
template <typename Decode>
void expect_canonical(const Bytes& bytes, Decode decode) {
    ASSERT_TRUE(decode(bytes).ok());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode(ByteView(bytes).first(size)).ok()) << size;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer).ok());
}

TEST_F(MessagesTest, RoundTripAndCanonical) {
    const OpenSession open = an_open();
    EXPECT_EQ(*decode_open_session(encode(open)), open);
    expect_canonical(encode(open), decode_open_session);
    const OpenSession paid = a_paid_open();
    EXPECT_EQ(*decode_open_session(encode(paid)), paid);
    expect_canonical(encode(paid), decode_open_session);
    const VoucherGiven given{terms.session, 77, paid.payment->signature};
    EXPECT_EQ(*decode_voucher_given(encode(given)), given);
    expect_canonical(encode(given), decode_voucher_given);
    EXPECT_EQ(*decode_ask_announce({}), Hash256{});
    EXPECT_EQ(*decode_ask_announce(encode_ask_announce(terms.model)), terms.model);
    EXPECT_FALSE(decode_ask_announce(Bytes(5)).ok());
    const Push push = a_push();
    EXPECT_EQ(*decode_push(encode(push)), push);
    expect_canonical(encode(push), decode_push);
    const PushResult result = a_result();
    EXPECT_EQ(*decode_result(encode(result)), result);
    expect_canonical(encode(result), decode_result);
    const SessionProblem problem{terms.session, Refusal::kBusy, "all sessions are taken"};
    EXPECT_EQ(*decode_session_problem(encode(problem)), problem);
    expect_canonical(encode(problem), decode_session_problem);
    const Progress progress{terms.session, 9, 8};
    EXPECT_EQ(*decode_progress(encode(progress)), progress);
    expect_canonical(encode(progress), decode_progress);
    const Announce announce = an_announce();
    EXPECT_EQ(*decode_announce(encode(announce)), announce);
    expect_canonical(encode(announce), decode_announce);
    expect_canonical(encode_session_id(terms.session), decode_session_id);
}

TEST_F(MessagesTest, TermsNameTheNumericsVersionInTwoBytes) {
    Writer writer;
    encode(terms, writer);
    ASSERT_EQ(writer.out().size(), 72U);
    EXPECT_EQ(to_hex(ByteView(writer.out()).subspan(64, 4)), "01000000");
}

// Those of a session without one are what they were before there were sources.
TEST_F(MessagesTest, TermsHaveASourceOrAreAsTheyWere) {
    Writer plain;
    encode(terms, plain);
    terms.source_rows = 0x0102;
    Writer writer;
    encode(terms, writer);
    Bytes bytes = writer.out();
    ASSERT_EQ(bytes.size(), 76U);
    EXPECT_EQ(bytes[66], 0x80);
    EXPECT_EQ(to_hex(ByteView(bytes).subspan(72)), "02010000");
    Bytes without = Bytes(bytes.begin(), bytes.begin() + 72);
    without[66] = 0;
    EXPECT_EQ(without, plain.out());
    const auto refused = [](const Bytes& body) {
        Reader reader(body);
        (void)decode_terms(reader);
        return !reader.finish().ok();
    };
    EXPECT_FALSE(refused(bytes));
    for (const std::uint32_t rows : {0U, (1U << 20) + 1, UINT32_MAX}) {
        for (std::size_t i = 0; i < 4; ++i)
            bytes[72 + i] = static_cast<std::uint8_t>(rows >> (8 * i));
        EXPECT_TRUE(refused(bytes)) << rows;
    }
    EXPECT_FALSE(refused(without));
    EXPECT_TRUE(refused(Bytes(bytes.begin(), bytes.begin() + 72)));
}

TEST_F(MessagesTest, EveryByteOfAnOpenCountsOrIsRefused) {
    OpenSession with_source = an_open();
    with_source.terms.source_rows = 300;
    for (const OpenSession& open : {an_open(), a_paid_open(), with_source}) {
        const Bytes bytes = encode(open);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            Bytes changed = bytes;
            changed[i] ^= 0x41;
            const auto decoded = decode_open_session(changed);
            if (!decoded.ok()) continue;
            EXPECT_FALSE(*decoded == open) << i;
            EXPECT_EQ(encode(*decoded), changed) << "second spelling at byte " << i;
        }
    }
}

TEST_F(MessagesTest, NarrowStatesAndQuietPushesHaveOneSpelling) {
    for (const tensor::StateType type : {tensor::StateType::kF16, tensor::StateType::kI8}) {
        PushResult result = a_result();
        Push& push = result.push;
        push.type = type;
        tensor::round_states(type, 2, push.states);
        const std::size_t full = encode(a_push()).size();
        EXPECT_EQ(encode(push).size(), full - (type == tensor::StateType::kF16 ? 8 : 4));
        EXPECT_EQ(*decode_push(encode(push)), push);
        expect_canonical(encode(push), decode_push);
        Bytes other = encode(push);
        other[other.size() - 2] |= 1;
        // Another NaN, and -128.
        other[other.size() - 1] = type == tensor::StateType::kF16 ? 0x7F : 0x80;
        EXPECT_FALSE(decode_push(other).ok());

        push.quiet = true;
        EXPECT_EQ(*decode_push(encode(push)), push);
        EXPECT_FALSE(decode_result(encode(result)).ok()) << "states that nobody asked for";
        push.states.clear();
        EXPECT_EQ(*decode_result(encode(result)), result);
        EXPECT_FALSE(decode_push(encode(push)).ok());
    }
}

TEST_F(MessagesTest, TheRollingHashForgetsWhatIsTakenBack) {
    const std::vector<float> rows = {1, 2, 3, 4, 5, 6, 7, 8};
    InputChain whole, pieces;
    whole.put(0, rows, 2);
    pieces.put(0, std::span(rows).first(2), 2);
    const Hash256 one = pieces.end();
    pieces.put(1, std::vector<float>{9, 9, 9, 9, 9, 9, 9, 9}, 2);
    EXPECT_EQ(pieces.length(), 5U);
    pieces.put(1, std::span(rows).subspan(2, 2), 2);
    pieces.put(2, std::span(rows).subspan(4), 2);
    EXPECT_EQ(pieces.end(), whole.end());
    pieces.put(1, {}, 2);
    EXPECT_EQ(pieces.end(), one);
    pieces.put(0, {}, 2);
    EXPECT_EQ(pieces.end(), Hash256{});
}

TEST_F(MessagesTest, LyingCountsAndBoundsAreRefused) {
    Push push = a_push();
    push.tokens = 0;
    EXPECT_FALSE(decode_push(encode(push)).ok());
    push.tokens = kMaxPushTokens + 1;
    EXPECT_FALSE(decode_push(encode(push)).ok());
    push.tokens = 3;  // four floats are not three rows
    EXPECT_FALSE(decode_push(encode(push)).ok());
    push.tokens = 2;
    push.states.clear();
    EXPECT_FALSE(decode_push(encode(push)).ok());
    OpenSession open = an_open();
    open.layers = {3, 3};
    EXPECT_FALSE(decode_open_session(encode(open)).ok());
    open.layers = {0, model::kMaxLayers + 1};
    EXPECT_FALSE(decode_open_session(encode(open)).ok());
    open = a_paid_open();
    open.payment->row_price = 0;
    EXPECT_FALSE(decode_open_session(encode(open)).ok());
    Announce record = an_announce();
    record.price = kMaxPrice;
    EXPECT_TRUE(decode_announce(encode(record)).ok());
    record.price = kMaxPrice + 1;
    EXPECT_FALSE(decode_announce(encode(record)).ok());
    record.genesis = {};  // in whose coin?
    record.price = 1;
    EXPECT_FALSE(decode_announce(encode(record)).ok());
    record.price = 0;
    EXPECT_TRUE(decode_announce(encode(record)).ok());
    // A long reason is cut, never sent in a form that the other side refuses.
    const SessionProblem wordy{terms.session, Refusal::kBusy, std::string(9999, 'x')};
    EXPECT_EQ(decode_session_problem(encode(wordy))->reason.size(), kMaxReasonBytes);
}

TEST_F(MessagesTest, NanAndInfinityAreNamed) {
    std::vector<float> states(6, 1.0F);
    EXPECT_TRUE(check_finite(states, 3).ok());
    states[4] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(check_finite(states, 3).error().message, "the activation in row 1, column 1 is NaN");
    states[4] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(check_finite(states, 3).error().message,
              "the activation in row 1, column 1 is infinite");
}

TEST_F(MessagesTest, TermsNameTypesThatThereAre) {
    const auto decodes = [&](std::uint8_t kv, std::uint8_t wire) {
        Writer writer;
        encode(terms, writer);
        Bytes bytes = std::move(writer).take();
        bytes[66] = kv;
        bytes[67] = wire;
        Reader reader(bytes);
        (void)decode_terms(reader);
        return reader.finish().ok();
    };
    for (const tensor::KvType type : tensor::kKvTypes)
        EXPECT_TRUE(decodes(static_cast<std::uint8_t>(type), 0));
    EXPECT_FALSE(decodes(tensor::kLastKvType + 1, 0));
    EXPECT_TRUE(decodes(0, tensor::kLastStateType));
    EXPECT_FALSE(decodes(0, tensor::kLastStateType + 1));
}

TEST_F(MessagesTest, ReceiptsBindEverything) {
    const std::vector<float> states = {1.0F, 2.0F};
    const Hash256 output = states_hash(0, states);
    const Receipt receipt =
        make_receipt(terms, {0, 2}, random.hash256(), output, secret, random.hash256());
    EXPECT_TRUE(check_receipt(terms, receipt, key, output).ok());

    EXPECT_FALSE(check_receipt(terms, receipt, key, states_hash(1, states)).ok());
    const crypto::SecretKey other = crypto::SecretKey::generate(random);
    EXPECT_FALSE(check_receipt(terms, receipt, crypto::public_key(other), output).ok());
    SessionTerms changed = terms;
    changed.model.bytes[0] ^= 1;
    EXPECT_FALSE(check_receipt(changed, receipt, key, output).ok());
    changed = terms;
    changed.kv = tensor::KvType::kF16;
    EXPECT_FALSE(check_receipt(changed, receipt, key, output).ok());
    Receipt forged = receipt;
    forged.layers.end = 3;
    EXPECT_FALSE(check_receipt(terms, forged, key, output).ok());
    forged = receipt;
    forged.inputs.bytes[31] ^= 1;
    EXPECT_FALSE(check_receipt(terms, forged, key, output).ok());
    // Signs of zero are bits too.
    EXPECT_NE(states_hash(0, std::vector<float>{0.0F}), states_hash(0, std::vector<float>{-0.0F}));
}

TEST_F(MessagesTest, AnnouncementsExpireAndAreSigned) {
    const Announce record = an_announce();
    EXPECT_TRUE(check_announce(record, record.issued_ms).ok());
    EXPECT_TRUE(check_announce(record, record.expires_ms).ok());
    EXPECT_FALSE(check_announce(record, record.expires_ms + kMaxClockSkewMs).ok());
    EXPECT_FALSE(check_announce(record, record.issued_ms - kMaxClockSkewMs - 1).ok());
    Announce forged = record;
    forged.layers.end = 5;
    EXPECT_FALSE(check_announce(forged, record.issued_ms).ok());
    forged = record;
    forged.price = 1;
    EXPECT_FALSE(check_announce(forged, record.issued_ms).ok());
    forged = record;
    forged.genesis.bytes[0] ^= 1;
    EXPECT_FALSE(check_announce(forged, record.issued_ms).ok());
    forged = record;
    forged.rows_per_s = 1;
    EXPECT_FALSE(check_announce(forged, record.issued_ms).ok());
    forged = record;
    forged.expires_ms = record.issued_ms + kMaxAnnounceLifeMs + 1;
    sign(forged, secret, {});
    EXPECT_FALSE(check_announce(forged, record.issued_ms).ok());
}

}  // namespace
}  // namespace cairn::serve
