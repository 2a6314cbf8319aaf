// Proves that hellos and frame headers have one encoding and bounds, and that a hello is good only
// for its session, its role, its network and its key.
#include "net/hello.h"

#include <gtest/gtest.h>

#include "net/network.h"

namespace cairn::net {
namespace {

class HelloTest : public testing::Test {
  protected:
    Hello make(Role role, const Hash256& on_channel) {
        Hello hello;
        hello.genesis = genesis;
        hello.key = crypto::public_key(secret);
        hello.listen_port = 7070;
        hello.signature = crypto::sign(secret, hello_message(hello, role, on_channel), random);
        return hello;
    }
    std::string refusal(const Hello& hello, Role role, const Hash256& on_channel) {
        const Status status = check_hello(hello, role, on_channel, genesis, our_key);
        return status.ok() ? "" : status.error().message;
    }

    SeededRandom random{5};
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    crypto::PublicKey our_key = crypto::public_key(crypto::SecretKey::generate(random));
    Hash256 genesis = random.hash256();
    Hash256 channel = random.hash256();
};

TEST_F(HelloTest, RoundTripsAndHasOneSpelling) {
    const Hello hello = make(Role::kDialler, channel);
    const Bytes bytes = encode_hello(hello);
    ASSERT_EQ(bytes.size(), kHelloBytes);
    const auto read = decode_hello(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(encode_hello(*read), bytes);
    EXPECT_EQ(refusal(*read, Role::kDialler, channel), "");
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_hello(ByteView(bytes).first(size)).ok());
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_hello(longer).ok());
    Bytes foreign = bytes;
    foreign[0] ^= 1;
    EXPECT_FALSE(decode_hello(foreign).ok());
}

TEST_F(HelloTest, IsBoundToSessionAndRole) {
    const Hello hello = make(Role::kDialler, channel);
    EXPECT_NE(refusal(hello, Role::kDialler, random.hash256()), "") << "a man in the middle";
    EXPECT_NE(refusal(hello, Role::kAcceptor, channel), "") << "reflected";
}

TEST_F(HelloTest, EverySignedFieldCounts) {
    const Hello good = make(Role::kAcceptor, channel);
    ASSERT_EQ(refusal(good, Role::kAcceptor, channel), "");
    Hello altered = good;
    altered.listen_port = 7071;
    EXPECT_NE(refusal(altered, Role::kAcceptor, channel), "");
    altered = good;
    altered.key = crypto::public_key(crypto::SecretKey::generate(random));
    EXPECT_NE(refusal(altered, Role::kAcceptor, channel), "");
    altered = good;
    altered.signature.bytes[63] ^= 1;
    EXPECT_NE(refusal(altered, Role::kAcceptor, channel), "");
}

TEST_F(HelloTest, SaysWhyItRefuses) {
    Hello hello = make(Role::kDialler, channel);
    hello.genesis = Hash256{};
    EXPECT_NE(refusal(hello, Role::kDialler, channel).find("different networks"),
              std::string::npos);
    hello = make(Role::kDialler, channel);
    hello.version = 9;
    EXPECT_NE(refusal(hello, Role::kDialler, channel).find("version 9"), std::string::npos);
    EXPECT_EQ(check_hello(hello, Role::kDialler, channel, genesis, our_key).error().code,
              ErrorCode::kUnsupported);
    our_key = crypto::public_key(secret);
    hello = make(Role::kDialler, channel);
    EXPECT_NE(refusal(hello, Role::kDialler, channel).find("ourselves"), std::string::npos);
}

TEST(FrameTest, HeaderRoundTripsWithinBounds) {
    const Bytes frame = encode_frame(7, as_bytes("abc"));
    ASSERT_EQ(to_hex(frame), "030000000700616263");
    const auto header = decode_frame_header(ByteView(frame).first(kFrameHeaderBytes));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->kind, 7);
    EXPECT_EQ(header->body_bytes, 3u);
    EXPECT_FALSE(decode_frame_header(frame).ok()) << "trailing bytes";
}

TEST(FrameTest, EachKindHasItsBound) {
    const auto accepted = [](std::uint32_t size, std::uint16_t kind) {
        Bytes header;
        for (int i = 0; i < 4; ++i) header.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
        header.push_back(static_cast<std::uint8_t>(kind));
        header.push_back(static_cast<std::uint8_t>(kind >> 8));
        return decode_frame_header(header).ok();
    };
    EXPECT_TRUE(accepted(kMaxMessageBytes, 1));
    EXPECT_FALSE(accepted(kMaxMessageBytes + 1, 1));
    EXPECT_FALSE(accepted(0xFFFFFFFF, 0xFEFF));
    EXPECT_TRUE(accepted(kHelloBytes, 0xFFFF));
    EXPECT_FALSE(accepted(kHelloBytes + 1, 0xFFFF));
    EXPECT_FALSE(accepted(1, 0xFFFE)) << "a welcome says nothing";
    EXPECT_FALSE(accepted(201, 0xFFFD));
    EXPECT_FALSE(accepted(1, 0xFF00)) << "reserved and unknown";
}

TEST(FrameTest, ForeignReasonsAreMadeReadable) {
    EXPECT_EQ(readable_reason(as_bytes("bye\n\x1b[31m")), "bye??[31m");
    EXPECT_EQ(readable_reason(Bytes(1000, 'x')).size(), kMaxGoodbyeBytes);
}

}  // namespace
}  // namespace cairn::net
