// Proves that every family, with every type of weights, packed or not, computes what the
// double-precision model computes, with one result for every kernel set, thread count, prefill
// split and cache type; pins each by a golden hash.
#include <gtest/gtest.h>

#include <map>

#include "model/generate.h"
#include "model/oracle.h"
#include "model/test_families.h"

namespace cairn::model {
namespace {

constexpr std::size_t kTokens = 140;  // more than two blocks of keys

// Hidden states (after the final norm) and, where there is a head, logits of every position.
std::vector<float> run(const Model& model, const tensor::Compute& compute,
                       std::span<const std::size_t> pieces, KvType type = KvType::kF32) {
    const ModelConfig& c = model.config;
    Transformer transformer(c, model.weights, all_layers(c), compute,
                            {.max_batch = kTokens, .max_positions = kTokens});
    const auto tokens = random_tokens(kTokens, c.vocab, 3);
    std::vector<float> states(kTokens * c.dim);
    std::vector<float> logits(c.has_head() ? kTokens * c.vocab : 0);
    if (!c.causal) {
        transformer.embed(tokens, 0, states);
        const Segment whole{nullptr, kTokens};
        transformer.forward_segments(states, std::span(&whole, 1));
        transformer.finish(states);
        return states;
    }
    KvCache cache(c, all_layers(c), kTokens, type);
    std::size_t at = 0;
    for (std::size_t i = 0; at < kTokens; ++i) {
        const std::size_t n = std::min(pieces[std::min(i, pieces.size() - 1)], kTokens - at);
        const std::span<float> rows = std::span(states).subspan(at * c.dim, n * c.dim);
        transformer.embed(std::span(tokens).subspan(at, n), at, rows);
        transformer.forward(rows, cache);
        transformer.head(rows, std::span(logits).subspan(at * c.vocab, n * c.vocab));
        at += n;
    }
    transformer.finish(states);
    states.insert(states.end(), logits.begin(), logits.end());
    return states;
}

std::vector<float> whole(const Model& model, const tensor::Compute& compute,
                         KvType type = KvType::kF32) {
    const std::size_t all = kTokens;
    return run(model, compute, std::span(&all, 1), type);
}

TEST(Families, ComputeWhatTheDoublePrecisionModelComputes) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    for (const Family& family : families()) {
        const ParameterLayout layout(family.config);
        const std::vector<float> flat = lively_parameters(layout, 5);
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

// By family, then type: forward of all positions, reference kernels, f32 cache.
const std::map<std::string, std::map<std::string, std::uint64_t>>& golden_forward() {
    static const std::map<std::string, std::map<std::string, std::uint64_t>> hashes = {
        {"llama",
         {{"f32", 18280829188994531233U},
          {"f16", 2234456982523358643U},
          {"bf16", 6812820452559072649U},
          {"q8_0", 186861637187469279U},
          {"q4_0", 13102169358922682709U},
          {"w8a8-row", 1176280232431528404U}}},
        {"qwen",
         {{"f32", 2465948543764073280U},
          {"f16", 8718103235139557014U},
          {"bf16", 1808549137493425980U},
          {"q8_0", 1313924976737061919U},
          {"q4_0", 9935001273569278139U},
          {"w8a8-row", 10836213007707704390U}}},
        {"gpt2",
         {{"f32", 6314419084809158649U},
          {"f16", 5022918827657718804U},
          {"bf16", 15848979439421712579U},
          {"q8_0", 15964415419722197268U},
          {"q4_0", 1557101275540291880U},
          {"w8a8-row", 11576859746634312292U}}},
        {"first",
         {{"f32", 11547076669126268702U},
          {"f16", 4718409944064745428U},
          {"bf16", 5797252497310358266U},
          {"q8_0", 17003625965032947706U},
          {"q4_0", 1333247641140138512U},
          {"w8a8-row", 6215738899261284270U}}},
        {"bert",
         {{"f32", 3966855214533457808U},
          {"f16", 5898739715526551906U},
          {"bf16", 9058290780526252616U},
          {"q8_0", 10527753272007272526U},
          {"q4_0", 5487667738571062219U},
          {"w8a8-row", 15028597667438209012U}}},
    };
    return hashes;
}

TEST(Families, EveryTypeKernelSetAndPackingGivesTheGoldenBits) {
    for (const Family& family : families()) {
        for (const tensor::WeightType type : weight_types()) {
            const std::string name(tensor::weight_type_name(type));
            const Model model = family_model(family, type);
            std::uint64_t expected = 0;
            if (const auto found = golden_forward().find(family.name);
                found != golden_forward().end())
                expected = found->second.contains(name) ? found->second.at(name) : 0;
            for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
                const Machine machine(set, set == tensor::KernelSet::kScalar ? 1 : 3);
                const Model packed = pack_model(machine.compute, model);
                EXPECT_EQ(bit_hash(whole(model, machine.compute)), expected)
                    << "canonical {\"" << family.name << "\", \"" << name << "\"} "
                    << tensor::kernel_set_name(set);
                EXPECT_EQ(bit_hash(whole(packed, machine.compute)), expected)
                    << "packed {\"" << family.name << "\", \"" << name << "\"} "
                    << tensor::kernel_set_name(set);
            }
        }
    }
}

TEST(Families, EveryPrefillSplitGivesTheSameBits) {
    for (const Family& family : causal_families()) {
        for (const tensor::WeightType type : weight_types()) {
            const Machine machine(tensor::available_kernel_sets().back(), 2);
            const Model packed = pack_model(machine.compute, family_model(family, type));
            for (const KvType kv : {KvType::kF32, KvType::kF16, KvType::kBf16}) {
                const std::uint64_t expected = bit_hash(whole(packed, machine.compute, kv));
                for (const std::vector<std::size_t>& pieces :
                     {std::vector<std::size_t>{1}, {64}, {130, 1}, {1, 2, 3, 5, 8, 13, 21}})
                    EXPECT_EQ(bit_hash(run(packed, machine.compute, pieces, kv)), expected)
                        << family.name << ' ' << tensor::weight_type_name(type) << ' '
                        << tensor::kv_type_name(kv) << " first piece " << pieces[0];
            }
        }
    }
}

TEST(Families, NarrowCachesReadBackWhatTheReferenceReadsBack) {
    const Family family = causal_families()[1];  // heads of 24: no whole number of lanes
    const Model model = family_model(family, tensor::WeightType::kF32);
    for (const KvType kv : {KvType::kF16, KvType::kBf16}) {
        const Machine reference(tensor::KernelSet::kReference, 1);
        const auto expected = whole(model, reference.compute, kv);
        EXPECT_NE(expected, whole(model, reference.compute));
        for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
            const Machine machine(set, 2);
            EXPECT_EQ(bit_hash(whole(model, machine.compute, kv)), bit_hash(expected))
                << tensor::kernel_set_name(set);
        }
    }
}

const std::map<std::string, std::uint64_t>& golden_greedy() {
    static const std::map<std::string, std::uint64_t> hashes = {
        {"llama f32", 13793298843182987684U}, {"llama q8_0", 3210549324937035978U},
        {"qwen f32", 15870265554749890022U},  {"qwen q8_0", 7589933222246263255U},
        {"gpt2 f32", 13853224359026489325U},  {"gpt2 q8_0", 4366784220907017725U},
        {"first f32", 2266443305331577307U},  {"first q8_0", 17613000885796061861U},
    };
    return hashes;
}

TEST(Families, GreedyTextHasTheGoldenBits) {
    for (const Family& family : causal_families()) {
        for (const tensor::WeightType type :
             {tensor::WeightType::kF32, tensor::WeightType::kQ8_0}) {
            const std::string name =
                family.name + ' ' + std::string(tensor::weight_type_name(type));
            const auto found = golden_greedy().find(name);
            for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
                const Machine machine(set, 2);
                const Model packed = pack_model(machine.compute, family_model(family, type));
                const ModelConfig& c = packed.config;
                Transformer transformer(c, packed.weights, all_layers(c), machine.compute, {});
                KvCache cache(c, all_layers(c), c.context);
                LocalLayers layers(transformer, cache);
                std::uint64_t hash = bit_hash({});
                const Tokens prompt{1, 2, 3, 4, 5};
                const auto text = generate(machine.compute, transformer, layers, prompt,
                                           {.max_tokens = 40}, {}, [&](const GeneratedStep& step) {
                                               hash = bit_hash(step.logits, hash);
                                               return true;
                                           });
                ASSERT_TRUE(text.ok());
                EXPECT_EQ(hash, found == golden_greedy().end() ? 0 : found->second)
                    << "greedy " << name << ' ' << tensor::kernel_set_name(set);
            }
        }
    }
}

}  // namespace
}  // namespace cairn::model
