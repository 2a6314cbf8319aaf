// Proves that nobody becomes a crowd of clients by the addresses that one subscriber has.
#include "http/client_name.h"

#include <gtest/gtest.h>

namespace cairn::http {
namespace {

TEST(ClientName, AnIpv6SubscriberIsOneClient) {
    const std::string one = client_name("2001:db8:1:2::1");
    EXPECT_EQ(one, "2001:db8:1:2::/64");
    EXPECT_EQ(client_name("2001:db8:1:2:ffff:ffff:ffff:ffff"), one);
    EXPECT_EQ(client_name("2001:db8:1:2:0:5efe:192.0.2.1"), one);
    EXPECT_NE(client_name("2001:db8:1:3::1"), one);
    // On one wire, too, and with the name of the wire.
    EXPECT_EQ(client_name("fe80::1%lo"), client_name("fe80::2%lo"));
}

TEST(ClientName, AnIpv4AddressIsOneClientHoweverItIsWritten) {
    EXPECT_EQ(client_name("192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(client_name("::ffff:192.0.2.7"), "192.0.2.7");
    EXPECT_NE(client_name("192.0.2.8"), "192.0.2.7");
}

TEST(ClientName, OnThisMachineAnAddressSaysNothing) {
    for (const char* own : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "nonsense", ""})
        EXPECT_EQ(client_name(own), "") << own;
}

}  // namespace
}  // namespace cairn::http
