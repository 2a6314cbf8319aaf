// Proves that neither the cut of a prompt into pieces, nor the batch of 1 to 64 sequences that a
// sequence is computed in, changes a bit of any family, with caches of any type, in any kernel set
// and number of threads; pins the results by golden hashes.
#include <gtest/gtest.h>

#include "model/family_run.h"
#include "model/test_golden.h"

namespace cairn::model {
namespace {

using tensor::kKvTypes;

TEST(FamilyBatches, EveryPrefillSplitOfEveryTypeGivesTheSameBits) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const Family& family : causal_families())
        for (const tensor::WeightType type : weight_types()) {
            const Model packed = pack_model(machine.compute, family_model(family, type));
            for (const KvType kv : kKvTypes) {
                const std::uint64_t expected = bit_hash(whole(packed, machine.compute, kv));
                for (const std::vector<std::size_t>& pieces :
                     {std::vector<std::size_t>{1}, {64}, {130, 1}, {1, 2, 3, 5, 8, 13, 21}})
                    EXPECT_EQ(bit_hash(run(packed, machine.compute, pieces, kv)), expected)
                        << family.name << ' ' << tensor::weight_type_name(type) << ' '
                        << tensor::kv_type_name(kv) << " first piece " << pieces[0];
            }
        }
}

// Hidden states and logits of all positions with a cache of each type, f32 weights.
const GoldenHashes& golden_caches() {
    static const GoldenHashes hashes = {
        {"cache.original.bf16", 7778908970314645801U},
        {"cache.original.digits", 14417171859257086180U},
        {"cache.original.f16", 16826647946743652127U},
        {"cache.original.f32", 11547076669126268702U},
        {"cache.gpt2.bf16", 16918123030474944035U},
        {"cache.gpt2.digits", 3762327685907882342U},
        {"cache.gpt2.f16", 15534629402201439021U},
        {"cache.gpt2.f32", 6314419084809158649U},
        {"cache.llama.bf16", 8485254383430999031U},
        {"cache.llama.digits", 7083041982527997074U},
        {"cache.llama.f16", 7066844520290911274U},
        {"cache.llama.f32", 18280829188994531233U},
        {"cache.qwen.bf16", 10659428347440315317U},
        {"cache.qwen.digits", 4576441547289260977U},
        {"cache.qwen.f16", 13794849172150186423U},
        {"cache.qwen.f32", 2465948543764073280U},
        {"cache.gemma.bf16", 15495535332409148536U},
        {"cache.gemma.digits", 11036345823093697843U},
        {"cache.gemma.f16", 17676460130918848738U},
        {"cache.gemma.f32", 823909086101913054U},
    };
    return hashes;
}

TEST(FamilyBatches, EveryCacheAndPrefillSplitGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : causal_families()) {
            const Model model =
                pack_model(machine.compute, family_model(family, tensor::WeightType::kF32));
            for (const KvType kv : kKvTypes) {
                const std::uint64_t hash = bit_hash(whole(model, machine.compute, kv));
                expect_golden(machine, golden_caches(),
                              "cache." + family.name + '.' + std::string(tensor::kv_type_name(kv)),
                              hash);
                for (const std::vector<std::size_t>& pieces :
                     {std::vector<std::size_t>{70, 1}, {1, 2, 3, 5, 8, 13, 21}})
                    EXPECT_EQ(bit_hash(run(model, machine.compute, pieces, kv)), hash)
                        << "first piece " << pieces[0];
            }
        }
    });
}

constexpr std::size_t kSequences = 64;

std::vector<std::uint32_t> tokens_of(std::size_t sequence, std::uint32_t vocab) {
    return random_tokens(2 + sequence % 3, vocab, 100 + sequence);
}

/// Final states (an encoder's of all positions, others' of the last token's) of sequences [begin,
/// end) computed as one batch: all tokens but the last at once, then the last of each.
std::vector<float> batch_states(Transformer& transformer, std::size_t begin, std::size_t end) {
    const ModelConfig& c = transformer.config();
    std::vector<KvCache> caches;
    std::vector<float> states;
    while (c.causal && caches.size() < end - begin) caches.emplace_back(c, all_layers(c), 8);
    for (const bool last : {false, true}) {
        if (!c.causal && last) break;
        states.clear();
        std::vector<Segment> segments;
        for (std::size_t i = begin; i < end; ++i) {
            const auto tokens = tokens_of(i, c.vocab);
            const std::size_t at = last ? tokens.size() - 1 : 0;
            const std::size_t n = last ? 1 : c.causal ? tokens.size() - 1 : tokens.size();
            states.resize(states.size() + n * c.dim);
            transformer.embed(std::span(tokens).subspan(at, n), at,
                              std::span(states).last(n * c.dim));
            segments.push_back({c.causal ? &caches[i - begin] : nullptr, n});
        }
        transformer.forward_segments(states, segments);
    }
    transformer.finish(states);
    return states;
}

// The final states of 64 sequences.
const GoldenHashes& golden_batches() {
    static const GoldenHashes hashes = {
        {"batch.bert.f32", 3992397513120224763U},
        {"batch.bert.q8_0", 11638606027165507004U},
        {"batch.original.f32", 17973743106834721747U},
        {"batch.original.q8_0", 3344672507444744710U},
        {"batch.gpt2.f32", 9709879135243102340U},
        {"batch.gpt2.q8_0", 14749471357544462742U},
        {"batch.llama.f32", 16183010368050467616U},
        {"batch.llama.q8_0", 11110565401030570629U},
        {"batch.qwen.f32", 3810347549272756220U},
        {"batch.qwen.q8_0", 13388823793289822057U},
        {"batch.gemma.f32", 7582737149345200517U},
        {"batch.gemma.q8_0", 7975066052312428412U},
    };
    return hashes;
}

TEST(FamilyBatches, EveryBatchGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const Family& family : families())
            for (const tensor::WeightType type :
                 {tensor::WeightType::kF32, tensor::WeightType::kQ8_0}) {
                const Model model = pack_model(machine.compute, family_model(family, type));
                Transformer transformer(model.config, model.weights, all_layers(model.config),
                                        machine.compute, {});
                const std::string name =
                    family.name + '.' + std::string(tensor::weight_type_name(type));
                const std::uint64_t hash = bit_hash(batch_states(transformer, 0, kSequences));
                expect_golden(machine, golden_batches(), "batch." + name, hash);
                for (const std::size_t size : {1UL, 2UL, 13UL}) {
                    std::uint64_t joined = bit_hash({});
                    for (std::size_t i = 0; i < kSequences; i += size)
                        joined = bit_hash(
                            batch_states(transformer, i, std::min(i + size, kSequences)), joined);
                    EXPECT_EQ(joined, hash) << name << " in batches of " << size;
                }
            }
    });
}

}  // namespace
}  // namespace cairn::model
