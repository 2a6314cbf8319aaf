// Proves that every family, with every type of weights, packed or not, computes what the
// double-precision model computes, with one result for every kernel set and thread count; pins each
// by a golden hash, and so the greedy text. Splits, caches and batches: family_batches_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "infer/generate.h"
#include "model/family_run.h"
#include "model/oracle.h"
#include "model/test_golden.h"

namespace cairn::model {
namespace {

TEST(Families, ComputeWhatTheDoublePrecisionModelComputes) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    for (const Family& family : families()) {
        const ParameterLayout layout(family.config);
        const std::vector<float> flat = large_parameters(layout, 5);
        const std::vector<float> states =
            whole(typed_model(family.config, flat, tensor::WeightType::kF32), machine.compute);
        const Oracle oracle(layout);
        const auto expected = oracle.hidden(std::vector<double>(flat.begin(), flat.end()),
                                            random_tokens(kTokens, family.config.vocab, 3));
        const std::size_t dim = family.config.dim;
        for (std::size_t t = 0; t < kTokens; ++t)
            for (std::size_t i = 0; i < dim; ++i)
                ASSERT_NEAR(double{states[t * dim + i]}, expected[t][i], 1e-4)
                    << family.name << " token " << t << " column " << i;
    }
}

// Hidden states and logits of all positions.
const GoldenHashes& golden_forward() {
    static const GoldenHashes hashes = {
        {"forward.llama.f32", 18280829188994531233U},
        {"forward.llama.f16", 2234456982523358643U},
        {"forward.llama.bf16", 6812820452559072649U},
        {"forward.llama.q8_0", 186861637187469279U},
        {"forward.llama.q4_0", 13102169358922682709U},
        {"forward.llama.w8a8-row", 1176280232431528404U},
        {"forward.llama.q4_1", 2065683361761812791U},
        {"forward.llama.q5_0", 14768939785221489906U},
        {"forward.llama.q5_1", 11040870051230750355U},
        {"forward.qwen.f32", 2465948543764073280U},
        {"forward.qwen.f16", 8718103235139557014U},
        {"forward.qwen.bf16", 1808549137493425980U},
        {"forward.qwen.q8_0", 1313924976737061919U},
        {"forward.qwen.q4_0", 9935001273569278139U},
        {"forward.qwen.w8a8-row", 10836213007707704390U},
        {"forward.qwen.q4_1", 3610646724399121966U},
        {"forward.qwen.q5_0", 4972732024410561392U},
        {"forward.qwen.q5_1", 15469500204513774425U},
        {"forward.gpt2.f32", 6314419084809158649U},
        {"forward.gpt2.f16", 5022918827657718804U},
        {"forward.gpt2.bf16", 15848979439421712579U},
        {"forward.gpt2.q8_0", 15964415419722197268U},
        {"forward.gpt2.q4_0", 1557101275540291880U},
        {"forward.gpt2.w8a8-row", 11576859746634312292U},
        {"forward.gpt2.q4_1", 5037696424130300431U},
        {"forward.gpt2.q5_0", 17747887526825677579U},
        {"forward.gpt2.q5_1", 6839183828556124827U},
        {"forward.original.f32", 11547076669126268702U},
        {"forward.original.f16", 4718409944064745428U},
        {"forward.original.bf16", 5797252497310358266U},
        {"forward.original.q8_0", 17003625965032947706U},
        {"forward.original.q4_0", 1333247641140138512U},
        {"forward.original.w8a8-row", 6215738899261284270U},
        {"forward.original.q4_1", 6579548552373953003U},
        {"forward.original.q5_0", 15808487911256723564U},
        {"forward.original.q5_1", 13951095268904445427U},
        {"forward.gemma.f32", 823909086101913054U},
        {"forward.gemma.f16", 5652842616150633074U},
        {"forward.gemma.bf16", 13315579428531327608U},
        {"forward.gemma.q8_0", 10443977563242584043U},
        {"forward.gemma.q4_0", 14514479988704062175U},
        {"forward.gemma.w8a8-row", 8204338919999116203U},
        {"forward.gemma.q4_1", 12965486921213946786U},
        {"forward.gemma.q5_0", 2276295505789869256U},
        {"forward.gemma.q5_1", 13620388659779013712U},
        {"forward.bert.f32", 3966855214533457808U},
        {"forward.bert.f16", 5898739715526551906U},
        {"forward.bert.bf16", 9058290780526252616U},
        {"forward.bert.q8_0", 10527753272007272526U},
        {"forward.bert.q4_0", 5487667738571062219U},
        {"forward.bert.w8a8-row", 15028597667438209012U},
        {"forward.bert.q4_1", 13570000911069660562U},
        {"forward.bert.q5_0", 8289986839382959232U},
        {"forward.bert.q5_1", 3448142018610757058U},
        {"forward.wide.q4_k", 10311690490032308906U},
        {"forward.wide.q5_k", 4576507108144892333U},
        {"forward.wide.q6_k", 14614260114577898050U},
    };
    return hashes;
}

void expect_golden_forward(const Machine& machine, const Family& family,
                           const std::vector<tensor::WeightType>& types) {
    for (const tensor::WeightType type : types) {
        const std::string name =
            "forward." + family.name + '.' + std::string(tensor::weight_type_name(type));
        const Model model = family_model(family, type);
        const std::vector<float> states = whole(model, machine.compute);
        const std::uint64_t hash = bit_hash(states);
        EXPECT_TRUE(std::ranges::all_of(states, [](float x) { return std::isfinite(x); })) << name;
        expect_golden(machine, golden_forward(), name, hash);
        EXPECT_EQ(bit_hash(whole(pack_model(machine.compute, model), machine.compute)), hash)
            << name << " packed";
    }
}

TEST(Families, EveryTypeAndPackingGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : families())
            expect_golden_forward(machine, family, weight_types());
        expect_golden_forward(machine, wide_family(), k_quant_types());
    });
}

// The logits of forty greedy tokens.
const GoldenHashes& golden_greedy() {
    static const GoldenHashes hashes = {
        {"greedy.llama.f32", 13793298843182987684U},
        {"greedy.llama.q8_0", 3210549324937035978U},
        {"greedy.qwen.f32", 15870265554749890022U},
        {"greedy.qwen.q8_0", 7589933222246263255U},
        {"greedy.gpt2.f32", 13853224359026489325U},
        {"greedy.gpt2.q8_0", 4366784220907017725U},
        {"greedy.original.f32", 2266443305331577307U},
        {"greedy.original.q8_0", 17613000885796061861U},
        {"greedy.gemma.f32", 10119187922606792948U},
        {"greedy.gemma.q8_0", 7181942856364112737U},
    };
    return hashes;
}

std::uint64_t greedy_hash(const Model& model, const tensor::Compute& compute) {
    const ModelConfig& c = model.config;
    Transformer transformer(c, model.weights, all_layers(c), compute, {});
    KvCache cache(c, all_layers(c), c.context);
    infer::LocalLayers layers(transformer, cache);
    std::uint64_t hash = bit_hash({});
    const text::Tokens prompt{1, 2, 3, 4, 5};
    const auto text = infer::generate(compute, transformer, layers, prompt, {.max_tokens = 40}, {},
                                      [&](const infer::GeneratedStep& step) {
                                          hash = bit_hash(step.logits, hash);
                                          return true;
                                      });
    EXPECT_TRUE(text.ok());
    return hash;
}

TEST(Families, GreedyTextHasTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : causal_families())
            for (const tensor::WeightType type :
                 {tensor::WeightType::kF32, tensor::WeightType::kQ8_0})
                expect_golden(
                    machine, golden_greedy(),
                    "greedy." + family.name + '.' + std::string(tensor::weight_type_name(type)),
                    greedy_hash(pack_model(machine.compute, family_model(family, type)),
                                machine.compute));
    });
}

}  // namespace
}  // namespace cairn::model
