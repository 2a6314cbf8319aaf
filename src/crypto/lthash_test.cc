// Proves that the set hash ignores order, that removing undoes adding exactly, that its state
// survives storage, and pins its values.
#include "crypto/lthash.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

TEST(LtHash, PinnedValues) {
    EXPECT_EQ(LtHash().digest(), sha256(Bytes(2048, 0)));
    LtHash one;
    one.add(as_bytes("a"));
    Bytes expected(2048);
    shake128(as_bytes("a"), expected);
    EXPECT_EQ(one.state(), expected) << "one element is its SHAKE128";
    one.add(as_bytes("b"));
    EXPECT_EQ(to_hex(one.digest()),
              "d05bf787c9a81eb4b0b3bbdec7af2bd708dbd85351c6312df84b482c0cbf9732");
}

TEST(LtHash, OrderDoesNotMatterAndRemovingUndoes) {
    SeededRandom random(3);
    std::vector<Hash256> elements;
    for (int i = 0; i < 50; ++i) elements.push_back(random.hash256());
    LtHash forward;
    for (const Hash256& element : elements) forward.add(element.view());
    LtHash backward;
    backward.remove(elements[4].view());  // even before it was added
    for (auto it = elements.rbegin(); it != elements.rend(); ++it) backward.add(it->view());
    EXPECT_NE(forward, backward);
    backward.add(elements[4].view());
    EXPECT_EQ(forward, backward);
    EXPECT_EQ(forward.digest(), backward.digest());
    for (const Hash256& element : elements) forward.remove(element.view());
    EXPECT_EQ(forward, LtHash());
}

TEST(LtHash, StateRoundTrips) {
    LtHash set;
    set.add(as_bytes("coin"));
    auto read = LtHash::from_state(set.state());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, set);
    EXPECT_FALSE(LtHash::from_state(Bytes(2047)).ok());
    EXPECT_FALSE(LtHash::from_state(Bytes(2049)).ok());
}

}  // namespace
}  // namespace cairn::crypto
