// Proves that each merge block gets the loss and the sample of the model right after it, also where
// several merges are connected in one step and where the serve lane is behind.
#include "node/merge_reporter.h"

#include <gtest/gtest.h>

#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

/// A model of one weight, the height at which it was read; its loss is that number.
class HeightReader final : public ModelReader {
  public:
    WeightsPtr weights(const ChainState& state) const override {
        const auto height = static_cast<float>(state.tip()->height);
        return std::make_shared<const std::vector<float>>(1, height);
    }
    model::Model model_of(WeightsPtr) const override { return {}; }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<double> report_loss(const std::vector<float>& weights) override {
        return static_cast<double>(weights[0]);
    }
    Result<std::string> generate(const std::vector<float>& weights, const std::string& prompt,
                                 std::uint32_t, std::uint64_t) override {
        return prompt + std::to_string(static_cast<int>(weights[0]));
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return ok_status();
    }
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

// Room for every copy, for one, for none.
INSTANTIATE_TEST_SUITE_P(MaxWaiting, MergeReporterTest, testing::Values(4U, 1U, 0U));

}  // namespace
}  // namespace cairn::node
