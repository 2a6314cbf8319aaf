// Proves that a node hands out one copy of its model at a time, however many ask, and answers all.
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

/// Counts the copies of the weights that exist.
class CountingReader final : public node::ModelReader {
  public:
    node::WeightsPtr weights(const node::ChainState&) const override {
        most = std::max(most, ++now);
        return node::WeightsPtr(new std::vector<float>(1), [](const std::vector<float>* copy) {
            --now;
            delete copy;
        });
    }
    model::Model model_of(node::WeightsPtr) const override { return {}; }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<std::vector<double>> report_losses(const std::vector<float>&) override {
        return std::vector{0.0};
    }
    Result<std::string> generate(const std::vector<float>&, const std::string& prompt,
                                 std::uint32_t, std::uint64_t) override {
        return prompt + " and so on";
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return ok_status();
    }

    static inline int now = 0, most = 0;
};

class CountingKit final : public ModelKit {
  public:
    chain::NetworkDefinition network() const override { return fake_.network(); }
    std::unique_ptr<consensus::ModelSeam> make_model() override { return fake_.make_model(); }
    std::unique_ptr<node::ModelReader> make_reader(consensus::ModelSeam&) override {
        return std::make_unique<CountingReader>();
    }
    std::unique_ptr<node::DeltaSource> make_trainer(int number, std::uint64_t seed) override {
        return fake_.make_trainer(number, seed);
    }

  private:
    FakeModelKit fake_;
};

TEST(Weights, OneCopyIsHandedOutAtATimeAndAllAreAnswered) {
    CountingKit kit;
    World world(1, scenario_name(), kit);
    world.add_node({.mine = false, .train = false});
    world.run_ms(1'000);
    CountingReader::most = 0;
    int answered = 0, full = 0;
    for (int i = 0; i < 100; ++i)
        world.node(0).generate("word", 1, 1, [&](const Result<std::string>& text) {
            if (text.ok()) {
                EXPECT_EQ(*text, "word and so on");
            }
            answered += text.ok();
            full += !text.ok() && text.error().code == ErrorCode::kFull;
        });
    EXPECT_EQ(full, 35);  // one has its copy, 64 wait
    world.run_ms(10'000);
    EXPECT_EQ(answered, 65);
    EXPECT_EQ(CountingReader::most, 1);
    // A copy of the tip of that moment, for the next one too.
    bool again = false;
    world.node(0).generate("word", 1, 1,
                           [&](const Result<std::string>& text) { again = text.ok(); });
    world.run_ms(1'000);
    EXPECT_TRUE(again);
    EXPECT_EQ(CountingReader::now, 0);
}

}  // namespace
}  // namespace cairn::sim
