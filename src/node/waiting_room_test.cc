// Proves that no peer pushes another's share out of the waiting room, and that what its commitment
// promises outlasts what nothing promises.
#include "node/waiting_room.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

ItemPtr payload(int number, std::size_t bytes = 100) {
    chain::Contribution contribution;
    contribution.commitment_id.bytes[0] = static_cast<std::uint8_t>(number);
    contribution.payload.resize(bytes);
    return make_item(contribution);
}

TEST(WaitingRoom, WhoHoldsMostGivesWay) {
    WaitingRoom room({.max_items = 10, .max_bytes = 1 << 20});
    room.add({payload(200), 1});
    room.add({payload(201), 2});
    for (int i = 0; i < 100; ++i) room.add({payload(i), 3});
    EXPECT_EQ(room.size(), 10U);
    EXPECT_TRUE(room.contains(payload(200)->name));
    EXPECT_TRUE(room.contains(payload(201)->name));
    EXPECT_TRUE(room.contains(payload(99)->name));
    EXPECT_FALSE(room.contains(payload(0)->name));
}

TEST(WaitingRoom, CountsBytesToo) {
    WaitingRoom room({.max_items = 100, .max_bytes = 4'000});
    room.add({payload(200), 1});
    for (int i = 0; i < 20; ++i) room.add({payload(i, 1'000), 3});
    EXPECT_LE(room.bytes(), 4'000U);
    EXPECT_TRUE(room.contains(payload(200)->name));
}

TEST(WaitingRoom, PromisedPayloadsOutlastOthers) {
    WaitingRoom room({.max_items = 3, .max_bytes = 1 << 20});
    room.add({payload(200, 5'000), 1, 0, true});
    room.add({payload(201, 5'000), 1, 0, true});
    for (int i = 0; i < 100; ++i) room.add({payload(i, 10), static_cast<Source>(2 + i)});
    EXPECT_TRUE(room.contains(payload(200)->name));
    EXPECT_TRUE(room.contains(payload(201)->name));
}

// The id of a contribution does not say what its payload is: somebody may send rubbish under it.
TEST(WaitingRoom, AnIdIsKeptForEachSource) {
    WaitingRoom room({});
    room.add({payload(1, 10), 1});
    room.add({payload(1, 20), 1});
    room.add({payload(1, 30), 2});
    const auto all = room.take_all();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].item->contribution().payload.size(), 10U);
    EXPECT_EQ(all[1].item->contribution().payload.size(), 30U);
    EXPECT_EQ(room.size(), 0U);
    EXPECT_EQ(room.bytes(), 0U);
}

}  // namespace
}  // namespace cairn::node
