// Proves that what peers ask to be read is bounded over all of them, those that left among them,
// and that the parts of the network are read for in turn.
#include "node/peer_reads.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn::node {
namespace {

/// Peers 1 to 9 are in part "1", 11 to 19 in "2", and so on. A read ends when the test says so.
class PeerReadsTest : public testing::Test {
  protected:
    void ask(net::PeerId peer, int times = 1) {
        for (int i = 0; i < times; ++i)
            reads_.add({peer,
                        [this, peer](std::function<void()> finished) {
                            begun_.push_back(peer);
                            under_way_.push_back(std::move(finished));
                        },
                        [this, peer] { refused_.push_back(peer); }});
    }
    void finish_one() {
        const auto finished = std::move(under_way_.front());
        under_way_.pop_front();
        finished();
    }
    void finish_all() {
        while (!under_way_.empty()) finish_one();
    }

    std::vector<net::PeerId> begun_, refused_;
    std::deque<std::function<void()>> under_way_;
    PeerReads reads_{[](net::PeerId peer) { return std::to_string(peer / 10 + 1); },
                     {.at_once = 2, .waiting = 6, .per_peer = 4}};
};

using Peers = std::vector<net::PeerId>;

TEST_F(PeerReadsTest, FewAreOnTheLaneAndAPeerHasABound) {
    ask(1, 6);
    EXPECT_EQ(begun_, Peers({1, 1}));
    EXPECT_EQ(refused_, Peers({1, 1}));
    EXPECT_EQ(reads_.most_of_a_peer(), 4U);
    finish_one();
    EXPECT_EQ(begun_, Peers({1, 1, 1}));
    ask(1);
    EXPECT_EQ(refused_, Peers({1, 1}));
    finish_all();
    EXPECT_EQ(begun_.size(), 5U);
    EXPECT_EQ(reads_.reading() + reads_.waiting() + reads_.most_of_a_peer(), 0U);
}

TEST_F(PeerReadsTest, WhatAPeerAskedGoesWithItsLink) {
    for (net::PeerId peer = 1; peer < 9; ++peer) {
        ask(peer, 4);
        reads_.forget(peer);
    }
    EXPECT_EQ(begun_, Peers({1, 1})) << "two reads outlive their link, and the rest is forgotten";
    EXPECT_EQ(reads_.waiting(), 0U);
    EXPECT_TRUE(refused_.empty());
    ask(9);
    finish_one();
    EXPECT_EQ(begun_, Peers({1, 1, 9}));
    finish_all();
    EXPECT_EQ(reads_.reading() + reads_.most_of_a_peer(), 0U);
}

TEST_F(PeerReadsTest, PartsOfTheNetworkAndTheirPeersAreReadForInTurn) {
    ask(1, 4);
    ask(2, 2);
    ask(11);
    ask(21);
    finish_all();
    EXPECT_EQ(begun_, Peers({1, 1, 1, 11, 21, 2, 1, 2}));
}

TEST_F(PeerReadsTest, AFullRoomIsDividedBetweenPartsOfTheNetwork) {
    ask(1, 4);
    ask(2, 4);
    ASSERT_EQ(reads_.waiting(), 6U);
    ask(11, 4);
    EXPECT_EQ(refused_, Peers({2, 2, 1, 11})) << "three of six for each";
    ask(21);
    EXPECT_EQ(refused_.size(), 5U);
    EXPECT_EQ(reads_.waiting(), 6U);
}

TEST_F(PeerReadsTest, AFullPartIsDividedBetweenItsPeers) {
    ask(1, 4);
    ask(2, 4);
    ask(3, 4);
    EXPECT_EQ(refused_, Peers({2, 2, 3, 3})) << "two of six for each";
    EXPECT_EQ(reads_.waiting(), 6U);
}

TEST_F(PeerReadsTest, AReadMayEndAtOnce) {
    int ended = 0;
    for (int i = 0; i < 100; ++i)
        reads_.add({1, [&](const std::function<void()>& finished) { ++ended, finished(); },
                    [] { FAIL(); }});
    EXPECT_EQ(ended, 100);
    EXPECT_EQ(reads_.reading(), 0U);
}

}  // namespace
}  // namespace cairn::node
