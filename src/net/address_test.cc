// Proves that well-formed addresses round-trip, that everything else is refused, saying what is
// wrong, and that "this machine" is decided by parsing, never by how a text begins.
#include "net/address.h"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

TEST(Address, RoundTrips) {
    for (const char* text :
         {"127.0.0.1:7070", "example.org:1", "[::1]:65535", "[fe80::1]:0", "a_b-c:80",
          "example.org.:8", "[::ffff:10.0.0.1]:9", "3com.example:1"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address.ok()) << text;
        EXPECT_EQ(to_string(*address), text);
    }
    EXPECT_EQ(parse_address("[::1]:5")->host, "::1");
}

TEST(Address, RefusesTheRest) {
    for (const char* text :
         {"", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1", "host:08", "host:8 ",
          "::1:80", "[]:80", "[::1:80", "[host]:80", "a b:80", "host:80:90", "h/x:1", "[1]:1",
          "[::1]", "[::1]80", "[::1]:", "[::g]:1", "[1:2]:3", "::1]:80", "a..b:1", ".a:1", "..:1",
          // Numbers that some resolvers read as 127.0.0.1 and others as a name.
          "127.1:80", "2130706433:80", "0x7f.1:80", "127.0.0.01:80", "127.0.0.256:80",
          "127.0.0.1.:80", "1.2.3.4.5:80"})
        EXPECT_FALSE(parse_address(text).ok()) << text;
    using namespace std::string_literals;
    for (const std::string& text : {"10.0.0.1\0x:80"s, "[::1\0x]:80"s, "a\0b:80"s})
        EXPECT_FALSE(parse_address(text).ok()) << "what is behind a NUL is a part of it";
    EXPECT_FALSE(parse_address(std::string(300, 'a') + ":80").ok());
    EXPECT_FALSE(parse_address(std::string(64, 'a') + ":80").ok()) << "a name's parts are short";
}

TEST(Address, SaysWhatIsWrong) {
    const auto why = [](const std::string& text) { return parse_address(text).error().message; };
    EXPECT_NE(why("127.0.0.1").find("no port"), std::string::npos);
    EXPECT_NE(why("host:65536").find("65535"), std::string::npos);
    EXPECT_NE(why("2001:db8::1:x").find("neither"), std::string::npos);
    EXPECT_NE(why("2001:db8::1").find("brackets"), std::string::npos);
    EXPECT_EQ(why("evil\x1b[2J:1").find('\x1b'), std::string::npos) << "cleaned for a terminal";
}

TEST(Address, NobodyIsReachedAtPortZero) {
    EXPECT_TRUE(parse_peer_address("127.0.0.1:1").ok());
    EXPECT_FALSE(parse_peer_address("127.0.0.1:0").ok());
    EXPECT_FALSE(parse_peer_address("nonsense").ok());
}

TEST(Address, LoopbackIsParsed) {
    for (const char* host : {"127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1",
                             "::ffff:127.0.0.1", "localhost", "LocalHost", "localhost."})
        EXPECT_TRUE(is_loopback(host)) << host;
    for (const char* host :
         {"127.attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example",
          "127.", "127", "127.1", "128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:128.0.0.1", "",
          "[::1]", "1270.0.0.1", "127.0.0.1 ", "10.0.0.127"})
        EXPECT_FALSE(is_loopback(host)) << host;
}

// What a router says of its own address is worth nothing if another one stands before it.
TEST(Address, OnlyWhatTheWholeInternetPassesOnIsPublic) {
    for (const char* host :
         {"8.8.8.8", "11.3.0.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
          "192.167.1.1", "223.255.255.255", "::ffff:8.8.8.8", "2a00::1", "2001:db9::1"})
        EXPECT_TRUE(is_public(host)) << host;
    for (const char* host : {"0.0.0.0",
                             "10.0.0.1",
                             "100.64.0.1",
                             "100.127.255.255",
                             "127.0.0.1",
                             "169.254.1.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.0.2.1",
                             "192.168.1.1",
                             "198.18.0.1",
                             "198.19.255.255",
                             "198.51.100.1",
                             "203.0.113.9",
                             "224.0.0.1",
                             "255.255.255.255",
                             "::1",
                             "::",
                             "fe80::1",
                             "fc00::1",
                             "ff02::1",
                             "2001:db8::1",
                             "::ffff:10.0.0.1",
                             "localhost",
                             "example.org",
                             ""})
        EXPECT_FALSE(is_public(host)) << host;
}

TEST(Address, ReadsTheHostField) {
    EXPECT_EQ(*parse_host_field("127.0.0.1:80"), "127.0.0.1");
    EXPECT_EQ(*parse_host_field("localhost"), "localhost");
    EXPECT_EQ(*parse_host_field("[::1]:80"), "::1");
    EXPECT_EQ(*parse_host_field("[::1]"), "::1");
    EXPECT_EQ(*parse_host_field("127.attacker.example:8420"), "127.attacker.example");
    for (const char* text : {"", ":80", "[127.attacker.example]", "[::1", "[::1]x", "::1", "a b",
                             "127.0.0.1:x", "127.0.0.1:", "127.0.0.1:99999", "user@127.0.0.1"})
        EXPECT_FALSE(parse_host_field(text).ok()) << text;
}

TEST(Address, NetgroupsHoldWhatIsCheapToOwnTogether) {
    EXPECT_EQ(netgroup("10.2.3.4"), netgroup("10.2.250.1"));
    EXPECT_NE(netgroup("10.2.3.4"), netgroup("10.3.3.4"));
    EXPECT_EQ(netgroup("::ffff:10.2.9.9"), netgroup("10.2.3.4"));
    EXPECT_EQ(netgroup("2001:db8:1::1"), netgroup("2001:db8:ffff::2"));
    EXPECT_NE(netgroup("2001:db8::1"), netgroup("2001:db9::1"));
    EXPECT_EQ(netgroup("a.example"), netgroup("b.other"));
}

}  // namespace
}  // namespace cairn::net
