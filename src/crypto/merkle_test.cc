// Proves that roots are pinned, that lists which differ have different roots (no duplicated odd
// node), and that the updatable tree always agrees with the plain root.
#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

std::vector<Hash256> numbered(std::size_t count) {
    std::vector<Hash256> leaves;
    for (std::size_t i = 0; i < count; ++i) leaves.push_back(sha256(as_bytes(std::to_string(i))));
    return leaves;
}

Hash256 by_hand(std::string_view tag, const Hash256& left, const Hash256& right) {
    Bytes both(left.bytes.begin(), left.bytes.end());
    both.insert(both.end(), right.bytes.begin(), right.bytes.end());
    return tagged_hash(tag, both);
}

TEST(Merkle, ThreeLeavesByHand) {
    const auto leaves = numbered(3);
    const Hash256 a = tagged_hash("cairn/leaf", leaves[0].view());
    const Hash256 b = tagged_hash("cairn/leaf", leaves[1].view());
    const Hash256 c = tagged_hash("cairn/leaf", leaves[2].view());
    EXPECT_EQ(merkle_root(leaves), by_hand("cairn/node", by_hand("cairn/node", a, b), c));
    EXPECT_EQ(merkle_root(std::span(leaves).first(1)), a);
    EXPECT_EQ(merkle_root({}), tagged_hash("cairn/empty", {}));
}

TEST(Merkle, PinnedRoot) {
    EXPECT_EQ(to_hex(merkle_root(numbered(1000))),
              "87895011b36e1c8ca5a5037df9a8905bef3cc50f9e7c8b5676835ca122aff589");
}

TEST(Merkle, DifferentListsHaveDifferentRoots) {
    std::set<Hash256> roots;
    for (std::size_t n = 0; n < 40; ++n) {
        roots.insert(merkle_root(numbered(n)));
        if (n == 0) continue;
        auto doubled = numbered(n);  // the trick that duplicating odd nodes would allow
        doubled.push_back(doubled.back());
        roots.insert(merkle_root(doubled));
    }
    EXPECT_EQ(roots.size(), 40 + 39);
}

// Every leaf of every list has its branch; a branch of another length or place leads elsewhere.
TEST(Merkle, BranchesLeadToTheRoot) {
    for (const std::size_t n : std::vector<std::size_t>{1, 2, 3, 5, 8, 13, 100}) {
        const auto leaves = numbered(n);
        const Hash256 root = merkle_root(leaves);
        for (std::size_t i = 0; i < n; ++i) {
            auto branch = merkle_branch(leaves, i);
            EXPECT_EQ(root_by_branch(leaves[i], i, n, branch), root) << n << " " << i;
            EXPECT_NE(root_by_branch(leaves[i], i ^ 1, n, branch), root);
            EXPECT_EQ(root_by_branch(leaves[i], n, n, branch), std::nullopt);
            if (n == 1) continue;
            EXPECT_NE(root_by_branch(leaves[(i + 1) % n], i, n, branch), root);
            branch.push_back(root);
            EXPECT_EQ(root_by_branch(leaves[i], i, n, branch), std::nullopt);
            branch.resize(branch.size() - 2);
            EXPECT_EQ(root_by_branch(leaves[i], i, n, branch), std::nullopt);
        }
    }
    // A node is no leaf: what stands in the middle of a tree cannot be shown as a member.
    const auto leaves = numbered(4);
    const Hash256 middle = by_hand("cairn/node", tagged_hash("cairn/leaf", leaves[0].view()),
                                   tagged_hash("cairn/leaf", leaves[1].view()));
    const auto branch = merkle_branch(leaves, 0);
    EXPECT_NE(root_by_branch(middle, 0, 2, std::span(branch).last(1)), merkle_root(leaves));
}

TEST(Merkle, UpdatedTreeEqualsPlainRoot) {
    SeededRandom random(1);
    for (const std::size_t n : std::vector<std::size_t>{0, 1, 2, 3, 5, 8, 13, 100}) {
        auto leaves = numbered(n);
        MerkleTree tree(leaves);
        EXPECT_EQ(tree.root(), merkle_root(leaves));
        for (int step = 0; n > 0 && step < 50; ++step) {
            const std::size_t i = random.below(n);
            leaves[i] = random.hash256();
            tree.set(i, leaves[i]);
            ASSERT_EQ(tree.root(), merkle_root(leaves));
        }
    }
}

}  // namespace
}  // namespace cairn::crypto
