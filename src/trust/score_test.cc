// Proves the score under both policies, and where the middle between trusted and removed lies: few
// audits mean probation, silence is counted apart, a proof ends everything.
#include "trust/score.h"

#include <gtest/gtest.h>

namespace cairn::trust {
namespace {

constexpr std::uint64_t kDay = 86'400'000;

Standing standing(AuditCounts counts, const TrustRules& rules = {}, std::uint32_t layers = 5) {
    return standing_of(counts, "", layers, 5, rules);
}

TEST(Score, ThePaperRemovesSmallServersAndTheNormalisedFormKeepsThem) {
    EXPECT_DOUBLE_EQ(trust_score(1, 1, 5, WeightPolicy::kPaper), 0.2);
    EXPECT_DOUBLE_EQ(trust_score(1, 2, 5, WeightPolicy::kPaper), 0.4);
    EXPECT_DOUBLE_EQ(trust_score(1, 5, 5, WeightPolicy::kPaper), 1);
    for (const std::uint32_t layers : {1U, 2U, 5U})
        EXPECT_DOUBLE_EQ(trust_score(0.75, layers, 5, WeightPolicy::kNormalised), 0.75);

    const AuditCounts many{.right = 1000};
    TrustRules rules{.theta = 0.3, .policy = WeightPolicy::kPaper};
    const Standing small = standing(many, rules, 1);
    EXPECT_EQ(small.status, ServerStatus::kDeactivated);
    EXPECT_NE(small.why.find("1 of 5 layers"), std::string::npos) << small.why;
    EXPECT_EQ(standing(many, rules, 2).status, ServerStatus::kActive);
    rules.policy = WeightPolicy::kNormalised;
    EXPECT_EQ(standing(many, rules, 1).status, ServerStatus::kActive);
}

TEST(Score, FewAuditsMeanProbationAndFourteenEndIt) {
    EXPECT_EQ(standing({}).status, ServerStatus::kProbation);
    EXPECT_EQ(standing({.right = 13}).status, ServerStatus::kProbation);
    EXPECT_EQ(standing({.right = 14}).status, ServerStatus::kActive);
    EXPECT_EQ(standing({.right = 3}, {.theta = 0.3}).status, ServerStatus::kActive);
}

TEST(Score, WrongAnswersRemoveOnlyWhomMoreAuditsCouldNotSave) {
    EXPECT_EQ(standing({.right = 10, .wrong = 1}).status, ServerStatus::kProbation);
    EXPECT_EQ(standing({.right = 10, .wrong = 10}).status, ServerStatus::kDeactivated);
}

TEST(Score, SilenceIsCountedApartAndRemovesInTheEnd) {
    // One in a hundred is a bad line, one in five is a choice.
    EXPECT_EQ(standing({.right = 99, .unanswered = 1}).status, ServerStatus::kActive);
    EXPECT_EQ(standing({.right = 80, .unanswered = 20}).status, ServerStatus::kDeactivated);
    EXPECT_DOUBLE_EQ(standing({.right = 99, .unanswered = 1}).accuracy,
                     standing({.right = 99}).accuracy);
    EXPECT_EQ(standing({.unanswered = 2}).status, ServerStatus::kProbation);
    EXPECT_EQ(standing({.unanswered = 3}).status, ServerStatus::kDeactivated);
}

TEST(Score, AuditsBecomeFewerWithEachThatWasPassed) {
    EXPECT_EQ(audit_chance({}, ServerStatus::kProbation, {}), 1);
    EXPECT_DOUBLE_EQ(audit_chance({.right = 14}, ServerStatus::kActive, {}), 0.5);
    EXPECT_DOUBLE_EQ(audit_chance({.right = 140}, ServerStatus::kActive, {}), 0.05);
    EXPECT_DOUBLE_EQ(audit_chance({.right = 1e6}, ServerStatus::kActive, {}), 0.05);
    EXPECT_EQ(audit_chance({.right = 3}, ServerStatus::kActive, {.theta = 0.3}), 1);
}

TEST(Score, AProofIsNotAveragedAway) {
    const Standing after = standing_of({.right = 1e6}, "row 3 differs", 5, 5, {});
    EXPECT_EQ(after.status, ServerStatus::kConvicted);
    EXPECT_EQ(after.score, 0);
    EXPECT_EQ(after.why, "row 3 differs");
}

TEST(Score, AuditsFadeAndOneWhoReturnsIsOnProbation) {
    AuditCounts counts{.right = 20, .at_ms = kDay};
    EXPECT_EQ(standing(counts).status, ServerStatus::kActive);
    counts.fade(31 * kDay, 30);
    EXPECT_DOUBLE_EQ(counts.right, 10);
    EXPECT_EQ(standing(counts).status, ServerStatus::kProbation);
    counts.fade(kDay, 30);  // a clock that went back
    EXPECT_DOUBLE_EQ(counts.right, 10);
}

TEST(Score, PoliciesAreNamed) {
    EXPECT_EQ(parse_policy("paper").value(), WeightPolicy::kPaper);
    EXPECT_EQ(parse_policy("normalised").value(), WeightPolicy::kNormalised);
    EXPECT_FALSE(parse_policy("normal").ok());
}

}  // namespace
}  // namespace cairn::trust
