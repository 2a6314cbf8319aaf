// Proves what the seam promises: scores, losses and steps are the same integers under every kernel
// set and thread count (golden), honest updates score above flipped and random ones, shares add up
// to what a merge brings, the loss after it is foretold exactly, and merge, undo, save and load
// keep everything that consensus reads.
#include "worth/chain_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "consensus/exact_dot.h"
#include "consensus/merge_judge.h"
#include "crypto/hash.h"
#include "tensor/golden.h"
#include "train/local_steps.h"
#include "worth/report.h"

namespace cairn::worth {
namespace {

using consensus::Delta;
constexpr auto kFast = consensus::JudgeKernels::kFast;
constexpr auto kReference = consensus::JudgeKernels::kReference;
constexpr auto kScoring = consensus::JudgeBatch::kScoring;
constexpr auto kPublic = consensus::JudgeBatch::kPublic;

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

/// One delta alone, merged on top of the block that drew `seed`.
consensus::MergeSet alone(const Delta& delta) {
    return {{Hash256{}}, [&delta](std::size_t) { return Result<Delta>(delta); }};
}

/// S(d) at theta, of the scoring batch.
Int128 score_at_theta(ChainModel& model, const Hash256& seed, const Delta& delta,
                      consensus::JudgeKernels kernels = kFast) {
    return consensus::first_order_gain(model.judge_gradient(kernels, seed, kScoring, {}).value(),
                                       delta);
}

/// What two machines must agree on, in a few words.
std::string fingerprint(Bench& bench) {
    const Delta delta = bench.honest(1);
    Writer writer;
    for (const std::int32_t value : delta) writer.i32(value);
    consensus::MergeJudge judge(*bench.model, kFast);
    judge.start(kSeed);
    const chain::MergeSteps steps = judge.find_steps(alone(delta)).value();
    const consensus::StepLosses losses = judge.losses(alone(delta), steps).value();
    const consensus::Scored scored = judge.scores(alone(delta), steps).value()[0];
    (void)bench.model->merge(judge.merged(alone(delta), steps.outer_step).value());
    return short_hex(crypto::sha256(writer.out())) + " steps " + std::to_string(steps.outer_step) +
           " " + std::to_string(steps.public_step) + " score " +
           std::to_string(static_cast<std::int64_t>(scored.score)) + " share " +
           std::to_string(scored.share) + " norm " + std::to_string(consensus::norm(delta)) +
           " loss " + std::to_string(losses.before) + " " + std::to_string(losses.outer) + " " +
           std::to_string(losses.behind_public) + " root " + short_hex(bench.model->root());
}

TEST(ChainModel, JudgesWithTheGoldenBits) {
    const std::string golden =
        "8209789ad990 steps 15 20 score 117331796976860 share 223792642 norm 49099296 loss "
        "3986628851 3576583444 3772628479 root 17b8471f0966";
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
        const Int128 score = score_at_theta(*bench.model, seed, honest);
        EXPECT_GT(score, 0);
        EXPECT_TRUE(score_at_theta(*bench.model, seed, flipped) == -score);
        EXPECT_LT(score_at_theta(*bench.model, seed, noise), score / 3);
    }
}

TEST(ChainModel, LossesForetellWhatAMergeBrings) {
    Bench bench;
    for (std::uint64_t round = 0; round < 3; ++round) {
        const Delta delta = bench.honest(round);
        const Hash256 seed = Bench::seed_of("block", round);
        const std::int64_t before = bench.model->judge_loss(kFast, seed, {}).value();
        const std::int64_t foretold = bench.model->judge_loss(kFast, seed, delta).value();
        const auto gradient = bench.model->judge_gradient(kFast, seed, kScoring, delta).value();
        (void)bench.model->merge(delta);
        EXPECT_EQ(bench.model->judge_loss(kFast, seed, {}).value(), foretold);
        EXPECT_EQ(bench.model->judge_gradient(kFast, seed, kScoring, {}).value(), gradient);
        EXPECT_LT(foretold, before);
    }
}

TEST(ChainModel, SharesAddUpToTheGain) {
    Bench bench;
    const std::vector<Delta> deltas = {bench.honest(0), bench.honest(1), bench.honest(2)};
    const consensus::MergeSet set{
        {Bench::seed_of("id", 0), Bench::seed_of("id", 1), Bench::seed_of("id", 2)},
        [&](std::size_t i) { return Result<Delta>(deltas[i]); }};
    consensus::MergeJudge judge(*bench.model, kFast);
    judge.start(kSeed);
    const std::uint8_t outer = 9;  // a quarter; of the longest steps the curve bends more
    const auto scores = judge.scores(set, {outer, 0}).value();  // without a public step
    double shares = 0;
    for (const consensus::Scored& scored : scores)
        shares += static_cast<double>(scored.share) * scored.weight / 65536;
    const Delta merged = judge.merged(set, outer).value();
    const double batches =
        static_cast<double>(bench.network.judge_leaf_tokens) / bench.model->loss_tokens();
    const auto loss = [&](const Delta& at) {
        return static_cast<double>(bench.model->judge_loss(kFast, kSeed, at).value());
    };
    const double gain = batches * (loss({}) - loss(merged));
    EXPECT_NEAR(shares / gain, 1, 0.1);
}

// Half of this model's entries are padding, so copies are more alike than the codec alone says.
TEST(ChainModel, CopiesAreAsAlikeAsItSays) {
    Bench bench;
    bench.network.architecture.dim = 32;  // matrices a quarter full
    bench.network.architecture.hidden_dim = 96;
    bench.model = ChainModel::create(bench.network, text_of(1, 3000), bench.compute).value();
    const Delta update = bench.honest(1);
    const Delta a = bench.through_codec(update, 5);
    const Delta b = bench.through_codec(update, 6);
    const double cosine = static_cast<double>(consensus::dot(a, b)) /
                          std::sqrt(static_cast<double>(consensus::dot(a, a)) *
                                    static_cast<double>(consensus::dot(b, b)));
    const double expected = bench.model->payload_cosine(a) / 65536.0;
    EXPECT_NEAR(cosine / expected, 1, 0.1);
    EXPECT_GT(expected, 1.1 * chain::payload_cosine(bench.network.codec) / 65536.0);
    EXPECT_EQ(bench.model->payload_cosine(Delta(a.size(), 0)),
              chain::payload_cosine(bench.network.codec));
}

TEST(ChainModel, TheReferenceAgreesAndIsReallyAsked) {
    Bench bench;
    const Delta delta = bench.honest(1);
    const auto fast = bench.model->judge_gradient(kFast, kSeed, kScoring, delta).value();
    const auto open = bench.model->judge_gradient(kFast, kSeed, kPublic, {}).value();
    const auto fast_loss = bench.model->judge_loss(kFast, kSeed, delta).value();
    EXPECT_NE(open, bench.model->judge_gradient(kFast, kSeed, kScoring, {}).value());
    const auto copy = bench.model->copy();
    EXPECT_EQ(copy->root(), bench.model->root());
    // The original goes on, and the copy does not see it.
    (void)bench.model->merge(delta);
    EXPECT_EQ(copy->judge_gradient(kReference, kSeed, kScoring, delta).value(), fast);
    EXPECT_EQ(copy->judge_gradient(kReference, kSeed, kPublic, {}).value(), open);
    EXPECT_EQ(copy->judge_loss(kReference, kSeed, delta).value(), fast_loss);
}

TEST(ChainModel, ACopySentARoundLateIsNotNew) {
    Bench bench;
    const Delta first = bench.honest(1);
    (void)bench.model->merge(first);
    const Hash256 seed = Bench::seed_of("block", 9);
    const auto gradient = bench.model->judge_gradient(kFast, seed, kScoring, {}).value();
    const consensus::Repeated repeated(bench.model->recent_merges(), gradient);
    const auto part_new = [&](const Delta& delta) {
        const Int128 raw = consensus::first_order_gain(gradient, delta);
        return static_cast<double>(consensus::novel_score(raw, repeated.score_of(delta))) /
               static_cast<double>(raw);
    };
    EXPECT_NEAR(part_new(first), 0, 1e-5);
    EXPECT_GT(part_new(bench.honest(2)), 0.1);
}

TEST(ChainModel, MergeUndoSaveAndLoadKeepWhatConsensusReads) {
    Bench bench;
    const auto answers = [&](ChainModel& model) {
        std::vector<std::int32_t> merges;
        for (const auto& merge : model.recent_merges())
            merges.insert(merges.end(), merge.begin(), merge.end());
        return std::tuple(model.root(), model.recent_merges_root(),
                          model.judge_loss(kFast, kSeed, {}).value(), merges);
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
    EXPECT_FALSE(bench.model->judge_gradient(kFast, kSeed, kScoring, Delta(5, 0)).ok());
    EXPECT_FALSE(bench.model->judge_loss(kFast, kSeed, Delta(5, 0)).ok());
    EXPECT_FALSE(ChainModel::create(bench.network, text_of(2, 3000), bench.compute).ok());
    chain::NetworkDefinition odd = bench.network;
    odd.architecture.context = 24;
    EXPECT_FALSE(ChainModel::create(odd, text_of(1, 3000), bench.compute).ok());
    odd = bench.network;
    odd.codec.bits = 3;
    EXPECT_FALSE(ChainModel::create(odd, text_of(1, 3000), bench.compute).ok());
    // A model that a payload can carry, and a snapshot cannot. Nothing of its size is made.
    odd = bench.network;
    odd.architecture.dim = 4096;
    odd.architecture.heads = 32;
    odd.architecture.kv_heads = 32;
    odd.architecture.hidden_dim = 11008;
    odd.architecture.layers = 20;
    odd.novelty_rounds = 16;
    const auto too_large = ChainModel::create(odd, text_of(1, 3000), bench.compute);
    ASSERT_FALSE(too_large.ok());
    EXPECT_NE(too_large.error().message.find("novelty_rounds"), std::string::npos)
        << too_large.error().message;
}

const std::vector<std::uint64_t> kOneText{1000};

TEST(Judge, WindowsComeEvenlyFromTheSources) {
    const std::vector<std::uint64_t> parts{100, 5000, 40};
    std::set<std::size_t> first;
    for (std::uint64_t i = 0; i < 40; ++i) {
        const auto starts = judge_window_starts(
            kScoring, crypto::sha256(as_bytes(std::to_string(i))), 30, parts, 32);
        std::vector<int> drawn(3, 0);
        for (std::size_t w = 0; w < starts.size(); ++w) {
            const std::size_t part = starts[w] < 100 ? 0 : starts[w] < 5100 ? 1 : 2;
            const std::uint64_t begin = part == 0 ? 0 : part == 1 ? 100 : 5100;
            EXPECT_LT(starts[w] - begin, parts[part] - 32) << "the window would leave its source";
            ++drawn[part];
            if (w == 0) first.insert(part);
        }
        EXPECT_EQ(drawn, (std::vector{10, 10, 10}));
    }
    EXPECT_EQ(first.size(), 3U) << "whose turn it is first is drawn too";
    // Also computed by another program, from the specification.
    EXPECT_EQ(judge_window_starts(kScoring, kSeed, 3, parts, 32),
              (std::vector<std::uint64_t>{5103, 45, 4538}));
}

TEST(Judge, SourcesMustBeTheJudgeText) {
    Bench bench;
    chain::NetworkDefinition network = bench.network;
    const auto makes = [&] {
        return ChainModel::create(network, text_of(1, 3000), bench.compute).ok();
    };
    network.sources = {{"a", 1000, 0}, {"b", 2000, 0}};
    EXPECT_TRUE(makes());
    network.sources = {{"a", 1000, 0}, {"b", 1999, 0}};
    EXPECT_FALSE(makes());
    network.sources = {{"a", 1000, 0}, {"b", 4294967295U, 0}};
    EXPECT_FALSE(makes());
}

TEST(Judge, WindowsComeFromTheSeedAsWritten) {
    for (const auto& [batch, word] : {std::pair(kScoring, "judge"), std::pair(kPublic, "public")})
        for (std::uint64_t i = 0; i < 3; ++i) {
            const auto starts = judge_window_starts(batch, kSeed, 3, kOneText, 32);
            const ByteView bytes = as_bytes(word);
            Bytes preimage(bytes.begin(), bytes.end());
            preimage.insert(preimage.end(), kSeed.bytes.begin(), kSeed.bytes.end());
            for (int k = 0; k < 8; ++k)
                preimage.push_back(k == 0 ? static_cast<std::uint8_t>(i) : 0);
            const Hash256 hash = crypto::sha256(preimage);
            std::uint64_t first = 0;
            for (int k = 7; k >= 0; --k)
                first = first << 8 | hash.bytes[static_cast<std::size_t>(k)];
            EXPECT_EQ(starts[i], first % (1000 - 32));
        }
}

TEST(ReportLoss, OfSeveralTextsIsToldForEach) {
    Bench bench;
    const auto losses_of = [&](std::span<const std::uint64_t> parts) {
        return report_losses(bench.model->layout(), bench.model->state().weights(),
                             text_of(50, 2000), parts, 32, 40, bench.compute);
    };
    const auto text = text_of(50, 2000);
    const auto alone = [&](std::size_t begin, std::size_t size) {
        return report_loss(bench.model->layout(), bench.model->state().weights(),
                           std::span(text).subspan(begin, size), 32, 20, bench.compute);
    };
    EXPECT_EQ(losses_of({}).size(), 1U);
    EXPECT_EQ(losses_of(std::vector<std::uint64_t>{500, 1500}),
              (std::vector{alone(0, 500), alone(500, 1500)}));
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
