// Proves that no coins are put aside for a server where another one of the same route is too dear.
#include "cli/chain/pay_servers.h"

#include <gtest/gtest.h>

namespace cairn::cli {
namespace {

serve::Hop hop(const std::string& address, std::uint64_t price) {
    return {{0, 4}, {}, address, price, {}};
}

TEST(ChannelsToOpen, AllPricesAreLookedAtBeforeAChannelIsOpened) {
    PayOptions options;
    options.open = "0.1";
    const auto nobody = [](const serve::Hop&) { return false; };
    const std::vector<serve::Hop> fair = {hop("a:1", 1'000), hop("b:1", 0), hop("c:1", 2'000)};
    const auto missing = channels_to_open(options, fair, nobody);
    ASSERT_TRUE(missing.ok()) << missing.error().message;
    ASSERT_EQ(missing->size(), 2U) << "b is free";
    EXPECT_EQ(missing->at(1).address, "c:1");
    const auto rest = channels_to_open(
        options, fair, [](const serve::Hop& each) { return each.address == "a:1"; });
    EXPECT_EQ(rest->size(), 1U);
    const auto dear =
        channels_to_open(options, {hop("a:1", 1'000), hop("d:1", 1ULL << 50)}, nobody);
    ASSERT_FALSE(dear.ok());
    EXPECT_NE(dear.error().message.find("d:1 asks for"), std::string::npos);
    options.max_price = "0.00001";  // 1,000 of the smallest unit
    const auto above = channels_to_open(options, fair, nobody);
    ASSERT_FALSE(above.ok());
    EXPECT_NE(above.error().message.find("c:1 asks for 0.00002"), std::string::npos)
        << above.error().message;
}

}  // namespace
}  // namespace cairn::cli
