// Proves that each merge block gets the loss and the sample of the model right after it, also where
// several merges are connected in one step and where the serve lane is behind; and that the weights
// of the best of them are kept, whatever comes after.
#include "node/merge_reporter.h"

#include <gtest/gtest.h>

#include <map>

#include "node/past_model.h"
#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

/// A model of one weight, the height at which it was read; its loss is that number, or is given.
class HeightReader final : public ModelReader {
  public:
    WeightsPtr weights(const ChainState& state) const override {
        const auto height = static_cast<float>(state.tip()->height);
        return std::make_shared<const std::vector<float>>(1, height);
    }
    model::Model model_of(WeightsPtr) const override { return {}; }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<std::vector<double>> report_losses(const std::vector<float>& weights) override {
        const auto known = losses.find(static_cast<int>(weights[0]));
        const double loss = known != losses.end() ? known->second : static_cast<double>(weights[0]);
        if (!two_sources) return std::vector{loss};
        return std::vector{loss - 1, loss + 1};
    }
    Result<std::string> generate(const std::vector<float>& weights, const std::string& prompt,
                                 std::uint32_t, std::uint64_t) override {
        return prompt + std::to_string(static_cast<int>(weights[0]));
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return ok_status();
    }

    std::map<int, double> losses;  ///< by height; others' are their heights
    bool two_sources = false;      ///< of a loss one below it and one above
};

class MergeReporterTest : public testing::TestWithParam<std::uint32_t> {
  protected:
    MergeReporterTest() {
        kit_.chain->lane().set_merge_hook([this](const ChainState& state, const BlockNode* block) {
            reporter_.on_merge(state, block);
        });
    }
    /// All blocks arrive before the first can be connected, so that one step connects them.
    void give_at_once(const std::vector<chain::Block>& blocks) {
        for (const chain::Block& block : blocks) kit_.give_header(block);
        for (std::size_t i = blocks.size(); i-- > 0;) kit_.chain->accept_block(blocks[i]);
    }

    ActiveChainKit kit_;
    HeightReader reader_;
    MergeReporter reporter_{kit_.loop,
                            kit_.chain->lane(),
                            reader_,
                            {.sample_prompt = "at ", .max_waiting = GetParam()}};
};

TEST_P(MergeReporterTest, EveryMergeGetsWhatItsOwnModelGives) {
    kit_.loop.hold(Lane::kServe);
    give_at_once(kit_.branch(kit_.alice, 13));
    kit_.loop.run();
    ASSERT_EQ(kit_.outcomes.size(), 1U) << "one step, or the test proves nothing";
    kit_.loop.release(Lane::kServe);
    kit_.loop.run();
    const auto merges = kit_.store->merges(0, 10).value();
    ASSERT_EQ(merges.size(), 3U);
    for (const store::MergeRecord& merge : merges) {
        EXPECT_EQ(merge.report_loss, static_cast<double>(merge.height));
        EXPECT_EQ(merge.sample, "at " + std::to_string(merge.height));
    }
}

TEST_P(MergeReporterTest, OfSeveralSourcesTheMeanAndEachIsKept) {
    reader_.two_sources = true;
    give_at_once(kit_.branch(kit_.alice, 5));
    kit_.loop.run();
    const auto merges = kit_.store->merges(0, 10).value();
    ASSERT_EQ(merges.size(), 1U);
    EXPECT_EQ(merges[0].report_loss, 4.0);
    EXPECT_EQ(merges[0].source_losses, (std::vector{3.0, 5.0}));
}

TEST_P(MergeReporterTest, TheBestModelIsKept) {
    reader_.losses = {{4, 3.0}, {8, 2.0}, {12, 2.5}};
    const auto kept = [this](float height) {
        const auto best = kit_.store->best_merge().value();
        if (!best || best->height != static_cast<std::uint64_t>(height)) return false;
        const auto bytes = kit_.store->kept_model(best->height, best->block);
        return bytes.ok() && *bytes == weight_bytes({height});
    };
    kit_.loop.hold(Lane::kServe);
    give_at_once(kit_.branch(kit_.alice, 13));
    kit_.loop.run();
    EXPECT_FALSE(kit_.store->best_merge().value().has_value() && GetParam() > 2);
    kit_.loop.release(Lane::kServe);
    kit_.loop.run();
    EXPECT_TRUE(kept(8));
    EXPECT_EQ(kit_.disk.list("models").size(), 1U);

    // A longer branch from block 6 on has other merges, none as good: the earlier best, whose model
    // is no longer kept, is named, and the next better one is kept again.
    kit_.take_back(7);
    reader_.losses = {{8, 4.0}, {12, 3.5}, {16, 1.0}};
    give_at_once(kit_.branch(kit_.bob, 9));
    kit_.loop.run();
    const auto best = kit_.store->best_merge().value();
    ASSERT_TRUE(best.has_value());
    EXPECT_EQ(best->height, 4U);
    EXPECT_EQ(kit_.store->kept_model(4, best->block).error().code, ErrorCode::kNotFound);
    give_at_once(kit_.branch(kit_.bob, 2));
    kit_.loop.run();
    EXPECT_TRUE(kept(16));
}

// Room for every copy, for one, for none.
INSTANTIATE_TEST_SUITE_P(MaxWaiting, MergeReporterTest, testing::Values(4U, 1U, 0U));

}  // namespace
}  // namespace cairn::node
