// Proves what the seam promises: scores and losses are the same integers under every kernel set and
// thread count (golden), honest updates score above flipped and random ones, the loss after a merge
// is foretold exactly, and merge, undo, save and load keep everything that consensus reads.
#include "worth/chain_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "consensus/worth_rules.h"
#include "crypto/hash.h"
#include "tensor/golden.h"
#include "train/local_steps.h"
#include "worth/exact_dot.h"
#include "worth/report.h"

namespace cairn::worth {
namespace {

using consensus::Delta;
constexpr auto kFast = consensus::JudgeKernels::kFast;
constexpr auto kReference = consensus::JudgeKernels::kReference;

std::vector<std::uint32_t> text_of(std::uint64_t seed, std::size_t length) {
    SeededRandom random(seed);
    std::vector<std::uint32_t> tokens;
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < length; ++i) {
        state = random.below(6) == 0 ? static_cast<std::uint32_t>(random.below(40))
                                     : (state * 11 + 1) % 40;
        tokens.push_back(state);
    }
    return tokens;
}

chain::NetworkDefinition tiny_network() {
    chain::NetworkDefinition network;
    network.architecture.dim = 16;
    network.architecture.hidden_dim = 48;
    network.architecture.layers = 2;
    network.architecture.heads = 2;
    network.architecture.kv_heads = 1;
    network.architecture.vocab = 40;
    network.architecture.context = 32;
    network.judge_leaf_tokens = 1024;
    network.codec = {chain::CodecKind::kSrht, 1, 1};
    network.recipe.learning_rate_ppb = 10'000'000;
    network.judge_hash = token_text_hash(text_of(1, 3000));
    return network;
}

struct Bench {
    explicit Bench(tensor::KernelSet set = tensor::available_kernel_sets().back(),
                   std::size_t threads = 1)
        : pool(threads),
          network(tiny_network()),
          compute{tensor::kernels_for(set).value(), &pool},
          model(ChainModel::create(network, text_of(1, 3000), compute).value()) {}

    /// A few honest steps on a text of one's own, through the codec.
    Delta honest(std::uint64_t user, std::uint64_t steps = 4) {
        const auto text = text_of(100 + user, 4000);
        train::Trainer trainer(model->layout(), train_recipe(network), text, user, compute);
        const std::vector<float> theta(model->state().weights().begin(),
                                       model->state().weights().end());
        const auto run = train::run_local_steps(trainer, theta, 0, steps).value();
        return through_codec(codec::to_fixed(run.delta), user);
    }
    Delta through_codec(const std::vector<std::int32_t>& fixed, std::uint64_t user) {
        const Hash256 seed = seed_of("codec", user);
        return model->decode(codec::encode(model->codec(), fixed, seed), seed).value();
    }
    static Hash256 seed_of(std::string_view word, std::uint64_t number) {
        Writer writer;
        writer.text(word);
        writer.u64(number);
        return crypto::sha256(writer.out());
    }

    ThreadPool pool;
    chain::NetworkDefinition network;
    tensor::Compute compute;
    std::unique_ptr<ChainModel> model;
};

const Hash256 kSeed = crypto::sha256(as_bytes("a block"));

/// What two machines must agree on, in a few words.
std::string fingerprint(Bench& bench) {
    const Delta delta = bench.honest(1);
    Writer writer;
    for (const std::int32_t value : delta) writer.i32(value);
    const auto judged = bench.model->judge(kFast, kSeed, delta).value();
    const std::int64_t before = bench.model->judge_loss(kFast, kSeed).value();
    const std::int64_t after = bench.model->judge_loss_after(kFast, kSeed, delta).value();
    (void)bench.model->merge(delta);
    return short_hex(crypto::sha256(writer.out())) + " score " +
           std::to_string(static_cast<std::int64_t>(judged.score)) + " norm " +
           std::to_string(judged.norm) + " loss " + std::to_string(before) + " " +
           std::to_string(after) + " root " + short_hex(bench.model->root());
}

TEST(ChainModel, JudgesWithTheGoldenBits) {
    const std::string golden =
        "8209789ad990 score 558380788549838 norm 49099296 loss 3986628851 3626352302 root "
        "73428605ea9c";
    for (const tensor::KernelSet set : tensor::golden_sets()) {
        for (const std::size_t threads : tensor::golden_threads({1, 2, 5})) {
            Bench bench(set, threads);
            const std::string found = fingerprint(bench);
            EXPECT_EQ(found, golden)
                << tensor::kernel_set_name(set) << ", " << threads << " threads";
            std::uint64_t hash = 0;
            for (const char byte : found) hash = hash * 31 + static_cast<unsigned char>(byte);
            tensor::print_golden("judge", bench.compute, hash);
        }
    }
}

TEST(ChainModel, HonestUpdatesScoreAboveFlippedAndRandomOnes) {
    Bench bench;
    SeededRandom random(1);
    for (std::uint64_t user = 0; user < 4; ++user) {
        const Delta honest = bench.honest(user);
        Delta flipped(honest), noise(honest.size(), 0);
        for (std::int32_t& value : flipped) value = -value;
        for (std::size_t i = 0; i < noise.size(); ++i)
            if (honest[i] != 0)
                noise[i] = random.below(2) == 0 ? honest[i] : -honest[i];  // the same norm
        const Hash256 seed = Bench::seed_of("block", user);
        const auto score = bench.model->judge(kFast, seed, honest).value();
        EXPECT_GT(score.score, 0);
        EXPECT_TRUE(bench.model->judge(kFast, seed, flipped).value().score == -score.score);
        const auto random_score = bench.model->judge(kFast, seed, noise).value();
        EXPECT_EQ(random_score.norm, score.norm);
        EXPECT_LT(random_score.score, score.score / 3);
        EXPECT_EQ(score.norm, bench.model->norm(honest));
    }
}

TEST(ChainModel, LossAfterIsWhatTheMergeBrings) {
    Bench bench;
    for (std::uint64_t round = 0; round < 3; ++round) {
        const Delta delta = bench.honest(round);
        const Hash256 seed = Bench::seed_of("block", round);
        const std::int64_t before = bench.model->judge_loss(kFast, seed).value();
        const std::int64_t foretold = bench.model->judge_loss_after(kFast, seed, delta).value();
        (void)bench.model->judge(kFast, seed, delta).value();  // fills the gradient's cache
        EXPECT_EQ(bench.model->judge_loss(kFast, seed).value(), before);
        (void)bench.model->merge(delta);
        EXPECT_EQ(bench.model->judge_loss(kFast, seed).value(), foretold);
        EXPECT_LT(foretold, before);
    }
}

TEST(ChainModel, TheReferenceAgreesAndIsReallyAsked) {
    Bench bench;
    const Delta delta = bench.honest(1);
    const auto fast = bench.model->judge(kFast, kSeed, delta).value();
    const auto fast_loss = bench.model->judge_loss_after(kFast, kSeed, delta).value();
    const auto copy = bench.model->copy();
    EXPECT_EQ(copy->root(), bench.model->root());
    // The original goes on, and the copy does not see it.
    (void)bench.model->merge(delta);
    EXPECT_TRUE(copy->judge(kReference, kSeed, delta).value().score == fast.score);
    EXPECT_EQ(copy->judge_loss_after(kReference, kSeed, delta).value(), fast_loss);
}

TEST(ChainModel, NoveltySeesACopySentARoundLate) {
    Bench bench;
    const Delta first = bench.honest(1);
    (void)bench.model->merge(first);
    const Hash256 seed = Bench::seed_of("block", 9);
    const auto merged = bench.model->judge_merged(kFast, seed).value();
    const auto copy = bench.model->judge(kFast, seed, first).value();
    // All that was merged is this delta: <d, M> = <M, M>, so nothing of a positive score is new.
    EXPECT_TRUE(copy.dot_merged == merged.norm2);
    EXPECT_TRUE(copy.score == merged.score);
    EXPECT_LE(consensus::novel_score(bench.network, copy, merged), 0);
    const auto fresh = bench.model->judge(kFast, seed, bench.honest(2)).value();
    EXPECT_GT(consensus::novel_score(bench.network, fresh, merged), 0);
}

TEST(ChainModel, MergeUndoSaveAndLoadKeepWhatConsensusReads) {
    Bench bench;
    const auto answers = [&](ChainModel& model) {
        const auto merged = model.judge_merged(kFast, kSeed).value();
        return std::tuple(model.root(), model.recent_merges_root(),
                          model.judge_loss(kFast, kSeed).value(), static_cast<double>(merged.score),
                          static_cast<double>(merged.norm2));
    };
    const Delta one = bench.honest(1), two = bench.honest(2);
    const auto start = answers(*bench.model);
    auto undo_one = bench.model->merge(one);
    const auto middle = answers(*bench.model);
    auto undo_two = bench.model->merge(two);
    const auto end = answers(*bench.model);
    EXPECT_NE(start, middle);
    const Bytes saved = bench.model->save();
    bench.model->undo(std::move(undo_two));
    EXPECT_EQ(answers(*bench.model), middle);
    bench.model->undo(std::move(undo_one));
    EXPECT_EQ(answers(*bench.model), start);
    ASSERT_TRUE(bench.model->load(saved).ok());
    EXPECT_EQ(answers(*bench.model), end);
}

TEST(ChainModel, DecodesWithoutTouchingPaddingAndRefusesForeignThings) {
    Bench bench;
    const Delta delta = bench.honest(1);
    std::vector<bool> used(delta.size(), false);
    for (const model::TensorInfo& tensor : bench.model->layout().tensors())
        for (std::uint64_t i = 0; i < tensor.size(); ++i) used[tensor.offset + i] = true;
    for (std::size_t i = 0; i < used.size(); ++i)
        if (!used[i]) {
            ASSERT_EQ(delta[i], 0);
        }
    EXPECT_FALSE(bench.model->decode(Bytes(7, 0), kSeed).ok());
    EXPECT_FALSE(bench.model->judge(kFast, kSeed, Delta(5, 0)).ok());
    EXPECT_FALSE(bench.model->judge_loss_after(kFast, kSeed, Delta(5, 0)).ok());
    EXPECT_FALSE(ChainModel::create(bench.network, text_of(2, 3000), bench.compute).ok());
    chain::NetworkDefinition odd = bench.network;
    odd.architecture.context = 24;
    EXPECT_FALSE(ChainModel::create(odd, text_of(1, 3000), bench.compute).ok());
    odd = bench.network;
    odd.codec.bits = 3;
    EXPECT_FALSE(ChainModel::create(odd, text_of(1, 3000), bench.compute).ok());
}

TEST(Judge, WindowsComeFromTheSeedAsWritten) {
    const auto starts = judge_window_starts(kSeed, 3, 1000, 32);
    for (std::uint64_t i = 0; i < 3; ++i) {
        Bytes preimage = {'j', 'u', 'd', 'g', 'e'};
        preimage.insert(preimage.end(), kSeed.bytes.begin(), kSeed.bytes.end());
        for (int k = 0; k < 8; ++k) preimage.push_back(k == 0 ? static_cast<std::uint8_t>(i) : 0);
        const Hash256 hash = crypto::sha256(preimage);
        std::uint64_t first = 0;
        for (int k = 7; k >= 0; --k) first = first << 8 | hash.bytes[static_cast<std::size_t>(k)];
        EXPECT_EQ(starts[i], first % (1000 - 32));
    }
}

TEST(ReportLoss, IsTheMeanOverTheTextWhateverTheThreads) {
    Bench bench;
    ThreadPool three(3);
    const auto text = text_of(50, 2000);
    const double loss = report_loss(bench.model->layout(), bench.model->state().weights(), text, 32,
                                    40, bench.compute);
    EXPECT_NEAR(loss, std::log(40.0), 0.1);
    EXPECT_EQ(loss, report_loss(bench.model->layout(), bench.model->state().weights(), text, 32, 40,
                                {bench.compute.kernels, &three}));
    (void)bench.model->merge(bench.honest(1, 8));
    EXPECT_LT(report_loss(bench.model->layout(), bench.model->state().weights(), text, 32, 40,
                          bench.compute),
              loss);
}

}  // namespace
}  // namespace cairn::worth
