// Proves that sums of fractions come out as sums, that their claims on the leaves are true, and
// that no message can be another.
#include "argument/fractions.h"

#include <gtest/gtest.h>

#include "argument/multilinear.h"
#include "base/random.h"

namespace cairn::argument {
namespace {

struct FractionsTest : ::testing::TestWithParam<unsigned> {
    void SetUp() override {
        SeededRandom random(GetParam());
        for (std::vector<Fp2>& tree : leaves) {
            tree.resize(std::size_t{1} << GetParam());
            for (Fp2& leaf : tree) leaf = {Fp(random.u64()), Fp(random.u64())};
        }
        Transcript transcript(Hash256{});
        Speaker speaker(transcript, said);
        point = prove_fractions(leaves, speaker);
    }
    Result<FractionClaims> hear(const std::vector<Fp2>& messages) const {
        Transcript transcript(Hash256{});
        Listener listener(transcript, messages);
        return hear_fractions(leaves.size(), GetParam(), listener);
    }
    /// Whether all that is claimed is true.
    bool is_true(const FractionClaims& claims) const {
        for (std::size_t k = 0; k < leaves.size(); ++k) {
            Fp2 sum;
            for (const Fp2& leaf : leaves[k]) sum += inverse(leaf);
            if (claims.roots[k].numerator != sum * claims.roots[k].denominator) return false;
            if (claims.leaves[k] != dot(leaves[k], place_weights(claims.point))) return false;
        }
        return true;
    }

    std::vector<std::vector<Fp2>> leaves{3};
    std::vector<Fp2> said, point;
};

TEST_P(FractionsTest, ClaimsAreTrue) {
    EXPECT_EQ(said.size(), fraction_elements(leaves.size(), GetParam()));
    const FractionClaims claims = hear(said).value();
    EXPECT_EQ(claims.point, point);
    EXPECT_TRUE(is_true(claims));
}

TEST_P(FractionsTest, NoMessageCanBeAnother) {
    const std::size_t last = said.size() - 2 * leaves.size();  // those only the claims can show
    for (std::size_t i = 0; i < said.size(); ++i) {
        std::vector<Fp2> other = said;
        other[i] += Fp2(1);
        const auto claims = hear(other);
        EXPECT_TRUE(!claims.ok() || !is_true(*claims)) << i;
        if (i >= last && GetParam() > 1) {
            EXPECT_FALSE(claims.ok()) << i;
        }
    }
    // Two ends of which the sum in the check is the same.
    std::vector<Fp2> other = said;
    std::swap(other[last], other[last + 1]);
    ASSERT_TRUE(hear(other).ok()) << "children in the other order have the same parent";
    EXPECT_FALSE(is_true(*hear(other))) << "but another polynomial";
}

INSTANTIATE_TEST_SUITE_P(Sizes, FractionsTest, ::testing::Values(1U, 2U, 5U));

}  // namespace
}  // namespace cairn::argument
