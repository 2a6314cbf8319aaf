// Proves that local training learns, that its bits depend on neither kernels nor threads, that it
// stops and resumes exactly, and that the client's part of papers A: Alg 5 returns the difference
// it promises.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/encoding.h"
#include "codec/codec.h"
#include "crypto/hash.h"
#include "model/weights.h"
#include "train/data.h"
#include "train/local_steps.h"
#include "train/schedule.h"

namespace cairn::train {
namespace {

model::ModelConfig tiny_config() {
    model::ModelConfig config;
    config.dim = 16;
    config.hidden_dim = 32;
    config.layers = 1;
    config.heads = 2;
    config.kv_heads = 1;
    config.vocab = 24;
    config.context = 32;
    return config;
}

Recipe tiny_recipe() {
    Recipe recipe;
    recipe.leaf_tokens = 1024;
    recipe.context = 32;
    recipe.leaves_per_step = 2;
    recipe.peak_rate = 1e-2;
    recipe.warmup_steps = 2;
    recipe.total_steps = 30;
    return recipe;
}

/// A text with something to learn: each token mostly follows from the one before.
std::vector<std::uint32_t> tiny_text() {
    std::vector<std::uint32_t> tokens;
    std::uint32_t state = 1;
    for (int i = 0; i < 4000; ++i) {
        state = i % 7 == 0 ? (state * 5 + 3) % 24 : (state * 11 + 1) % 24;
        tokens.push_back(state);
    }
    return tokens;
}

struct Bench {
    explicit Bench(tensor::KernelSet set = tensor::KernelSet::kReference, std::size_t threads = 1,
                   const Recipe& recipe = tiny_recipe())
        : pool(threads),
          layout(tiny_config(), codec::kTile),
          text(tiny_text()),
          trainer(layout, recipe, text, 7, {tensor::kernels_for(set).value(), &pool}),
          theta(model::initial_parameters(layout, 3)) {
        trainer.start(theta, 0);
    }

    ThreadPool pool;
    model::ParameterLayout layout;
    std::vector<std::uint32_t> text;
    Trainer trainer;
    std::vector<float> theta;
};

TEST(Trainer, LearnsAndMovesNoPadding) {
    Bench bench;
    double first = 0, last = 0;
    for (int i = 0; i < 30; ++i) {
        const StepReport report = bench.trainer.step().value();
        EXPECT_EQ(report.step, static_cast<std::uint64_t>(i));
        if (i == 0) first = report.loss;
        last = report.loss;
    }
    EXPECT_NEAR(first, std::log(24.0), 0.1);
    EXPECT_LT(last, first - 1.0);
    std::vector<bool> used(bench.layout.size(), false);
    for (const model::TensorInfo& tensor : bench.layout.tensors())
        for (std::uint64_t i = 0; i < tensor.size(); ++i) used[tensor.offset + i] = true;
    for (std::size_t i = 0; i < used.size(); ++i)
        if (!used[i]) {
            ASSERT_EQ(bench.trainer.parameters()[i], 0.0F);
        }
}

TEST(Trainer, GoldenBitsUnderEveryKernelSetAndThreadCount) {
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        for (const std::size_t threads : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
            Bench bench(set, threads);
            for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.trainer.step().ok());
            EXPECT_EQ(short_hex(crypto::sha256(bench.trainer.save())), "4c8fd6612112")
                << tensor::kernel_set_name(set) << ", " << threads << " threads";
        }
    }
}

TEST(Trainer, ResumesToTheBit) {
    Bench whole;
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(whole.trainer.step().ok());
    Bench first;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(first.trainer.step().ok());
    const Bytes saved = first.trainer.save();
    Bench second;
    ASSERT_TRUE(second.trainer.load(saved).ok());
    EXPECT_EQ(second.trainer.next_step(), 3U);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(second.trainer.step().ok());
    EXPECT_EQ(second.trainer.save(), whole.trainer.save());

    Bytes bad = saved;
    bad.push_back(0);
    EXPECT_FALSE(second.trainer.load(bad).ok());
    bad.resize(saved.size() - 1);
    EXPECT_FALSE(second.trainer.load(bad).ok());
    Recipe other = tiny_recipe();
    other.beta2 = 0.95;
    Bench foreign(tensor::KernelSet::kReference, 1, other);
    EXPECT_FALSE(foreign.trainer.load(saved).ok());
}

TEST(Trainer, RefusesAGradientThatIsNotFiniteAndChangesNothing) {
    Bench bench;
    std::vector<float> broken = bench.theta;
    broken[5] = std::numeric_limits<float>::quiet_NaN();
    bench.trainer.start(broken, 0);
    const Bytes before = bench.trainer.save();
    const auto refused = bench.trainer.step();
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("not finite"), std::string::npos);
    EXPECT_EQ(bench.trainer.save(), before);
}

TEST(Trainer, PlainDescentStepsAgainstTheGradientAndKeepsNoMoments) {
    Recipe recipe = tiny_recipe();
    recipe.plain_descent = true;
    recipe.peak_rate = 0.5;
    recipe.warmup_steps = recipe.total_steps = 0;
    recipe.clip_norm = 0;
    recipe.weight_decay = 0.1;  // is not read
    Bench bench(tensor::KernelSet::kReference, 1, recipe);
    // A step is as long as the rate times the gradient.
    const StepReport report = bench.trainer.step().value();
    double square = 0;
    for (std::size_t i = 0; i < bench.theta.size(); ++i) {
        const double moved = double{bench.trainer.parameters()[i]} - double{bench.theta[i]};
        square += moved * moved;
    }
    EXPECT_NEAR(std::sqrt(square), 0.5 * report.gradient_norm, 1e-4 * report.gradient_norm);
    // Nothing else than parameters and a number of steps leads to the next one.
    Bench again(tensor::KernelSet::kReference, 1, recipe);
    again.trainer.start(bench.trainer.parameters(), 1);
    ASSERT_TRUE(bench.trainer.step().ok());
    ASSERT_TRUE(again.trainer.step().ok());
    EXPECT_TRUE(std::ranges::equal(bench.trainer.parameters(), again.trainer.parameters()));
    double last = 0;
    for (int i = 0; i < 40; ++i) last = bench.trainer.step().value().loss;
    EXPECT_LT(last, report.loss - 0.3);
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        Bench other(set, 2, recipe);
        Bench reference(tensor::KernelSet::kReference, 1, recipe);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(other.trainer.step().ok());
            ASSERT_TRUE(reference.trainer.step().ok());
        }
        EXPECT_EQ(other.trainer.save(), reference.trainer.save()) << tensor::kernel_set_name(set);
    }
}

TEST(Recipe, AFlagThatIsNotKnownIsRefused) {
    for (const bool keep : {false, true})
        for (const bool plain : {false, true}) {
            Recipe recipe;
            recipe.keep_moments = keep;
            recipe.plain_descent = plain;
            Writer writer;
            encode(recipe, writer);
            Reader reader(writer.out());
            EXPECT_EQ(decode_recipe(reader).value(), recipe);
        }
    Writer writer;
    encode(Recipe{}, writer);
    Bytes bytes(writer.out().begin(), writer.out().end());
    bytes.back() = 4;
    Reader reader(bytes);
    EXPECT_FALSE(decode_recipe(reader).ok());
}

// Until the warm-up is over the schedule's length may be settled, and the bits are those of a run
// that knew it from the start.
TEST(Trainer, SettlesItsLengthDuringTheWarmUp) {
    Bench whole;
    Recipe open = tiny_recipe();
    open.total_steps = 0;
    Bench settled(tensor::KernelSet::kReference, 1, open);
    for (int i = 0; i < 4; ++i) {
        if (i == 2) {
            ASSERT_TRUE(settled.trainer.set_total_steps(30).ok());
        }
        ASSERT_TRUE(whole.trainer.step().ok());
        ASSERT_TRUE(settled.trainer.step().ok());
    }
    EXPECT_EQ(settled.trainer.save(), whole.trainer.save());
    EXPECT_FALSE(settled.trainer.set_total_steps(31).ok());
    EXPECT_TRUE(settled.trainer.set_total_steps(30).ok());
}

TEST(LocalSteps, ReturnTheDifferenceAndObeyTheStopFlag) {
    Bench bench;
    std::uint64_t seen = 0;
    const LocalRun run =
        run_local_steps(bench.trainer, bench.theta, 10, 3, nullptr, [&](const StepReport& report) {
            EXPECT_EQ(report.step, 10 + seen++);
        }).value();
    EXPECT_EQ(run.steps, 3U);
    EXPECT_EQ(seen, 3U);
    bool moved = false;
    for (std::size_t i = 0; i < bench.theta.size(); ++i) {
        EXPECT_EQ(run.delta[i], bench.trainer.parameters()[i] - bench.theta[i]);
        moved = moved || run.delta[i] != 0.0F;
    }
    EXPECT_TRUE(moved);

    std::atomic<bool> stop{false};
    const LocalRun cut =
        run_local_steps(bench.trainer, bench.theta, 0, 100, &stop, [&](const StepReport& report) {
            if (report.step == 1) stop = true;
        }).value();
    EXPECT_EQ(cut.steps, 2U);
    stop = true;
    const LocalRun none = run_local_steps(bench.trainer, bench.theta, 0, 100, &stop).value();
    EXPECT_EQ(none.steps, 0U);
    EXPECT_EQ(none.delta, std::vector<float>(bench.theta.size(), 0.0F));
}

TEST(LocalSteps, MomentsLiveOnOnlyIfTheRecipeSaysSo) {
    const auto second_run = [](bool keep) {
        Recipe recipe = tiny_recipe();
        recipe.keep_moments = keep;
        Bench bench(tensor::KernelSet::kReference, 1, recipe);
        (void)run_local_steps(bench.trainer, bench.theta, 0, 2).value();
        return run_local_steps(bench.trainer, bench.theta, 0, 2).value().delta;
    };
    Bench fresh;
    const auto first = run_local_steps(fresh.trainer, fresh.theta, 0, 2).value().delta;
    EXPECT_EQ(second_run(false), first);
    EXPECT_NE(second_run(true), first);
}

TEST(Schedule, WarmsUpThenFallsToTheFloorAndStays) {
    Recipe recipe = tiny_recipe();
    recipe.peak_rate = 1.0;
    recipe.floor_ratio = 0.1;
    recipe.warmup_steps = 4;
    recipe.total_steps = 104;
    EXPECT_DOUBLE_EQ(learning_rate(recipe, 0), 0.25);
    EXPECT_DOUBLE_EQ(learning_rate(recipe, 3), 1.0);
    EXPECT_DOUBLE_EQ(learning_rate(recipe, 4), 1.0);
    EXPECT_NEAR(learning_rate(recipe, 54), 0.55, 1e-12);
    EXPECT_NEAR(learning_rate(recipe, 29), 0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5)), 1e-12);
    EXPECT_NEAR(learning_rate(recipe, 104), 0.1, 1e-12);
    EXPECT_NEAR(learning_rate(recipe, 1'000'000), 0.1, 1e-12);
    recipe.total_steps = 0;
    EXPECT_DOUBLE_EQ(learning_rate(recipe, 1'000'000), 1.0);
}

TEST(Data, WindowsStayInsideAndFollowFromSeedAndStep) {
    const std::vector<std::uint32_t> tokens = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    std::vector<bool> hit(6, false);
    for (std::uint64_t step = 0; step < 100; ++step) {
        const std::uint64_t start = window_start(1, step, 0, tokens.size(), 4);
        ASSERT_LT(start, 6U);
        hit[start] = true;
        EXPECT_EQ(start, window_start(1, step, 0, tokens.size(), 4));
    }
    EXPECT_EQ(hit, std::vector<bool>(6, true));
    std::vector<std::uint32_t> inputs, targets;
    gather_windows(tokens, std::vector<std::uint64_t>{5, 0}, 4, inputs, targets);
    EXPECT_EQ(inputs, (std::vector<std::uint32_t>{5, 6, 7, 8, 0, 1, 2, 3}));
    EXPECT_EQ(targets, (std::vector<std::uint32_t>{6, 7, 8, 9, 1, 2, 3, 4}));
    EXPECT_FALSE(check_tokens(tokens, 10, 100).ok());
    EXPECT_FALSE(check_tokens(tokens, 4, 9).ok());
    EXPECT_TRUE(check_tokens(tokens, 9, 10).ok());
}

TEST(Recipe, RoundTripsAndRefusesNonsense) {
    Recipe recipe = tiny_recipe();
    recipe.keep_moments = false;
    Writer writer;
    encode(recipe, writer);
    Reader reader(writer.out());
    EXPECT_EQ(decode_recipe(reader).value(), recipe);
    EXPECT_TRUE(reader.finish().ok());
    Reader cut(ByteView(writer.out()).first(writer.out().size() - 1));
    EXPECT_FALSE(decode_recipe(cut).ok());

    const model::ModelConfig config = tiny_config();
    EXPECT_TRUE(validate(recipe, config).ok());
    const auto refuses = [&](auto change) {
        Recipe bad = recipe;
        change(bad);
        return !validate(bad, config).ok();
    };
    EXPECT_TRUE(refuses([](Recipe& r) { r.leaf_tokens = 1000; }));
    EXPECT_TRUE(refuses([](Recipe& r) { r.context = 64; }));
    EXPECT_TRUE(refuses([](Recipe& r) { r.leaves_per_step = 0; }));
    EXPECT_TRUE(refuses([](Recipe& r) { r.peak_rate = std::nan(""); }));
    EXPECT_TRUE(refuses([](Recipe& r) { r.beta1 = 1.0; }));
    EXPECT_TRUE(refuses([](Recipe& r) { r.total_steps = 1; }));
}

TEST(Data, MixesInItsShareOfThePublicText) {
    const std::vector<std::uint32_t> own(300, 1), two{7, 8};
    EXPECT_EQ(mix_texts(own, parts_of(two, {}), 0), own);
    EXPECT_EQ(mix_texts(own, {}, 0), own);
    for (const std::uint32_t share : {1U << 14, 1U << 15, 3U << 14}) {
        const std::vector<std::uint32_t> mixed = mix_texts(own, parts_of(two, {}), share);
        EXPECT_EQ(mixed.size(), 300 * 65536 / (65536 - share));
        EXPECT_TRUE(std::equal(own.begin(), own.end(), mixed.begin()));
        for (std::size_t i = own.size(); i < mixed.size(); ++i) EXPECT_EQ(mixed[i], two[i % 2]);
    }
}

TEST(Data, MixesInEquallyMuchOfEachPublicText) {
    const std::vector<std::uint32_t> own(300, 1);
    const std::vector<std::uint32_t> texts{5, 5, 5, 5, 5, 5, 5, 6};  // seven tokens, then one
    const std::vector<std::uint32_t> mixed =
        mix_texts(own, parts_of(texts, std::vector<std::uint64_t>{7, 1}), 1U << 14);
    EXPECT_EQ(mixed.size(), 400);
    EXPECT_EQ(std::count(mixed.begin(), mixed.end(), 5U), 50);
    EXPECT_EQ(std::count(mixed.begin(), mixed.end(), 6U), 50);
}

}  // namespace
}  // namespace cairn::train
