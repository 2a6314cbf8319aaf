// Proves what a node's trainer promises its round: steps are reported as they are taken, it stops
// when told and gives what it has, each round reads its own text whatever happened before, the
// payload fits the rules, and text or weights that it cannot train on are errors.
#include "node/local_trainer.h"

#include <gtest/gtest.h>

#include <limits>

#include "codec/codec.h"
#include "consensus/contribution_rules.h"
#include "node/test_network.h"
#include "worth/chain_model.h"

namespace cairn::node {
namespace {

const TinyNetwork& tiny() {
    static const TinyNetwork network = [] {
        chain::NetworkDefinition base;
        base.name = "tiny";
        return make_tiny_network(base);
    }();
    return network;
}

/// One trainer, and what it reported.
class Subject {
  public:
    explicit Subject(std::uint64_t seed = 1)
        : trainer(LocalTrainer::create(tiny().definition, tiny().private_tokens(1), tiny().judge,
                                       seed, tensor::kernels_from_environment().value(), 1)
                      .value()) {}

    RoundTask task(std::uint32_t round) {
        RoundTask task;
        task.round = round;
        task.codec_seed = chain::codec_seed(chain::genesis_id(tiny().definition), round, {});
        task.mean_norm = tiny().definition.norm_start;
        task.weights = weights;
        task.stop = &stop;
        task.progress = [this](std::uint32_t step, double loss) {
            steps.push_back(step);
            losses.push_back(loss);
            if (step == stop_after) stop = true;
        };
        return task;
    }
    RoundPayload produce(std::uint32_t round) { return produce(task(round)); }
    RoundPayload produce(const RoundTask& task) {
        steps.clear();
        losses.clear();
        return trainer->produce(task).value();
    }
    std::uint64_t norm(const RoundPayload& made, const RoundTask& task) const {
        const auto layout =
            model::ParameterLayout(worth::model_config(tiny().definition), codec::kTile);
        const auto decoded =
            codec::decode(tiny().definition.codec, made.payload, task.codec_seed, layout.size());
        return LocalTrainer::decoded_norm(layout, decoded.value());
    }

    std::unique_ptr<LocalTrainer> trainer;
    std::shared_ptr<const std::vector<float>> weights = theta_0();
    std::atomic<bool> stop{false};
    std::uint32_t stop_after = 0;
    std::vector<std::uint32_t> steps;
    std::vector<double> losses;

  private:
    static std::shared_ptr<const std::vector<float>> theta_0();
};

std::shared_ptr<const std::vector<float>> Subject::theta_0() {
    const auto model = worth::ChainModel::create(
        tiny().definition, tiny().judge, {tensor::kernels_from_environment().value(), nullptr});
    const auto weights = (*model)->state().weights();
    return std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
}

TEST(LocalTrainer, ReportsEachStepAsItIsTaken) {
    Subject subject;
    const RoundPayload made = subject.produce(3);
    const std::uint32_t wanted = tiny().definition.recipe.local_steps;
    EXPECT_EQ(subject.trainer->steps_wanted(), wanted);
    ASSERT_EQ(made.steps, wanted);
    for (std::uint32_t i = 0; i < wanted; ++i) EXPECT_EQ(subject.steps[i], i + 1);
    EXPECT_EQ(made.last_loss, subject.losses.back());
    EXPECT_LT(subject.losses.back(), subject.losses.front());
    EXPECT_FALSE(made.payload.empty());
}

TEST(LocalTrainer, StopsEarlyAndGivesWhatItHas) {
    Subject subject;
    subject.stop_after = 2;
    const RoundTask task = subject.task(0);
    const RoundPayload made = subject.produce(task);
    EXPECT_EQ(made.steps, 2U);
    EXPECT_EQ(subject.steps, (std::vector<std::uint32_t>{1, 2}));
    EXPECT_TRUE(consensus::check_norm({}, subject.norm(made, task), task.mean_norm).is_valid());

    const RoundPayload none = subject.produce(1);  // told to stop before it began
    EXPECT_EQ(none.steps, 0U);
    EXPECT_TRUE(none.payload.empty());
    EXPECT_TRUE(subject.steps.empty());
}

TEST(LocalTrainer, EachRoundReadsItsOwnTextWhateverCameBefore) {
    Subject whole, cut, late, other_text(2);
    whole.produce(0);
    const double round_0 = whole.losses.front();
    whole.produce(1);
    cut.stop_after = 1;
    cut.produce(0);
    cut.stop = false;
    cut.stop_after = 0;
    cut.produce(1);
    late.produce(1);
    other_text.produce(1);
    // The first loss depends on the weights, which are the same, and the windows alone.
    EXPECT_EQ(whole.losses.front(), late.losses.front());
    EXPECT_EQ(cut.losses.front(), late.losses.front());
    EXPECT_NE(round_0, late.losses.front());
    EXPECT_NE(other_text.losses.front(), late.losses.front());
}

TEST(LocalTrainer, TheSameSeedGivesTheSamePayload) {
    Subject one, two;
    EXPECT_EQ(one.produce(0).payload, two.produce(0).payload);
    EXPECT_EQ(one.produce(1).payload, two.produce(1).payload);
}

TEST(LocalTrainer, ThePayloadIsScaledIntoTheBandOfNorms) {
    Subject subject;
    const std::uint64_t natural = [&] {
        RoundTask task = subject.task(0);
        task.mean_norm = 0;  // no mean yet: left as it is
        return subject.norm(subject.produce(task), task);
    }();
    ASSERT_GT(natural, 0U);
    for (const std::uint64_t mean :
         {natural / 20, natural / 2, natural, natural * 3, natural * 20}) {
        RoundTask task = Subject().task(0);
        task.stop = nullptr;
        task.progress = nullptr;
        task.mean_norm = mean;
        Subject fresh;
        const RoundPayload made = fresh.produce(task);
        EXPECT_TRUE(consensus::check_norm({}, fresh.norm(made, task), mean).is_valid())
            << natural << " for " << mean;
    }
}

TEST(LocalTrainer, TextThatCannotBeTrainedOnIsAnError) {
    const auto create = [](std::vector<std::uint32_t> tokens) {
        return LocalTrainer::create(tiny().definition, std::move(tokens), tiny().judge, 1,
                                    tensor::kernels_from_environment().value(), 1);
    };
    const std::uint32_t context = tiny().definition.architecture.context;
    EXPECT_EQ(create({}).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(create(std::vector<std::uint32_t>(context, 1)).error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(create(std::vector<std::uint32_t>(context + 1, 1)).ok());
    std::vector<std::uint32_t> strange = tiny().private_tokens(1);
    strange.back() = tiny().definition.architecture.vocab;
    EXPECT_EQ(create(strange).error().code, ErrorCode::kInvalid);
}

TEST(LocalTrainer, ReadsThePublicShareOfTheJudgeText) {
    const auto& plain = tiny().definition;
    chain::NetworkDefinition shared = plain;
    shared.public_share = 32768;
    const auto first_loss = [&](const chain::NetworkDefinition& network,
                                std::span<const std::uint32_t> judge) {
        Subject subject;
        subject.trainer = LocalTrainer::create(network, tiny().private_tokens(1), judge, 1,
                                               tensor::kernels_from_environment().value(), 1)
                              .value();
        subject.produce(0);
        return subject.losses.front();
    };
    const std::vector<std::uint32_t> other = tiny().private_tokens(7);
    EXPECT_EQ(first_loss(plain, tiny().judge), first_loss(plain, other));
    EXPECT_NE(first_loss(shared, tiny().judge), first_loss(shared, other));
    EXPECT_EQ(LocalTrainer::create(shared, tiny().private_tokens(1), {}, 1,
                                   tensor::kernels_from_environment().value(), 1)
                  .error()
                  .code,
              ErrorCode::kInvalid)
        << "half of a text that is not there";
}

TEST(LocalTrainer, WeightsThatAreNotFiniteAreAnErrorAndNoPayload) {
    Subject subject;
    auto broken = std::make_shared<std::vector<float>>(*subject.weights);
    broken->front() = std::numeric_limits<float>::quiet_NaN();
    for (float& weight : *broken) weight += broken->front();
    RoundTask task = subject.task(0);
    task.weights = broken;
    EXPECT_FALSE(subject.trainer->produce(task).ok());
    EXPECT_TRUE(subject.steps.empty());
    // The next round is none the worse for it.
    EXPECT_EQ(subject.produce(1).steps, tiny().definition.recipe.local_steps);
}

}  // namespace
}  // namespace cairn::node
