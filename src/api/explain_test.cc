// Proves that the sentences about pay say who gets it, and where the rest of a unit went.
#include "api/explain.h"

#include <gtest/gtest.h>

#include "consensus/block_report.h"
#include "crypto/hash.h"

namespace cairn::api {
namespace {

std::string sentence_for(std::uint64_t worth, std::uint32_t carry_share,
                         std::uint32_t weight = 1U << 16) {
    consensus::BlockReport report;
    report.worth_reference = 50;
    report.contributions.emplace_back();
    report.contributions[0].weighed = {worth, weight};
    chain::NetworkDefinition network;
    network.carry_share = carry_share;
    consensus::describe_merged(report, 0, 75'000'000, network);
    store::ContributionRecord record;
    record.merged = true;
    record.reward = report.contributions[0].reward;
    record.reason = report.contributions[0].reason;
    return explain(record);
}

TEST(Explain, AUnitIsDividedAndItIsSaidHow) {
    const std::string full = sentence_for(80, 16'384);
    EXPECT_NE(full.find("brought its contributor 0.75 coins"), std::string::npos) << full;
    EXPECT_NE(full.find("paid in full: 75 % to its contributor, 25 % to the miners"),
              std::string::npos)
        << full;
    EXPECT_EQ(full.find("earned the full unit"), std::string::npos);
    const std::string part = sentence_for(30, 16'384);
    EXPECT_NE(part.find("paid in part: 75 %"), std::string::npos) << part;
    const std::string none = sentence_for(25, 16'384);
    EXPECT_NE(none.find("earns nothing"), std::string::npos) << none;
    EXPECT_EQ(none.find('%'), std::string::npos) << none;
    const std::string alike = sentence_for(80, 16'384, 28'000);
    EXPECT_NE(
        alike.find("paid in full, as 0.43 of one contribution, since others brought the like: "
                   "75 %"),
        std::string::npos)
        << alike;
    EXPECT_NE(sentence_for(80, 0, 1024).find("as 0.02 of one"), std::string::npos);
    EXPECT_EQ(full.find("of one"), std::string::npos) << full;
    EXPECT_EQ(sentence_for(80, 0).find('%'), std::string::npos) << "nothing is divided";
}

TEST(Explain, AmountsAreCoins) {
    EXPECT_EQ(amount_text(75'000'000), "0.75");
    EXPECT_EQ(amount_text(100'000'000), "1");
    EXPECT_EQ(amount_text(1), "0.00000001");
}

}  // namespace
}  // namespace cairn::api
