// Proves that every range of every small tree is proved by exactly the hashes beside it, that part
// of a range that was proved can be proved to others, and that no other leaves, places or hashes
// lead to the root.
#include "crypto/merkle_range.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

std::vector<Hash256> leaves_of(std::uint64_t total) {
    std::vector<Hash256> leaves;
    for (std::uint64_t i = 0; i < total; ++i)
        leaves.push_back(sha256(as_bytes("leaf " + std::to_string(i))));
    return leaves;
}

std::span<const Hash256> part(const std::vector<Hash256>& leaves, std::uint64_t begin,
                              std::uint64_t end) {
    return std::span(leaves).subspan(begin, end - begin);
}

TEST(MerkleRange, EveryRangeOfEverySmallTreeLeadsToTheRoot) {
    for (std::uint64_t total = 1; total <= 20; ++total) {
        const auto leaves = leaves_of(total);
        const auto whole = MerkleRange::build(leaves, 0, total, {});
        ASSERT_TRUE(whole.ok());
        EXPECT_EQ(whole->root(), merkle_root(leaves));
        for (std::uint64_t begin = 0; begin < total; ++begin)
            for (std::uint64_t end = begin + 1; end <= total; ++end) {
                const RangeProof proof = whole->prove(begin, end);
                const auto range =
                    MerkleRange::build(part(leaves, begin, end), begin, total, proof);
                ASSERT_TRUE(range.ok()) << begin << "-" << end << " of " << total;
                EXPECT_EQ(range->root(), whole->root());
                // Whoever has a part proves parts of it.
                for (std::uint64_t from = begin; from < end; ++from)
                    EXPECT_EQ(range->prove(from, end), whole->prove(from, end));
            }
    }
}

TEST(MerkleRange, SidesOfNeighboursProveBothTogether) {
    const auto leaves = leaves_of(23);
    const auto whole = MerkleRange::build(leaves, 0, 23, {});
    for (std::uint64_t middle = 4; middle < 19; ++middle) {
        const RangeProof both{whole->prove(3, middle).left, whole->prove(middle, 20).right};
        const auto range = MerkleRange::build(part(leaves, 3, 20), 3, 23, both);
        ASSERT_TRUE(range.ok());
        EXPECT_EQ(range->root(), whole->root());
    }
}

TEST(MerkleRange, AnythingElseLeadsElsewhereOrIsRefused) {
    const auto leaves = leaves_of(11);
    const Hash256 root = merkle_root(leaves);
    const auto whole = MerkleRange::build(leaves, 0, 11, {});
    const RangeProof proof = whole->prove(3, 7);
    const auto leads = [&](const std::vector<Hash256>& changed, std::uint64_t first,
                           std::uint64_t total, const RangeProof& by) {
        const auto range = MerkleRange::build(changed, first, total, by);
        return range.ok() && range->root() == root;
    };
    const std::vector<Hash256> right(leaves.begin() + 3, leaves.begin() + 7);
    EXPECT_TRUE(leads(right, 3, 11, proof));
    for (std::size_t i = 0; i < right.size(); ++i) {
        auto changed = right;
        changed[i].bytes[5] ^= 1;
        EXPECT_FALSE(leads(changed, 3, 11, proof));
    }
    EXPECT_FALSE(leads(right, 2, 11, proof));
    EXPECT_FALSE(leads(right, 4, 11, proof));
    EXPECT_FALSE(leads({right.rbegin(), right.rend()}, 3, 11, proof));
    EXPECT_FALSE(leads({}, 3, 11, proof));
    EXPECT_FALSE(leads(right, 8, 11, proof));  // ends outside
    for (auto side : {&RangeProof::left, &RangeProof::right}) {
        auto longer = proof, shorter = proof, other = proof;
        (longer.*side).push_back(root);
        (shorter.*side).pop_back();
        (other.*side)[0].bytes[0] ^= 1;
        EXPECT_FALSE(leads(right, 3, 11, longer));
        EXPECT_FALSE(leads(right, 3, 11, shorter));
        EXPECT_FALSE(leads(right, 3, 11, other));
    }
    // A node cannot pass for a leaf, nor a tree for one of another size.
    const auto pair = MerkleRange::build(part(leaves, 0, 2), 0, 2, {});
    EXPECT_FALSE(leads({pair->root()}, 0, 6, {{}, {}}));
    EXPECT_FALSE(MerkleRange::build(leaves, 0, kMaxMerkleLeaves + 1, {}).ok());
}

}  // namespace
}  // namespace cairn::crypto
