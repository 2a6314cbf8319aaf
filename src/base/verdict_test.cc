// Proves that a verdict keeps the number of the broken rule for programs, and that people can read
// it behind the reason.
#include "base/verdict.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(Verdict, TheRuleIsThereForProgramsAndForPeople) {
    const Verdict verdict = Verdict::invalid(Rule::kC3, "payment makes more than it spends");
    EXPECT_TRUE(verdict.is_invalid());
    EXPECT_EQ(verdict.rule(), Rule::kC3);
    EXPECT_EQ(verdict.reason(), "payment makes more than it spends (C3)");
    EXPECT_EQ(rule_name(Rule::kC8), "C8");
}

TEST(Verdict, SaysWhatItIsAboutAndStaysTheSame) {
    const Verdict broken = Verdict::invalid(Rule::kC6, "its score is negative").with_prefix("it");
    EXPECT_TRUE(broken.is_invalid());
    EXPECT_EQ(broken.rule(), Rule::kC6);
    EXPECT_EQ(broken.reason(), "it: its score is negative (C6)");
    const Verdict failed = Verdict::undecided("no memory").with_prefix("it");
    EXPECT_TRUE(failed.is_undecided());
    EXPECT_EQ(failed.reason(), "it: no memory");
}

TEST(Verdict, WithoutARuleNoneIsNamed) {
    EXPECT_EQ(Verdict::invalid("wrong bits").reason(), "wrong bits");
    EXPECT_EQ(Verdict::invalid("wrong bits").rule(), Rule::kNone);
    EXPECT_EQ(rule_name(Verdict::valid().rule()), "");
}

}  // namespace
}  // namespace cairn
