// Proves that merging and undoing are exact for random deltas, clamps and windows included, that
// the root commits to every parameter, and that theta^0 has golden bits and a sane spread.
#include "worth/model_state.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "codec/codec.h"

namespace cairn::worth {
namespace {

model::ParameterLayout tiny_layout() {
    model::ModelConfig config;
    config.dim = 32;
    config.hidden_dim = 96;
    config.layers = 2;
    config.heads = 2;
    config.kv_heads = 1;
    config.vocab = 300;
    config.context = 64;
    return model::ParameterLayout(config, codec::kTile);
}

std::vector<std::int32_t> random_delta(Random& random, std::size_t size, int shift) {
    std::vector<std::int32_t> delta(size);
    for (std::int32_t& value : delta) value = static_cast<std::int32_t>(random.u64()) >> shift;
    return delta;
}

struct Snapshot {
    std::vector<std::int32_t> theta;
    std::vector<float> weights;
    std::vector<std::vector<std::int32_t>> merges;
    Hash256 root, recent_root;
    Bytes saved;
    bool operator==(const Snapshot&) const = default;
};

Snapshot snapshot(const ModelState& state) {
    std::vector<std::vector<std::int32_t>> merges;
    for (const auto& merge : state.recent_merges()) merges.emplace_back(merge.begin(), merge.end());
    return {{state.theta().begin(), state.theta().end()},
            {state.weights().begin(), state.weights().end()},
            merges,
            state.root(),
            state.recent_merges_root(),
            state.save()};
}

TEST(ModelState, UndoRestoresEveryBitThroughClampsAndWindows) {
    for (const std::uint32_t rounds : {0U, 1U, 3U}) {
        SeededRandom random(17 + rounds);
        ModelState state(tiny_layout(), 5, rounds);
        std::vector<Snapshot> before;
        std::vector<MergeUndo> undos;
        std::size_t clamps = 0;
        const auto step_forward = [&] {
            before.push_back(snapshot(state));
            // Now and then values so large that many parameters hit +-2^30, from both sides.
            const int shift = random.below(2) == 0 ? 1 : 12;
            undos.push_back(state.merge(random_delta(random, state.theta().size(), shift)));
            clamps += undos.back().clamped.size();
        };
        for (int i = 0; i < 60; ++i) {
            if (before.empty() || random.below(3) != 0) {
                step_forward();
            } else {
                state.undo(undos.back());
                EXPECT_EQ(snapshot(state), before.back());
                undos.pop_back();
                before.pop_back();
            }
        }
        while (!before.empty()) {
            state.undo(undos.back());
            ASSERT_EQ(snapshot(state), before.back());
            undos.pop_back();
            before.pop_back();
        }
        EXPECT_GT(clamps, 1000U);
    }
}

TEST(ModelState, AnEarlierThetaIsReadWithoutTakingMergesBack) {
    SeededRandom random(23);
    ModelState state(tiny_layout(), 5, 1);
    std::vector<std::vector<std::int32_t>> before;
    std::vector<MergeUndo> undos;
    for (int i = 0; i < 6; ++i) {
        before.emplace_back(state.theta().begin(), state.theta().end());
        undos.push_back(state.merge(random_delta(random, state.theta().size(), i % 2 ? 1 : 12)));
    }
    EXPECT_GT(undos.back().clamped.size() + undos[4].clamped.size(), 100U);
    const Snapshot now = snapshot(state);
    std::vector<const MergeUndo*> latest;
    EXPECT_EQ(state.theta_before(latest),
              (std::vector(state.theta().begin(), state.theta().end())));
    for (std::size_t i = undos.size(); i-- > 0;) {
        latest.push_back(&undos[i]);
        EXPECT_EQ(state.theta_before(latest), before[i]) << i;
    }
    EXPECT_EQ(snapshot(state), now);
    EXPECT_EQ(weights_of(state.theta()),
              std::vector<float>(state.weights().begin(), state.weights().end()));
}

TEST(ModelState, WeightsFollowThetaAndWeightsAfterForetellsTheMerge) {
    SeededRandom random(3);
    ModelState state(tiny_layout(), 5, 2);
    for (const int shift : {1, 10, 20}) {
        const auto delta = random_delta(random, state.theta().size(), shift);
        const std::vector<float> foretold = state.weights_after(delta);
        (void)state.merge(delta);
        EXPECT_EQ(foretold, std::vector<float>(state.weights().begin(), state.weights().end()));
        for (std::size_t i = 0; i < foretold.size(); ++i) {
            EXPECT_TRUE(state.theta()[i] >= -kThetaLimit && state.theta()[i] <= kThetaLimit);
            EXPECT_EQ(foretold[i], std::ldexp(static_cast<float>(state.theta()[i]), -24));
        }
    }
}

TEST(ModelState, TheRootSeesOneParameterAndTheOrderOfMerges) {
    ModelState state(tiny_layout(), 5, 2);
    const Hash256 root = state.root(), recent = state.recent_merges_root();
    std::vector<std::int32_t> one(state.theta().size(), 0), other(one);
    one[12345] = 1;
    other[5] = -1;
    const MergeUndo first = state.merge(one);
    EXPECT_NE(state.root(), root);
    EXPECT_NE(state.recent_merges_root(), recent);
    (void)state.merge(other);
    const Hash256 end = state.root(), end_recent = state.recent_merges_root();

    ModelState swapped(tiny_layout(), 5, 2);
    (void)swapped.merge(other);
    (void)swapped.merge(one);
    EXPECT_EQ(swapped.root(), end);
    EXPECT_NE(swapped.recent_merges_root(), end_recent);
}

TEST(ModelState, SavesAndLoadsAndRefusesWhatIsNotOne) {
    SeededRandom random(4);
    ModelState state(tiny_layout(), 5, 2);
    for (int i = 0; i < 3; ++i) (void)state.merge(random_delta(random, state.theta().size(), 8));
    const Bytes saved = state.save();
    EXPECT_EQ(saved.size(), saved_bytes(state.theta().size(), 2));
    ModelState other(tiny_layout(), 6, 2);
    ASSERT_NE(other.root(), state.root());
    ASSERT_TRUE(other.load(saved).ok());
    EXPECT_EQ(snapshot(other), snapshot(state));

    const Snapshot kept = snapshot(other);
    Bytes bad = saved;
    bad.push_back(0);
    EXPECT_FALSE(other.load(bad).ok());
    bad = saved;
    bad.resize(saved.size() - 4);
    EXPECT_FALSE(other.load(bad).ok());
    bad = saved;
    bad[4 + 8 + 3] = 0x7F;  // a parameter far beyond 2^30
    EXPECT_FALSE(other.load(bad).ok());
    EXPECT_FALSE(other.load({}).ok());
    EXPECT_EQ(snapshot(other), kept);
}

TEST(InitialTheta, HasTheSpreadItPromises) {
    const model::ParameterLayout layout = tiny_layout();
    const auto theta = initial_theta(layout, 5);
    std::vector<bool> used(theta.size(), false);
    for (const model::TensorInfo& tensor : layout.tensors()) {
        double sum = 0, square = 0;
        for (std::uint64_t i = 0; i < tensor.size(); ++i) {
            const double value = std::ldexp(theta[tensor.offset + i], -24);
            used[tensor.offset + i] = true;
            sum += value;
            square += value * value;
            if (!tensor.is_matrix) {
                EXPECT_EQ(value, 1.0);
            }
        }
        if (!tensor.is_matrix) continue;
        const double n = static_cast<double>(tensor.size());
        const bool output =
            tensor.kind == model::TensorKind::kWo || tensor.kind == model::TensorKind::kWDown;
        const double sigma = output ? 0.01 : 0.02;  // sqrt(2 * 2 layers) = 2
        EXPECT_NEAR(std::sqrt(square / n), sigma, 0.06 * sigma) << tensor.name;
        EXPECT_NEAR(sum / n, 0.0, 4 * sigma / std::sqrt(n)) << tensor.name;
    }
    for (std::size_t i = 0; i < theta.size(); ++i)
        if (!used[i]) {
            ASSERT_EQ(theta[i], 0);
        }
}

TEST(InitialTheta, GoldenRoot) {
    EXPECT_EQ(to_hex(ModelState(tiny_layout(), 5, 2).root()),
              "ac291a3ab766644485a1f22c68922acd08da5a9600faf1dd14cdfc92f1b36ba6");
    EXPECT_NE(ModelState(tiny_layout(), 6, 2).root(), ModelState(tiny_layout(), 5, 2).root());
}

}  // namespace
}  // namespace cairn::worth
