// Proves that the forward pass gives one result for every kernel set, thread count, prefill split,
// layer split and batch, and pins that result by golden hashes.
#include "model/transformer.h"

#include <gtest/gtest.h>

#include "infer/generate.h"
#include "model/test_model.h"

namespace cairn::model {
namespace {

constexpr std::size_t kTokens = 150;  // more than two blocks of keys
constexpr std::uint64_t kGoldenForward = 17384420657955069106U;
constexpr std::uint64_t kGoldenForwardOwnHead = 15213944215540533073U;
constexpr std::uint64_t kGoldenGreedy = 8332371683433634560U;

struct SmallModel {
    explicit SmallModel(bool tied = true)
        : layout(small_config(tied)), parameters(large_parameters(layout, 5)) {}
    const ModelConfig& config() const { return layout.config(); }
    Weights weights() const { return view_weights(layout, parameters); }

    ParameterLayout layout;
    std::vector<float> parameters;
};

// Logits of every position, the tokens fed in pieces of the given sizes (the last one repeats) and
// the layers cut at the given borders.
std::vector<float> run(const SmallModel& model, const tensor::Compute& compute,
                       std::span<const std::size_t> pieces,
                       std::span<const std::uint32_t> borders = {}, KvType type = KvType::kF32) {
    const ModelConfig& config = model.config();
    std::vector<std::unique_ptr<Transformer>> parts;
    std::vector<std::unique_ptr<KvCache>> caches;
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i <= borders.size(); ++i) {
        const LayerRange range{begin, i < borders.size() ? borders[i] : config.layers};
        parts.push_back(std::make_unique<Transformer>(config, model.weights(), range, compute,
                                                      TransformerBounds{kTokens, kTokens}));
        caches.push_back(std::make_unique<KvCache>(config, range, kTokens, type));
        begin = range.end;
    }
    const auto tokens = random_tokens(kTokens, config.vocab, 3);
    std::vector<float> logits(kTokens * config.vocab);
    std::size_t at = 0;
    for (std::size_t i = 0; at < kTokens; ++i) {
        const std::size_t n = std::min(pieces[std::min(i, pieces.size() - 1)], kTokens - at);
        std::vector<float> hidden(n * config.dim);
        parts[0]->embed(std::span(tokens).subspan(at, n), at, hidden);
        for (std::size_t part = 0; part < parts.size(); ++part)
            parts[part]->forward(hidden, *caches[part]);
        parts.back()->head(hidden, std::span(logits).subspan(at * config.vocab, n * config.vocab));
        at += n;
    }
    return logits;
}

std::vector<float> whole(const SmallModel& model, const tensor::Compute& compute) {
    const std::size_t all = kTokens;
    return run(model, compute, std::span(&all, 1));
}

TEST(Transformer, EveryKernelSetAndThreadCountGivesTheGoldenBits) {
    const SmallModel tied(true);
    const SmallModel own(false);
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        for (const std::size_t threads : {1U, 2U, 3U, 5U}) {
            const Machine machine(set, threads);
            const auto name = tensor::kernel_set_name(set);
            EXPECT_EQ(bit_hash(whole(tied, machine.compute)), kGoldenForward)
                << name << ' ' << threads;
            EXPECT_EQ(bit_hash(whole(own, machine.compute)), kGoldenForwardOwnHead)
                << name << ' ' << threads;
        }
    }
}

TEST(Transformer, EveryPrefillSplitGivesTheSameBits) {
    const SmallModel model;
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const Machine machine(set, 2);
        for (const KvType type : tensor::kKvTypes) {
            const std::vector<std::size_t> all{kTokens};
            const auto expected = run(model, machine.compute, all, {}, type);
            for (const std::vector<std::size_t>& pieces :
                 {std::vector<std::size_t>{1}, {63}, {64}, {65}, {140, 1}, {1, 2, 3, 5, 8, 13, 21}})
                EXPECT_EQ(bit_hash(run(model, machine.compute, pieces, {}, type)),
                          bit_hash(expected))
                    << tensor::kernel_set_name(set) << " first piece " << pieces[0];
        }
    }
}

TEST(Transformer, NarrowCachesDecideBits) {
    const SmallModel model;
    const Machine machine(tensor::KernelSet::kReference, 1);
    const std::vector<std::size_t> all{kTokens};
    const auto f32 = run(model, machine.compute, all);
    EXPECT_NE(run(model, machine.compute, all, {}, KvType::kF16), f32);
    EXPECT_NE(run(model, machine.compute, all, {}, KvType::kBf16), f32);
    EXPECT_NE(run(model, machine.compute, all, {}, KvType::kDigits), f32);
}

TEST(Transformer, EveryLayerSplitGivesTheSameBits) {
    const SmallModel model;
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const auto expected = whole(model, machine.compute);
    const std::vector<std::size_t> pieces{100, 1};
    for (const std::vector<std::uint32_t>& borders :
         {std::vector<std::uint32_t>{1}, {2}, {1, 2}, {0, 1, 1, 3}})
        EXPECT_EQ(run(model, machine.compute, pieces, borders), expected);
}

TEST(Transformer, OthersInTheBatchChangeNothing) {
    const SmallModel model;
    const ModelConfig& config = model.config();
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    const LayerRange range = all_layers(config);
    Transformer transformer(config, model.weights(), range, machine.compute, {});
    // Three sequences that stand at different positions.
    const std::size_t warm[] = {0, 17, 64};
    const std::size_t next[] = {5, 1, 1};
    std::vector<float> alone;
    std::vector<float> together;
    std::vector<KvCache> caches;
    std::vector<Segment> segments;
    for (std::size_t i = 0; i < 3; ++i) caches.emplace_back(config, range, 100);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto tokens = random_tokens(warm[i] + next[i], config.vocab, i);
        std::vector<float> hidden(warm[i] * config.dim);
        transformer.embed(std::span(tokens).first(warm[i]), 0, hidden);
        transformer.forward(hidden, caches[i]);
        std::vector<float> input(next[i] * config.dim);
        transformer.embed(std::span(tokens).subspan(warm[i]), warm[i], input);
        together.insert(together.end(), input.begin(), input.end());
        KvCache copy(config, range, 100);
        std::vector<std::uint8_t> rows(kv_cache_bytes(config, range, warm[i], KvType::kF32));
        caches[i].copy_rows(0, warm[i], rows);
        copy.append_rows(warm[i], rows);
        transformer.forward(input, copy);
        alone.insert(alone.end(), input.begin(), input.end());
        segments.push_back({&caches[i], next[i]});
    }
    transformer.forward_segments(together, segments);
    EXPECT_EQ(together, alone);
    EXPECT_EQ(caches[1].length(), 18U);
}

TEST(Transformer, TruncatedCachesForgetExactly) {
    const SmallModel model;
    const ModelConfig& config = model.config();
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    Transformer transformer(config, model.weights(), all_layers(config), machine.compute, {});
    KvCache cache(config, all_layers(config), 100);
    const auto tokens = random_tokens(50, config.vocab, 1);
    std::vector<float> first(50 * config.dim);
    transformer.embed(tokens, 0, first);
    std::vector<float> again = first;
    transformer.forward(first, cache);
    cache.truncate(30);
    std::vector<float> tail(again.begin() + 30 * config.dim, again.end());
    transformer.forward(tail, cache);
    EXPECT_TRUE(std::equal(tail.begin(), tail.end(), first.begin() + 30 * config.dim));
}

text::Tokens write(const SmallModel& model, const tensor::Compute& compute,
                   const infer::GenerateOptions& options, std::uint64_t* digest = nullptr) {
    const ModelConfig& config = model.config();
    Transformer transformer(config, model.weights(), all_layers(config), compute, {});
    KvCache cache(config, all_layers(config), config.context);
    infer::LocalLayers layers(transformer, cache);
    const text::Tokens prompt{1, 2, 3, 4, 5};
    std::uint64_t hash = bit_hash({});
    auto result = infer::generate(compute, transformer, layers, prompt, options, {},
                                  [&](const infer::GeneratedStep& step) {
                                      hash = bit_hash(step.logits, hash);
                                      return true;
                                  });
    if (digest != nullptr) *digest = hash;
    return result.value().tokens;
}

TEST(Generate, GreedyTextIsOneForEveryMachineAndPrefillBatch) {
    const SmallModel model;
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        for (const std::size_t batch : {1U, 2U, 64U}) {
            const Machine machine(set, batch == 2 ? 3 : 1);
            std::uint64_t digest = 0;
            const infer::GenerateOptions options{
                .sampling = {}, .max_tokens = 80, .prefill_batch = batch};
            write(model, machine.compute, options, &digest);
            EXPECT_EQ(digest, kGoldenGreedy) << tensor::kernel_set_name(set) << ' ' << batch;
        }
    }
}

TEST(Generate, SeedsDecideAndNothingElse) {
    const SmallModel model;
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    infer::GenerateOptions options{.sampling = {.temperature = 1.0F, .top_p = 0.9F, .seed = 1},
                                   .max_tokens = 40};
    const text::Tokens first = write(model, machine.compute, options);
    EXPECT_EQ(write(model, machine.compute, options), first);
    options.sampling.seed = 2;
    EXPECT_NE(write(model, machine.compute, options), first);
}

TEST(Generate, StopsAtTheContextAndWhenTold) {
    const SmallModel model;
    const ModelConfig& config = model.config();
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    Transformer transformer(config, model.weights(), all_layers(config), machine.compute, {});
    const auto start = [&](std::size_t prompt_size, const infer::StepCallback& callback) {
        KvCache cache(config, all_layers(config), config.context);
        infer::LocalLayers layers(transformer, cache);
        const text::Tokens prompt(prompt_size, 1);
        return infer::generate(machine.compute, transformer, layers, prompt, {.max_tokens = 1000},
                               {}, callback);
    };
    const auto full = start(250, {}).value();
    EXPECT_EQ(full.reason, infer::StopReason::kContext);
    EXPECT_EQ(full.tokens.size(), config.context - 250 + 1);
    const auto stopped =
        start(5, [](const infer::GeneratedStep& step) { return step.index < 3; }).value();
    EXPECT_EQ(stopped.reason, infer::StopReason::kCaller);
    EXPECT_EQ(stopped.tokens.size(), 4U);
    EXPECT_FALSE(start(0, {}).ok());
    EXPECT_FALSE(start(257, {}).ok());
}

}  // namespace
}  // namespace cairn::model
