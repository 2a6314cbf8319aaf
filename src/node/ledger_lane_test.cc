// Proves that a job sees the state on the chain lane and its result comes back to the loop, that
// jobs do not nest, and that nobody inspects the ledger while another thread runs the jobs.
#include "node/ledger_lane.h"

#include <gtest/gtest.h>

#include <optional>
#include <type_traits>

#include "consensus/test_chain.h"
#include "net/asio_loop.h"
#include "node/model_reader.h"

namespace cairn::node {
namespace {

// The model's weights are given for a ChainState only, which nobody has but a job.
static_assert(std::is_invocable_v<decltype(&ModelReader::weights), ModelReader, const ChainState&>);
static_assert(!std::is_invocable_v<decltype(&ModelReader::weights), ModelReader>);

class LedgerLaneTest : public testing::Test {
  protected:
    void run() {
        loop_->run();
        loop_.reset();  // as a node ends: the lane's thread is joined before the state goes
    }

    consensus::TestChain chain_;
    consensus::FakeModel model_;
    MemoryDisk disk_;
    std::unique_ptr<store::Store> store_ = store::Store::in_memory(disk_).value();
    BlockTree tree_{chain_.ledger.genesis()};
    std::unique_ptr<net::AsioLoop> loop_ = std::make_unique<net::AsioLoop>();
    LedgerLane lane_{*loop_, chain_.network, model_, *store_, tree_.genesis(), {}};
};
using LedgerLaneDeathTest = LedgerLaneTest;

TEST_F(LedgerLaneTest, AJobSeesTheStateAndItsResultComesToTheLoop) {
    const auto loop_thread = std::this_thread::get_id();
    std::optional<Hash256> tip;
    lane_.on_lane(
        [&](ChainState& state) {
            EXPECT_NE(std::this_thread::get_id(), loop_thread);
            return state.ledger().tip();
        },
        [&](const Hash256& result) {
            EXPECT_EQ(std::this_thread::get_id(), loop_thread);
            tip = result;
            loop_->stop();
        });
    run();
    EXPECT_EQ(tip, tree_.genesis()->hash);
    EXPECT_EQ(lane_.start()->node, tree_.genesis());
}

TEST_F(LedgerLaneTest, BeforeAnyJobItMayBeInspected) {
    EXPECT_EQ(lane_.inspect([](const ChainState& state) { return state.ledger().tip(); }),
              tree_.genesis()->hash);
}

TEST_F(LedgerLaneDeathTest, AJobThatAsksForAnotherIsAnError) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            lane_.on_lane([&](ChainState&) { lane_.on_lane([](ChainState&) {}); },
                          [&] { loop_->stop(); });
            loop_->run();
        },
        "inside_job");
}

TEST_F(LedgerLaneDeathTest, TheLedgerIsNotInspectedBesideAThreadOfItsOwn) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            lane_.on_lane([](ChainState&) {}, [&] { loop_->stop(); });
            loop_->run();
            lane_.inspect([](const ChainState&) { return 0; });
        },
        "worker");
}

}  // namespace
}  // namespace cairn::node
