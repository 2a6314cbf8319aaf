// Proves that many sessions and long prefills do not make others wait: a step of somebody from
// elsewhere is next but one, and within a part of the network sessions get equal parts.
#include "serve/turns.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::serve {
namespace {

/// Sessions that always have a push waiting, computed one at a time.
struct Queue {
    struct Waiting {
        Turn turn;
        std::uint64_t cost;
        std::uint64_t computed = 0;
    };
    Turns turns;
    std::vector<Waiting> sessions;

    std::size_t add(const std::string& group, std::uint64_t cost) {
        sessions.push_back({{.group = group}, cost});
        turns.begin(sessions.back().turn);
        return sessions.size() - 1;
    }
    std::size_t next() const {
        std::size_t best = 0;
        for (std::size_t i = 1; i < sessions.size(); ++i)
            if (turns.rank(sessions[i].turn, sessions[i].cost) <
                turns.rank(sessions[best].turn, sessions[best].cost))
                best = i;
        return best;
    }
    std::size_t compute() {
        const std::size_t at = next();
        turns.charge(sessions[at].turn, sessions[at].cost);
        sessions[at].computed += sessions[at].cost;
        return at;
    }
};

TEST(Turns, AStepFromElsewhereComesBeforeACrowdsPrefills) {
    Queue queue;
    for (int i = 0; i < 63; ++i) queue.add("crowd", 256);
    for (int i = 0; i < 10; ++i) queue.compute();
    const std::size_t step = queue.add("user", 1);
    queue.compute();
    EXPECT_LE(queue.sessions[step].computed + 0U, 1U);
    for (int i = 0; i < 300; ++i) queue.compute();
    // A step costs little, so nearly all of the next turns are the user's.
    EXPECT_GE(queue.sessions[step].computed, 255U);
}

TEST(Turns, WithinAPartSessionsGetEqualParts) {
    Queue queue;
    for (int i = 0; i < 7; ++i) queue.add("lan", 256);
    for (int i = 0; i < 100; ++i) queue.compute();
    const std::size_t step = queue.add("lan", 1);
    EXPECT_EQ(queue.compute(), step) << "a short push is not behind all long ones";
    for (int i = 0; i < 3000; ++i) queue.compute();
    for (const Queue::Waiting& session : queue.sessions)
        EXPECT_GT(session.computed, 256U) << "nobody starves";
}

TEST(Turns, WhoWasAwayHasSavedNothing) {
    Queue queue;
    queue.add("a", 10);
    for (int i = 0; i < 1000; ++i) queue.compute();
    const std::size_t late = queue.add("b", 10);
    for (int i = 0; i < 100; ++i) queue.compute();
    EXPECT_NEAR(static_cast<double>(queue.sessions[late].computed), 500, 20);
}

TEST(Turns, CountersBeginAnewWhenNothingWaits) {
    Turns turns;
    Turn old{.group = "a"};
    turns.begin(old);
    turns.charge(old, 1'000'000);
    turns.end(old);
    Turn fresh{.group = "a"};
    turns.begin(fresh);
    turns.begin(old);
    EXPECT_EQ(turns.rank(old, 1), turns.rank(fresh, 1));
}

}  // namespace
}  // namespace cairn::serve
