// Proves that layers whose heads and columns are divided give the bits of the undivided ones: for
// every family, every type of weights, caches and states, two or three shares of any sizes, packed
// or not, factors of low rank, and sequences that are read in pieces beside others.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/joined_layers.h"
#include "model/share_layers.h"
#include "model/test_families.h"
#include "model/transformer.h"

namespace cairn::model {
namespace {

constexpr std::size_t kRows = 40;  // of one pass

// The fastest set here; that all sets agree is the last test.
struct Fast {
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
};

// All shares in this process, one after another.
class LocalShares final : public ShareCalls {
  public:
    struct Share {
        LayerShare range;
        std::unique_ptr<ShareLayers> layers;
        Model packed;  // its memory
        std::vector<std::unique_ptr<KvCache>> caches{};
    };

    LocalShares(const Model& model, std::span<const std::uint32_t> sizes,
                const tensor::Compute& compute, bool packed) {
        const LayerRange all = all_layers(model.config);
        for (const LayerShare& range : divide_layers(model.config, sizes)) {
            if (!check_share(model.config, range).ok()) continue;  // of nothing
            Share share{range, nullptr, model};
            share.packed.weights = share_weights(model.config, model.weights, all, range);
            if (packed) share.packed = pack_model(compute, share.packed);
            share.layers = std::make_unique<ShareLayers>(model.config, range, share.packed.weights,
                                                         compute, kRows, model.config.context);
            shares.push_back(std::move(share));
        }
    }
    void add_sequence(const ModelConfig& config, KvType kv) {
        for (Share& share : shares)
            share.caches.push_back(share.range.groups() == 0
                                       ? nullptr
                                       : std::make_unique<KvCache>(share.layers->config(),
                                                                   all_layers(config),
                                                                   config.context, kv));
    }
    Status heads(std::uint32_t layer, tensor::ConstMatrix in, tensor::Matrix out) override {
        for (Share& share : shares) {
            if (share.range.groups() == 0) continue;
            std::vector<Segment> segments;
            for (std::size_t i = 0; i < tokens.size(); ++i)
                segments.push_back({share.caches[i].get(), tokens[i]});
            std::vector<float> copy(in.data, in.data + in.rows * in.cols);
            const tensor::ConstMatrix made =
                share.layers->heads(layer, {copy.data(), in.rows, in.cols}, segments);
            const std::size_t width = out.cols / whole_groups;
            put(made, out.column_range(share.range.group_begin * width, made.cols));
        }
        return ok_status();
    }
    Status columns(std::uint32_t layer, tensor::ConstMatrix in, tensor::Matrix out) override {
        for (Share& share : shares) {
            if (share.range.columns() == 0) continue;
            std::vector<float> copy(in.data, in.data + in.rows * in.cols);
            put(share.layers->columns(layer, {copy.data(), in.rows, in.cols}),
                out.column_range(share.range.column_begin, share.range.columns()));
        }
        return ok_status();
    }
    void advance() {
        for (Share& share : shares)
            for (std::size_t i = 0; i < tokens.size(); ++i)
                if (share.caches[i]) share.caches[i]->advance(tokens[i]);
    }

    std::vector<Share> shares;
    std::vector<std::size_t> tokens;  // of each sequence in the pass
    std::size_t whole_groups = 1;

  private:
    static void put(tensor::ConstMatrix from, tensor::Matrix to) {
        for (std::size_t row = 0; row < from.rows; ++row)
            std::copy_n(from.row(row), from.cols, to.row(row));
    }
};

struct Types {
    KvType kv = KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;
};

// Passes over three sequences, each a number of rows of each: prompts in pieces, then steps.
const std::vector<std::vector<std::size_t>> kPasses = {{30, 3, 0}, {9, 1, 5},  {1, 1, 1},
                                                       {0, 1, 1},  {1, 1, 30}, {1, 1, 1}};

std::vector<float> rows_of(const ModelConfig& config, std::size_t pass, std::size_t rows) {
    std::vector<float> states(rows * config.dim);
    tensor::philox_uniform(11, pass, -1.0F, 1.0F, states);
    return states;
}

std::vector<std::uint64_t> undivided(const Model& model, const tensor::Compute& compute,
                                     const Types& types) {
    Transformer whole(model.config, model.weights, all_layers(model.config), compute,
                      {.max_batch = kRows});
    std::vector<std::unique_ptr<KvCache>> caches;
    for (int i = 0; i < 3; ++i)
        caches.push_back(std::make_unique<KvCache>(model.config, all_layers(model.config),
                                                   model.config.context, types.kv));
    std::vector<std::uint64_t> hashes;
    for (std::size_t pass = 0; pass < kPasses.size(); ++pass) {
        std::vector<Segment> segments;
        std::size_t rows = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            segments.push_back({caches[i].get(), kPasses[pass][i], types.states});
            rows += kPasses[pass][i];
        }
        std::vector<float> states = rows_of(model.config, pass, rows);
        whole.forward_segments(states, segments);
        hashes.push_back(bit_hash(states));
    }
    return hashes;
}

std::vector<std::uint64_t> divided(const Model& model, const tensor::Compute& compute,
                                   std::span<const std::uint32_t> sizes, const Types& types,
                                   bool packed = false) {
    LocalShares shares(model, sizes, compute, packed);
    shares.whole_groups = model.config.kv_heads;
    for (int i = 0; i < 3; ++i) shares.add_sequence(model.config, types.kv);
    Model joining = model;
    joining.weights = joining_weights(model.config, model.weights, all_layers(model.config));
    if (packed) joining = pack_model(compute, joining);
    JoinedLayers joined(model.config, joining.weights, compute, kRows);
    std::vector<std::uint64_t> hashes;
    for (std::size_t pass = 0; pass < kPasses.size(); ++pass) {
        shares.tokens = kPasses[pass];
        std::vector<RoundedRows> rounded;
        std::size_t rows = 0;
        for (const std::size_t n : kPasses[pass]) {
            rounded.push_back({n, types.states});
            rows += n;
        }
        std::vector<float> states = rows_of(model.config, pass, rows);
        EXPECT_TRUE(joined.forward(states, rounded, all_layers(model.config), shares).ok());
        shares.advance();
        hashes.push_back(bit_hash(states));
    }
    return hashes;
}

using Sizes = std::vector<std::uint32_t>;

TEST(LayerShare, TheSharesAreAllHeadsAndColumnsOnce) {
    ModelConfig config = family_base();
    config.heads = 10;
    config.kv_heads = 5;
    config.hidden_dim = 172;
    config.explicit_head_dim = 8;
    for (const Sizes& sizes : {Sizes{1}, Sizes{1, 1}, Sizes{1, 1, 1}, Sizes{0, 2, 5},
                               Sizes{3, 1, 1, 1, 1, 1, 1, 1, 1, 1}}) {
        const std::vector<LayerShare> shares = divide_layers(config, sizes);
        ASSERT_EQ(shares.size(), sizes.size());
        std::uint32_t group = 0, column = 0;
        for (const LayerShare& share : shares) {
            EXPECT_EQ(share.group_begin, group);
            EXPECT_EQ(share.column_begin, column);
            group = share.group_end;
            column = share.column_end;
        }
        EXPECT_EQ(group, 5);
        EXPECT_EQ(column, 172);
    }
    EXPECT_EQ(divide_layers(config, Sizes{1, 1, 1})[1], (LayerShare{2, 3, 64, 112}));
    EXPECT_EQ(divide_layers(config, Sizes{0, 1})[0], (LayerShare{0, 0, 0, 0}));
}

TEST(LayerShare, AShareOfAnotherShapeIsRefusedWithItsBound) {
    const ModelConfig config = family_base();
    const auto why = [&](const LayerShare& share) {
        const Status status = check_share(config, share);
        return status.ok() ? "" : status.error().message;
    };
    EXPECT_EQ(why({0, 2, 0, 96}), "");
    EXPECT_EQ(why({0, 0, 90, 96}), "");
    EXPECT_EQ(why({0, 3, 0, 96}), "groups 0-3 of heads, but a layer has 2");
    EXPECT_EQ(why({2, 1, 0, 96}), "groups 2-1 of heads, but a layer has 2");
    EXPECT_EQ(why({0, 1, 0, 97}), "columns 0-97 of the feed-forward, but a layer has 96");
    EXPECT_EQ(why({1, 1, 5, 5}), "a share of no heads and no columns");
}

TEST(LayerShare, EveryFamilyInEveryTypeOfWeightsHasTheBitsOfItsWholeLayers) {
    const Fast machine;
    for (const Family& family : causal_families())
        for (const tensor::WeightType type : weight_types()) {
            const Model model = family_model(family, type);
            const auto whole = undivided(model, machine.compute, {});
            const std::string name = family.name + " " + std::string(weight_type_name(type));
            EXPECT_EQ(divided(model, machine.compute, Sizes{1, 1}, {}, true), whole) << name;
            EXPECT_EQ(divided(model, machine.compute, Sizes{1, 3, 1}, {}), whole) << name;
        }
    for (const tensor::WeightType type : k_quant_types()) {
        const Model model = family_model(wide_family(), type);
        EXPECT_EQ(divided(model, machine.compute, Sizes{2, 1, 1}, {}, true),
                  undivided(model, machine.compute, {}))
            << tensor::weight_type_name(type);
    }
}

TEST(LayerShare, CachesAndStatesOfEveryTypeAreDividedToTheBit) {
    const Fast machine;
    for (const char* name : {"qwen", "gemma"}) {
        const auto all = families();
        const Family family = *std::ranges::find(all, name, &Family::name);
        const Model model = family_model(family, tensor::WeightType::kF32);
        for (const KvType kv : {KvType::kF32, KvType::kF16, KvType::kBf16, KvType::kDigits})
            for (const auto states :
                 {tensor::StateType::kF32, tensor::StateType::kF16, tensor::StateType::kI8}) {
                const Types types{kv, states};
                EXPECT_EQ(divided(model, machine.compute, Sizes{1, 1}, types),
                          undivided(model, machine.compute, types))
                    << name << " kv " << static_cast<int>(kv) << " states "
                    << static_cast<int>(states);
            }
    }
}

TEST(LayerShare, FactorsOfLowRankAreDividedToTheBit) {
    const Fast machine;
    for (const char* name : {"llama", "qwen", "gpt2", "gemma"})
        for (const bool per_head : {false, true}) {
            const auto all = families();
            Family family = *std::ranges::find(all, name, &Family::name);
            ModelConfig& c = family.config;
            const std::uint16_t head = per_head ? 5 : 20;
            const std::uint16_t gate = c.is_gated() ? 17 : 0;
            c.ranks = {{head, head, head, head, gate, 33, 9}, {head, 0, 0, 0, 0, 32, 0}};
            c.per_head = per_head;
            const Model model = family_model(family, tensor::WeightType::kF32);
            const auto whole = undivided(model, machine.compute, {});
            for (const bool packed : {false, true})
                EXPECT_EQ(divided(model, machine.compute, Sizes{1, 1}, {}, packed), whole)
                    << name << (per_head ? " per head" : "") << (packed ? " packed" : "");
        }
}

// One KV head, as the small Gemma 3 have: one share has all heads, another none.
TEST(LayerShare, AShareMayHaveNoHeadsOrNoColumns) {
    const Fast machine;
    Family family{"one group", family_base()};
    family.config.kv_heads = 1;
    const Model model = family_model(family, tensor::WeightType::kF32);
    const auto whole = undivided(model, machine.compute, {});
    EXPECT_EQ(divide_layers(family.config, Sizes{1, 1, 1})[2].groups(), 0);
    EXPECT_EQ(divided(model, machine.compute, Sizes{1, 1, 1}, {}), whole);
    EXPECT_EQ(divided(model, machine.compute, Sizes{0, 1}, {}), whole);
    family.config.hidden_dim = 20;
    const Model narrow = family_model(family, tensor::WeightType::kF32);
    EXPECT_EQ(divided(narrow, machine.compute, Sizes{1, 1, 1, 1}, {}),
              undivided(narrow, machine.compute, {}));
}

TEST(LayerShare, KernelSetsAndThreadsDoNotChangeADividedPass) {
    const Model model = family_model({"llama", family_base()}, tensor::WeightType::kQ8_0);
    const Machine scalar(tensor::KernelSet::kScalar, 1);
    const auto bits = divided(model, scalar.compute, Sizes{1, 1}, {});
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        const Machine machine(set, 3);
        EXPECT_EQ(divided(model, machine.compute, Sizes{1, 1}, {}, true), bits);
    }
}

}  // namespace
}  // namespace cairn::model
