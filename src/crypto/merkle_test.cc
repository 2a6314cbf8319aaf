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
