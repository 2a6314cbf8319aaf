// Proves that well-formed addresses round-trip and that everything else is refused.
#include "net/address.h"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

TEST(Address, RoundTrips) {
    for (const char* text :
         {"127.0.0.1:7070", "example.org:1", "[::1]:65535", "[fe80::1]:0", "a_b-c:80"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address.ok()) << text;
        EXPECT_EQ(to_string(*address), text);
    }
    EXPECT_EQ(parse_address("[::1]:5")->host, "::1");
}

TEST(Address, RefusesTheRest) {
    for (const char* text :
         {"", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1", "host:08", "host:8 ",
          "::1:80", "[]:80", "[::1:80", "[host]:80", "a b:80", "host:80:90", "h/x:1", "[1]:1"})
        EXPECT_FALSE(parse_address(text).ok()) << text;
    EXPECT_FALSE(parse_address(std::string(300, 'a') + ":80").ok());
}

}  // namespace
}  // namespace cairn::net
