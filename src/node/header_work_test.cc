// Proves that slow work hashes of strangers' headers are computed once each, a few at a time and
// every peer in its turn; that the first header without its work ends its peer; and that what can
// be seen for nothing is seen before anything is computed.
#include "node/header_work.h"

#include <gtest/gtest.h>

#include <set>

#include "base/test_loop.h"
#include "chain/target.h"

namespace cairn::node {
namespace {

constexpr auto kWork = chain::WorkFunction::kSha256d;  // the order of things does not depend on it

class HeaderWorkTest : public testing::Test {
  protected:
    struct Judged {
        net::PeerId peer;
        std::size_t headers;
        bool good;
        bool operator==(const Judged&) const = default;
    };

    /// `count` headers that meet their target, 1 in 2, but for the one numbered `bad`.
    std::vector<chain::BlockHeader> headers(std::size_t count, std::size_t bad = ~std::size_t{0}) {
        std::vector<chain::BlockHeader> made;
        const auto target = chain::target_from_compact(0x207fffff).value();
        while (made.size() < count) {
            chain::BlockHeader header;
            header.target = 0x207fffff;
            header.nonce = ++nonce_;
            const bool meets = chain::meets_target(chain::work_hash(kWork, header), target);
            if (meets == (made.size() != bad)) made.push_back(header);
        }
        return made;
    }
    void give(net::PeerId peer, std::vector<chain::BlockHeader> list) {
        EXPECT_TRUE(work_.add(peer, {std::move(list), false}));
    }

    ManualClock clock_{1'000};
    TestLoop loop_{clock_};
    std::uint64_t nonce_ = 0;
    std::vector<Judged> judged_;
    Status screening_ = ok_status();
    std::size_t known_ = 0;
    std::set<net::PeerId> chosen_;
    HeaderWork work_{
        loop_,
        kWork,
        {.screen = [this](net::PeerId, HeaderWork::Message&) -> Result<std::size_t> {
             if (!screening_.ok()) return screening_.error();
             return known_;
         },
         .done =
             [this](net::PeerId peer, const HeaderWork::Message& message, const Status& status) {
                 judged_.push_back({peer, message.headers.size(), status.ok()});
             },
         .chosen = [this](net::PeerId peer) { return chosen_.contains(peer); }}};
};

TEST_F(HeaderWorkTest, EachIsComputedOnce) {
    const auto list = headers(100);
    give(1, list);
    loop_.run();
    EXPECT_EQ(judged_, (std::vector<Judged>{{1, 100, true}}));
    EXPECT_EQ(work_.computed(), 100U);
    EXPECT_FALSE(work_.has(1));
    give(2, list);
    loop_.run();
    EXPECT_EQ(judged_.size(), 2U);
    EXPECT_EQ(work_.computed(), 100U) << "from anybody, and again";
}

TEST_F(HeaderWorkTest, TheFirstWithoutItsWorkEndsThePeer) {
    give(1, headers(100, 20));
    give(1, headers(50));
    loop_.run();
    EXPECT_EQ(judged_, (std::vector<Judged>{{1, 100, false}})) << "the second message is forgotten";
    EXPECT_EQ(work_.computed(), 21U);
}

TEST_F(HeaderWorkTest, WhatIsRefusedForNothingCostsNothing) {
    screening_ = invalid("a target of its own");
    give(1, headers(100));
    screening_ = ok_status();
    known_ = 100;
    give(2, headers(100));  // all in the tree
    loop_.run();
    EXPECT_EQ(judged_, (std::vector<Judged>{{1, 100, false}, {2, 100, true}}));
    EXPECT_EQ(work_.computed(), 0U);
}

TEST_F(HeaderWorkTest, AnAnnouncementDoesNotWaitForALongBranch) {
    loop_.hold(Lane::kWork);
    give(1, headers(512));
    give(2, headers(1));
    give(3, headers(1));
    for (int i = 0; i < 4; ++i) {
        EXPECT_LE(loop_.jobs(Lane::kWork), 1U) << "one batch at a time";
        loop_.finish(Lane::kWork);
    }
    EXPECT_EQ(judged_, (std::vector<Judged>{{2, 1, true}, {3, 1, true}}));
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_EQ(judged_.size(), 3U);
}

// Keys are free: an attacker whose headers were dear once can send them from all inbound links.
TEST_F(HeaderWorkTest, EverySecondTurnIsForPeersThatWeChose) {
    loop_.hold(Lane::kWork);
    for (net::PeerId stranger = 1; stranger <= 40; ++stranger) give(stranger, headers(64));
    chosen_ = {50, 51};
    give(50, headers(32));
    give(51, headers(1));
    for (int i = 0; i < 10; ++i) loop_.finish(Lane::kWork);
    EXPECT_EQ(judged_, (std::vector<Judged>{{51, 1, true}, {50, 32, true}}));
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_EQ(judged_.size(), 42U);
}

TEST_F(HeaderWorkTest, WhatWaitsIsBounded) {
    loop_.hold(Lane::kWork);
    for (std::size_t i = 0; i < HeaderWork::kMaxMessages; ++i) give(1, headers(20));
    EXPECT_FALSE(work_.add(1, {headers(1), false}));
    EXPECT_TRUE(work_.add(2, {headers(1), false}));
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_EQ(judged_.size(), HeaderWork::kMaxMessages + 1);
}

TEST_F(HeaderWorkTest, WhoeverLeavesIsForgotten) {
    loop_.hold(Lane::kWork);
    give(1, headers(20));
    give(2, headers(3, 0));
    work_.forget(1);
    loop_.finish(Lane::kWork);
    work_.forget(2);
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_TRUE(judged_.empty());
    EXPECT_FALSE(work_.has(1));
}

}  // namespace
}  // namespace cairn::node
