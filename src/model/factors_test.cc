// Proves what a model does whose matrices are pairs of thin factors: its configuration has one
// spelling and bounds, its layout names both factors, it computes what its factors say (against the
// double-precision model), its gradient is the derivative of its loss, and neither kernel set,
// threads, packing, cut of the text nor microbatch changes a bit.
#include <gtest/gtest.h>

#include "model/family_run.h"
#include "model/leaf.h"
#include "model/oracle.h"
#include "model/test_golden.h"

namespace cairn::model {
namespace {

// Of layer 0 all projections, of layer 1 only some; per head with a block of rows that packed
// panels can take (16 rows) in llama and one that they cannot (24) in qwen.
std::vector<Family> factored() {
    std::vector<Family> result;
    for (const char* name : {"llama", "qwen", "gpt2", "gemma", "bert"})
        for (const bool per_head : {false, true}) {
            const std::vector<Family> all = families();
            Family family = *std::find_if(all.begin(), all.end(),
                                          [&](const Family& f) { return f.name == name; });
            ModelConfig& c = family.config;
            const std::uint16_t head = per_head ? 5 : 20;
            const std::uint16_t gate = c.is_gated() ? 17 : 0;
            c.ranks = {{head, head, head, head, gate, 33, 9}, {head, 0, 0, 0, 0, 32, 0}};
            c.per_head = per_head;
            family.name += per_head ? "-per-head" : "-factors";
            result.push_back(family);
        }
    return result;
}

// Those whose bits are pinned.
std::vector<Family> pinned() {
    std::vector<Family> all = factored();
    all.resize(6);
    return all;
}

TEST(Factors, ConfigurationsRoundTripInOneSpelling) {
    for (const Family& family : factored()) {
        ASSERT_TRUE(validate(family.config).ok()) << validate(family.config).error().message;
        Writer writer;
        encode(family.config, writer);
        EXPECT_LE(writer.out().size(), kMaxConfigBytes);
        Reader reader(writer.out());
        EXPECT_EQ(decode_config(reader).value(), family.config);
        EXPECT_TRUE(reader.finish().ok());
        for (std::size_t size = 0; size < writer.out().size(); ++size) {
            Reader cut(ByteView(writer.out()).first(size));
            EXPECT_FALSE(decode_config(cut).ok()) << size;
        }
        for (std::size_t bit = 0; bit < writer.out().size() * 8; ++bit) {
            Bytes bytes = writer.out();
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
            Reader flipped(bytes);
            const auto other = decode_config(flipped);
            if (!other.ok()) continue;
            Writer again;
            encode(*other, again);
            bytes.resize(bytes.size() - flipped.remaining());
            EXPECT_EQ(again.out(), bytes) << bit;
        }
    }
}

TEST(Factors, RanksThatNoShapeAllowsAreRefused) {
    const auto refused = [](const auto& change) {
        ModelConfig config = factored()[1].config;  // llama, per head: head width 16
        change(config);
        return !validate(config).ok();
    };
    EXPECT_FALSE(refused([](ModelConfig& c) { c.ranks[0][0] = 16; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks[0][0] = 17; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks[0][3] = 17; }));
    EXPECT_FALSE(refused([](ModelConfig& c) { c.ranks[0][6] = 64; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks[0][6] = 65; }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks.pop_back(); }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks.clear(); }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks.assign(2, {}); }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.ranks.assign(2, {0, 0, 0, 0, 3, 3, 3}); }));
    EXPECT_TRUE(refused([](ModelConfig& c) { c.feed_forward = FeedForward::kRelu; }));
}

TEST(Factors, TheLayoutHasBothFactorsWhereAMatrixIsOne) {
    const ParameterLayout layout(factored()[1].config);  // per head
    using K = TensorKind;
    EXPECT_EQ(layout.at(K::kWqRight, 0).rows, 4U * 5);
    EXPECT_EQ(layout.at(K::kWqRight, 0).cols, 64U);
    EXPECT_EQ(layout.at(K::kWq, 0).rows, 64U);
    EXPECT_EQ(layout.at(K::kWq, 0).cols, 5U);
    EXPECT_EQ(layout.at(K::kWkRight, 0).rows, 2U * 5);
    EXPECT_EQ(layout.at(K::kWoRight, 0).rows, 4U * 5);
    EXPECT_EQ(layout.at(K::kWoRight, 0).cols, 16U);
    EXPECT_EQ(layout.at(K::kWo, 0).rows, 64U);
    EXPECT_EQ(layout.at(K::kWo, 0).cols, 4U * 5);
    EXPECT_EQ(layout.at(K::kWDownRight, 0).cols, 96U);
    EXPECT_EQ(layout.at(K::kWo, 1).cols, 64U);
    EXPECT_FALSE(layout.has(K::kWoRight, 1));
    EXPECT_EQ(layout.at(K::kWq, 0).name, "layers.0.wq.left");
    EXPECT_EQ(layout.at(K::kWqRight, 0).name, "layers.0.wq.right");
    EXPECT_EQ(layout.at(K::kWo, 1).name, "layers.1.wo");
}

TEST(Factors, StatesAreThoseOfTheDoublePrecisionModel) {
    for (const Family& family : factored()) {
        const Machine machine(tensor::available_kernel_sets().back(), 2);
        const Model model = family_model(family, tensor::WeightType::kF32);
        const std::vector<float> found = whole(model, machine.compute);
        const std::vector<float> flat = dense_parameters(model);
        const std::vector<double> wide(flat.begin(), flat.end());
        const ParameterLayout layout(family.config);
        const auto states =
            Oracle(layout).hidden(wide, random_tokens(kTokens, family.config.vocab, 3));
        for (std::size_t t = 0; t < kTokens; ++t)
            for (std::size_t i = 0; i < family.config.dim; ++i)
                ASSERT_NEAR(double{found[t * family.config.dim + i]}, states[t][i],
                            2e-4 * (1 + std::abs(states[t][i])))
                    << family.name << ' ' << t << ' ' << i;
    }
}

// States and logits of every position; f16's are those of rounded factors.
const GoldenHashes& golden() {
    static const GoldenHashes hashes = {
        {"gpt2-factors.f16", 7140172168700887882U},    {"gpt2-factors.f32", 18308589997497997912U},
        {"gpt2-per-head.f16", 5325954401522978808U},   {"gpt2-per-head.f32", 16016562100130885462U},
        {"llama-factors.f16", 908262320921786968U},    {"llama-factors.f32", 15715182084727768693U},
        {"llama-per-head.f16", 14341486748004301142U}, {"llama-per-head.f32", 3794166349292138413U},
        {"qwen-factors.f16", 17413311397595042094U},   {"qwen-factors.f32", 521462858049069876U},
        {"qwen-per-head.f16", 3165647021171315960U},   {"qwen-per-head.f32", 8987582763888416332U},
    };
    return hashes;
}

TEST(Factors, EveryMachinePackingAndCutGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : pinned())
            for (const tensor::WeightType type :
                 {tensor::WeightType::kF32, tensor::WeightType::kF16}) {
                const Model plain = family_model(family, type);
                const std::string name =
                    family.name + '.' + std::string(tensor::weight_type_name(type));
                const std::uint64_t hash = bit_hash(whole(plain, machine.compute));
                expect_golden(machine, golden(), name, hash);
                const Model packed = pack_model(machine.compute, plain);
                EXPECT_EQ(dense_parameters(packed), dense_parameters(plain)) << name;
                for (const std::vector<std::size_t>& pieces :
                     {std::vector<std::size_t>{kTokens}, {70, 1}, {1, 2, 3, 5, 8, 13, 21}})
                    EXPECT_EQ(bit_hash(run(packed, machine.compute, pieces)), hash)
                        << name << " first piece " << pieces[0];
            }
    });
}

// Ranks of whole groups of 32 take any type of weights, where no head has factors of its own.
TEST(Factors, QuantisedFactorsGiveTheSameBitsPackedAndCut) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    Family family = families()[0];
    family.config.ranks = {{32, 32, 0, 32, 32, 64, 32}, {0, 0, 32, 0, 32, 0, 32}};
    for (const tensor::WeightType type : weight_types()) {
        const Model plain = family_model(family, type);
        const Model packed = pack_model(machine.compute, plain);
        const std::uint64_t hash = bit_hash(whole(plain, machine.compute));
        const std::size_t one = 1;
        EXPECT_EQ(bit_hash(run(packed, machine.compute, std::span(&one, 1))), hash)
            << tensor::weight_type_name(type);
    }
}

// The same family, small enough for finite differences.
ModelConfig tiny(ModelConfig config) {
    config.dim = 8;
    config.hidden_dim = 12;
    config.heads = 2;
    config.kv_heads = config.kv_heads < 4 ? 1 : 2;
    config.vocab = 11;
    config.context = 8;
    if (config.explicit_head_dim != 0) config.explicit_head_dim = 6;
    if (config.window != 0) config.window = 3;
    const std::uint16_t head = config.per_head ? 2 : 3;
    const std::uint16_t gate = config.is_gated() ? 4 : 0;
    config.ranks = {{head, head, head, head, gate, 5, 3}, {head, 0, 0, 0, 0, 2, 0}};
    return config;
}

TEST(Factors, GradientsAgreeWithFiniteDifferences) {
    for (const Family& family : factored()) {
        if (!family.config.causal) continue;
        const ParameterLayout layout(tiny(family.config));
        const std::vector<float> flat = large_parameters(layout, 2);
        const auto tokens = random_tokens(1024, 11, 4);
        const auto targets = random_tokens(1024, 11, 5);
        const Machine machine(tensor::available_kernel_sets().back(), 1);
        LeafPass pass(layout, {.leaf_tokens = 1024, .context = 8}, machine.compute);
        std::vector<float> gradient(layout.size());
        const std::int64_t loss =
            pass.backward(view_weights(layout, flat), tokens, targets, gradient);
        const Oracle oracle(layout);
        std::vector<double> wide(flat.begin(), flat.end());
        EXPECT_NEAR(nats(loss, 1024), oracle.loss(wide, tokens, targets, 8) / 1024, 1e-6);
        constexpr double kStep = 1e-5;
        double largest = 0;
        for (const float g : gradient) largest = std::max(largest, std::abs(double{g}));
        for (const TensorInfo& info : layout.tensors()) {
            if (!info.name.ends_with(".left") && !info.name.ends_with(".right")) continue;
            for (std::size_t i = info.offset; i < info.offset + info.size(); i += 7) {
                const double at = wide[i];
                wide[i] = at + kStep;
                const double above = oracle.loss(wide, tokens, targets, 8);
                wide[i] = at - kStep;
                const double below = oracle.loss(wide, tokens, targets, 8);
                wide[i] = at;
                // Gemma's norm behind the branch divides by what is small here.
                EXPECT_NEAR(double{gradient[i]}, (above - below) / (2 * kStep), 2e-4 * largest)
                    << family.name << ' ' << info.name << ' ' << i - info.offset;
            }
        }
    }
}

const GoldenHashes& golden_gradients() {
    static const GoldenHashes hashes = {
        {"gradient.gpt2-factors", 9902745930892216245U},
        {"gradient.gpt2-per-head", 17652292534260905707U},
        {"gradient.llama-factors", 2134819974745615896U},
        {"gradient.llama-per-head", 17883579759767864046U},
        {"gradient.qwen-factors", 1969322947918278264U},
        {"gradient.qwen-per-head", 18125438314708032277U},
    };
    return hashes;
}

TEST(Factors, EveryMicrobatchGivesTheGoldenGradient) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : pinned()) {
            const ParameterLayout layout(family.config);
            const std::vector<float> flat = large_parameters(layout, 5);
            const auto tokens = random_tokens(1024, family.config.vocab, 8);
            const auto targets = random_tokens(1024, family.config.vocab, 9);
            const auto hash_of = [&](std::uint32_t microbatch) {
                std::vector<float> gradient(layout.size());
                LeafPass pass(layout,
                              {.leaf_tokens = 1024, .context = 64, .microbatch = microbatch},
                              machine.compute);
                pass.backward(view_weights(layout, flat), tokens, targets, gradient);
                return bit_hash(gradient);
            };
            const std::uint64_t hash = hash_of(256);
            expect_golden(machine, golden_gradients(), "gradient." + family.name, hash);
            EXPECT_EQ(hash_of(1024), hash) << family.name;
        }
    });
}

}  // namespace
}  // namespace cairn::model
