// Proves that a beginning found in the cache is, row by row, what was computed for it; that equal
// beginnings share blocks; and that memory stays within its limit, the oldest and hindmost first.
#include "host/prefix_cache.h"

#include <gtest/gtest.h>

#include "model/test_families.h"
#include "model/transformer.h"

namespace cairn::host {
namespace {

constexpr std::size_t kBlock = PrefixCache::kBlock;

class PrefixCaches : public testing::Test {
  protected:
    PrefixCaches() : model_(model::family_model(family_, tensor::WeightType::kF32)) {}

    const model::ModelConfig& config() const { return family_.config; }
    model::KvCache computed(std::span<const std::uint32_t> tokens, model::KvType type) {
        const model::Machine machine(tensor::available_kernel_sets().back(), 1);
        const model::LayerRange all = model::all_layers(config());
        model::Transformer transformer(config(), model_.weights, all, machine.compute, {});
        model::KvCache cache(config(), all, config().context, type);
        std::vector<float> hidden(tokens.size() * config().dim);
        transformer.embed(tokens, 0, hidden);
        transformer.forward(hidden, cache);
        return cache;
    }
    static std::vector<std::uint8_t> rows(const model::ModelConfig& config,
                                          const model::KvCache& cache, std::size_t count) {
        std::vector<std::uint8_t> bytes(
            model::kv_cache_bytes(config, cache.range(), count, cache.type()));
        cache.copy_rows(0, count, bytes);
        return bytes;
    }
    // All whole blocks of a text.
    void remember(PrefixCache& prefixes, std::span<const std::uint32_t> tokens) {
        const model::KvCache cache = computed(tokens, model::KvType::kF16);
        for (std::size_t end = kBlock; end <= tokens.size(); end += kBlock)
            prefixes.remember(tokens.first(end), cache);
    }
    std::vector<std::uint32_t> text(std::uint64_t seed, std::size_t length = 4 * kBlock) const {
        return model::random_tokens(length, config().vocab, seed);
    }
    std::uint64_t block_bytes() const {
        return model::kv_cache_bytes(config(), model::all_layers(config()), kBlock,
                                     model::KvType::kF16);
    }

    model::Family family_ = model::causal_families()[0];
    model::Model model_;
    MemoryBudget budget_{.limit = std::uint64_t{1} << 30};
};

TEST_F(PrefixCaches, GiveBackTheRowsThatWereComputed) {
    for (const model::KvType type : tensor::kKvTypes) {
        PrefixMemory memory(budget_, budget_.limit);
        PrefixCache prefixes(config(), type, memory);
        memory.add(prefixes);
        const auto tokens = text(1, 3 * kBlock + 5);
        const model::KvCache cache = computed(tokens, type);
        for (std::size_t end = kBlock; end <= tokens.size(); end += kBlock)
            prefixes.remember(std::span(tokens).first(end), cache);
        EXPECT_EQ(prefixes.find(tokens), 3 * kBlock);
        model::KvCache filled(config(), cache.range(), config().context, type);
        while (filled.length() + kBlock <= 3 * kBlock) ASSERT_TRUE(prefixes.fill(tokens, filled));
        EXPECT_EQ(rows(config(), filled, 3 * kBlock), rows(config(), cache, 3 * kBlock));
        memory.remove(prefixes);
    }
}

TEST_F(PrefixCaches, ShareBlocksOfEqualBeginningsOnly) {
    PrefixMemory memory(budget_, budget_.limit);
    PrefixCache prefixes(config(), model::KvType::kF16, memory);
    memory.add(prefixes);
    const auto first = text(1);
    auto second = first;
    second[2 * kBlock] = (second[2 * kBlock] + 1) % config().vocab;
    remember(prefixes, first);
    EXPECT_EQ(budget_.prefix, 4 * block_bytes());
    EXPECT_EQ(prefixes.find(second), 2 * kBlock);
    remember(prefixes, second);
    EXPECT_EQ(budget_.prefix, 6 * block_bytes());
    // The same block of tokens behind another beginning is another block.
    auto moved = second;
    moved[0] = (moved[0] + 1) % config().vocab;
    EXPECT_EQ(prefixes.find(moved), 0U);
    memory.remove(prefixes);
}

TEST_F(PrefixCaches, ForgetTheLeastRecentlyUsedFromTheirEnds) {
    PrefixMemory memory(budget_, 9 * block_bytes());
    PrefixCache one(config(), model::KvType::kF16, memory);
    PrefixCache other(config(), model::KvType::kF16, memory);
    memory.add(one);
    memory.add(other);
    const auto a = text(1);
    const auto b = text(2);
    const auto c = text(3);
    remember(one, a);
    remember(other, b);
    EXPECT_EQ(one.find(a), 4 * kBlock);  // so b is the oldest
    remember(one, c);                    // needs three blocks more than there are
    EXPECT_EQ(budget_.prefix, 9 * block_bytes());
    EXPECT_EQ(other.find(b), kBlock);
    EXPECT_EQ(one.find(a), 4 * kBlock);
    EXPECT_EQ(one.find(c), 4 * kBlock);
    memory.remove(one);
    memory.remove(other);
}

TEST_F(PrefixCaches, NeverForgetWhatTheyAreBuildingOn) {
    PrefixMemory memory(budget_, 2 * block_bytes());
    PrefixCache prefixes(config(), model::KvType::kF16, memory);
    memory.add(prefixes);
    const auto tokens = text(1);
    remember(prefixes, tokens);
    EXPECT_EQ(prefixes.find(tokens), 2 * kBlock);
    EXPECT_EQ(budget_.prefix, 2 * block_bytes());
    memory.remove(prefixes);
}

TEST_F(PrefixCaches, LeaveTheMemoryToOthers) {
    PrefixMemory memory(budget_, budget_.limit);
    {
        PrefixCache prefixes(config(), model::KvType::kF16, memory);
        memory.add(prefixes);
        budget_.kv = budget_.limit - 3 * block_bytes();
        remember(prefixes, text(1));
        EXPECT_EQ(budget_.prefix, 3 * block_bytes());
        EXPECT_TRUE(memory.forget_one());
        EXPECT_EQ(budget_.prefix, 2 * block_bytes());
        memory.remove(prefixes);
    }
    EXPECT_EQ(budget_.prefix, 0U);
}

}  // namespace
}  // namespace cairn::host
