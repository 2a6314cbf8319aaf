// Proves that clients take turns however much each asks for, in the order of asking within each.
#include "host/turn_queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::host {
namespace {

std::string drain(TurnQueue<std::string>& queue) {
    std::string order;
    while (const auto item = queue.take([](const std::string&) { return TurnChoice::kTake; }))
        order += *item + " ";
    return order;
}

TEST(TurnQueue, GoesRoundTheClients) {
    TurnQueue<std::string> queue;
    for (const char* item : {"a1", "a2", "a3", "b1", "c1", "c2"}) queue.add({item[0]}, item);
    EXPECT_EQ(drain(queue), "a1 b1 c1 a2 c2 a3 ");
    EXPECT_TRUE(queue.empty());
}

TEST(TurnQueue, WhoComesOftenWaitsBehindWhoWaited) {
    TurnQueue<std::string> queue;
    queue.add("a", "a1");
    queue.add("b", "b1");
    EXPECT_EQ(queue.take([](const std::string&) { return TurnChoice::kTake; }), "a1");
    queue.add("a", "a2");
    EXPECT_EQ(drain(queue), "b1 a2 ");
}

TEST(TurnQueue, LooksPastWhatCannotGoYetAndStopsWhenTold) {
    TurnQueue<std::string> queue;
    for (const char* item : {"a1", "a2", "b1"}) queue.add({item[0]}, item);
    EXPECT_EQ(queue.take([](const std::string& item) {
        return item == "a1" ? TurnChoice::kNext : TurnChoice::kTake;
    }),
              "a2");
    // "a" has had a turn.
    EXPECT_EQ(drain(queue), "b1 a1 ");
}

TEST(TurnQueue, DropsWhatNobodyWantsAnyMore) {
    TurnQueue<std::string> queue;
    for (const char* item : {"a1", "b1", "b2"}) queue.add({item[0]}, item);
    queue.remove_if([](const std::string& item) { return item != "b2"; });
    EXPECT_EQ(drain(queue), "b2 ");
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace cairn::host
