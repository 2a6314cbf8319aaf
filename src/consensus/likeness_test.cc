// Proves that copies share one place, whatever the codec does to them, and that others are left
// alone.
#include "consensus/likeness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "chain/test_objects.h"
#include "consensus/linear_solve.h"

namespace cairn::consensus {
namespace {

constexpr std::uint32_t kAll = 1U << 16;
constexpr std::size_t kSize = 300000;  // more than there are folds

Delta random_delta(unsigned seed) {
    std::mt19937 random(seed);
    Delta delta(kSize);
    for (std::int32_t& entry : delta) entry = static_cast<std::int32_t>(random() % 2001) - 1000;
    return delta;
}

/// part of `a`, the rest of `b`, as norms go.
Delta mixed(const Delta& a, const Delta& b, double part) {
    Delta result(a.size());
    const double rest = std::sqrt(1 - part * part);
    for (std::size_t i = 0; i < a.size(); ++i)
        result[i] = static_cast<std::int32_t>(std::lround(part * a[i] + rest * b[i]));
    return result;
}

std::vector<std::uint32_t> weigh(const std::vector<Delta>& deltas, std::uint32_t kept = kAll) {
    const Folder folder(chain::filled<32>(1), deltas.at(0).size());
    std::vector<Fold> folds;
    for (const Delta& delta : deltas) folds.push_back(folder.fold(delta, kept));
    return Likenesses(folds).weights();
}

/// So many payloads of one update, of whose length `kept` is the update's part; noise from `seed`
/// on.
std::vector<Delta> payloads_of(const Delta& update, unsigned count, double kept, unsigned seed) {
    std::vector<Delta> payloads;
    for (unsigned i = 0; i < count; ++i)
        payloads.push_back(mixed(update, random_delta(seed + i), std::sqrt(kept)));
    return payloads;
}

double sum_of(const std::vector<std::uint32_t>& weights) {
    return std::accumulate(weights.begin(), weights.end(), 0.0) / kAll;
}

// Who is like nobody weighs all, whatever its length.
TEST(Likeness, UnlikeOnesWeighAll) {
    EXPECT_EQ(weigh({random_delta(1)}), std::vector<std::uint32_t>{kAll});
    for (const std::uint32_t weight : weigh({random_delta(1), random_delta(2), random_delta(3)}))
        EXPECT_GT(weight, kAll * 999 / 1000);
    Delta opposite = random_delta(1);
    for (std::int32_t& entry : opposite) entry = -entry;
    EXPECT_EQ(weigh({random_delta(1), opposite}), (std::vector<std::uint32_t>{kAll, kAll}));
}

// n copies weigh what one does, and nobody beside them weighs less for them.
TEST(Likeness, CopiesShareOnePlace) {
    for (const std::size_t n : {2U, 5U, 20U, 64U}) {
        const auto weights = weigh(std::vector<Delta>(n, random_delta(1)));
        EXPECT_NEAR(sum_of(weights), 1, 0.01) << n;
        EXPECT_EQ(weights.front(), weights.back());
    }
    std::vector<Delta> beside(20, random_delta(1));
    beside.push_back(random_delta(2));
    EXPECT_GT(weigh(beside).back(), kAll * 99 / 100);
}

// So they do where each payload of them is mostly noise, as 1-bit ones are, and likenesses scatter.
TEST(Likeness, ScatterDoesNotMakeCopiesCount) {
    const double kept = 0.1;
    std::vector<Delta> payloads = payloads_of(random_delta(1), 20, kept, 10);
    for (unsigned i = 0; i < 3; ++i)
        payloads.push_back(mixed(random_delta(100 + i), random_delta(200 + i), std::sqrt(kept)));
    const auto weights = weigh(payloads, static_cast<std::uint32_t>(kept * kAll));
    EXPECT_NEAR(sum_of({weights.begin(), weights.begin() + 20}), 1, 0.1);
    EXPECT_LT(*std::max_element(weights.begin(), weights.begin() + 20), kAll / 10);
    for (std::size_t i = 20; i < 23; ++i) EXPECT_GT(weights[i], kAll * 95 / 100);
}

// Of one update as alike as honest ones are, twenty copies weigh as it does alone.
TEST(Likeness, BesideAlikeOnesCopiesWeighAsOne) {
    std::vector<Delta> deltas;
    for (unsigned i = 0; i < 4; ++i)
        deltas.push_back(mixed(random_delta(1), random_delta(20 + i), std::sqrt(0.6)));
    const double alone = weigh(deltas).back();
    for (int i = 0; i < 19; ++i) deltas.push_back(deltas[3]);
    const auto weights = weigh(deltas);
    EXPECT_NEAR(sum_of({weights.begin() + 3, weights.end()}), alone / kAll, 0.03);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(weights[i], alone, kAll / 30.0);
}

// What a codec takes away makes no copy look like another's work.
TEST(Likeness, IsMeasuredByWhatTheCodecKeeps) {
    const double kept = 0.16;
    const std::vector<Delta> payloads = payloads_of(random_delta(1), 8, kept, 10);
    EXPECT_LT(sum_of(weigh(payloads, static_cast<std::uint32_t>(kept * kAll))), 1.1);
    EXPECT_GT(sum_of(weigh(payloads)), 6.5);
}

// Half alike, as honest trainers with like texts are: each weighs less, and all the same.
TEST(Likeness, HonestOnesWeighTheSame) {
    std::vector<Delta> honest;
    for (unsigned i = 0; i < 3; ++i)
        honest.push_back(mixed(random_delta(1), random_delta(20 + i), std::sqrt(0.5)));
    const auto weights = weigh(honest);
    ASSERT_EQ(weights.size(), honest.size());
    for (const std::uint32_t weight : weights)
        EXPECT_NEAR(weight, kAll / (1 + 2 * 0.525 * 0.525), kAll / 50.0);
}

// One that is all of many who are not like each other brings nothing that they do not.
TEST(Likeness, TheMiddleOfAStarWeighsTheLeast) {
    std::vector<Delta> star;
    Delta middle(kSize, 0);
    for (unsigned i = 0; i < 4; ++i) {
        star.push_back(random_delta(30 + i));
        for (std::size_t k = 0; k < kSize; ++k) middle[k] += star.back()[k];
    }
    star.push_back(middle);
    const auto weights = weigh(star, kAll / 8);  // so each ray has likeness 1 with the middle
    EXPECT_EQ(weights.back(), 1024u);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_GT(weights[i], kAll * 9 / 10);
}

TEST(Likeness, APartIsAsAlikeAsItWas) {
    const Folder folder(chain::filled<32>(1), kSize);
    std::vector<Fold> folds;
    for (unsigned i = 0; i < 4; ++i)
        folds.push_back(folder.fold(mixed(random_delta(1), random_delta(i), 0.3 + 0.1 * i), kAll));
    const Likenesses all(folds);
    const std::vector<std::size_t> some = {3, 1};
    const Likenesses part = all.of(some);
    ASSERT_EQ(part.size(), 2u);
    EXPECT_EQ(part(0, 1), all(3, 1));
    EXPECT_EQ(part(1, 0), all(1, 3));
    EXPECT_EQ(part(1, 1), 1);
    EXPECT_GT(part(0, 1), 0.1);
}

TEST(Likeness, ZerosAreLikeNothing) {
    EXPECT_EQ(weigh({Delta(8, 0), Delta(8, 5), Delta(8, 0)}),
              (std::vector<std::uint32_t>(3, kAll)));
}

// The definition: sums by i mod 2^16, signs by SHA-256, scaled and rounded towards 0.
TEST(Likeness, FoldsAreWhatTheSpecificationSays) {
    const Folder folder(chain::filled<32>(1), kSize);
    Delta one(kSize, 0);
    one[3] = 10;
    one[3 + kFolds] = 4;
    one[9] = 5;
    const std::vector<std::int16_t> fold = folder.fold(one, kAll).sums;
    ASSERT_EQ(fold.size(), kFolds);
    std::string seen;
    for (const std::size_t i : {3U, 9U}) seen += std::to_string(fold[i]) + " ";
    EXPECT_EQ(seen, "-32767 27305 ");
    EXPECT_EQ(std::count(fold.begin(), fold.end(), 0), static_cast<long>(kFolds) - 2);
    EXPECT_NE(fold, Folder(chain::filled<32>(2), kSize).fold(one, kAll).sums);
    Delta most(kSize, std::numeric_limits<std::int32_t>::max());
    EXPECT_LE(*std::max_element(most.begin(), most.end()),
              std::numeric_limits<std::int32_t>::max());
    for (const std::int16_t value : folder.fold(most, kAll).sums) EXPECT_GE(value, -32767);
}

TEST(LinearSolve, LeavesOutWhatHasNoPivot) {
    EXPECT_EQ(solve({{2, 1}, {1, 2}}, {3, 3}), (Row{1, 1}));
    EXPECT_EQ(solve({{1, 1, 0}, {1, 1, 0}, {0, 0, 4}}, {2, 2, 2}), (Row{2, 0, 0.5}));
    EXPECT_EQ(solve({{0, 7}, {7, 2}}, {3, 4}), (Row{0, 2}));
    EXPECT_EQ(solve({{std::nan(""), 1}, {1, 2}}, {3, 4}), (Row{0, 2}));
    EXPECT_EQ(solve({}, {}), Row{});
}

}  // namespace
}  // namespace cairn::consensus
