// Proves what a part does with messages that do not fit: it refuses another model, other layers and
// shares by name, keeps its bounds, and no message, however damaged or out of order, makes it crash
// or compute what it should not.
#include "serve/layer_part.h"

#include <gtest/gtest.h>

#include <cmath>

#include "serve/receipt.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct LayerPartTest : ::testing::Test {
    TestWorld world{small_model()};  // 5 layers, 2 groups of 2 heads, width 32, 48 columns
    LayerPart part{
        world.snapshot, {1, 4}, world.compute, {.max_cache_bytes = 100'000, .max_caches = 3}};
    const PartJoin join{world.snapshot.hash, kNumericsVersion, {1, 4}, {0, 1, 16, 48}};

    /// "ok", or why not.
    std::string ask(PartKind kind, const Bytes& body) {
        const auto answer = part.answer(kind, body);
        if (!answer) return "nothing";
        if (answer->kind != PartKind::kRefused) return "ok";
        return decode_part_reason(answer->body).value();
    }
    std::string heads(std::uint32_t layer, std::vector<PartSequence> sequences,
                      std::size_t dim = 32) {
        std::size_t rows = 0;
        for (const PartSequence& sequence : sequences) rows += sequence.rows;
        return ask(PartKind::kHeads, encode(PartHeads{layer, std::move(sequences),
                                                      std::vector<float>(rows * dim, 0.5F)}));
    }
};

TEST_F(LayerPartTest, AnotherModelOtherLayersAndSharesAreRefusedByName) {
    const auto joins = [&](auto change) {
        PartJoin changed = join;
        change(changed);
        return ask(PartKind::kJoin, encode(changed));
    };
    EXPECT_EQ(joins([](PartJoin&) {}), "ok");
    EXPECT_EQ(
        joins([](PartJoin& j) { j.model.bytes[0] ^= 1; }),
        "this part holds model " + short_hex(world.snapshot.hash) + ", not " +
            [&] {
                Hash256 other = world.snapshot.hash;
                other.bytes[0] ^= 1;
                return short_hex(other);
            }() +
            ": start it with the lead's file");
    EXPECT_EQ(joins([](PartJoin& j) {
                  j.layers = {0, 4};
              }),
              "this part holds layers 1-4, not layers 0-4: start it with the lead's --serve");
    EXPECT_EQ(joins([](PartJoin& j) {
                  j.layers = {1, 5};
              }),
              "this part holds layers 1-4, not layers 1-5: start it with the lead's --serve");
    EXPECT_EQ(joins([](PartJoin& j) { j.share.group_end = 3; }),
              "groups 0-3 of heads, but a layer has 2");
    EXPECT_EQ(joins([](PartJoin& j) { j.share.column_end = 49; }),
              "columns 16-49 of the feed-forward, but a layer has 48");
    EXPECT_NE(joins([](PartJoin& j) { j.numerics = 2; }).find("numerics version"),
              std::string::npos);
}

TEST_F(LayerPartTest, NothingIsComputedBeforeALeadHasJoined) {
    EXPECT_EQ(ask(PartKind::kOpen, encode(PartOpen{1, {1, 4}, 8})), "no lead has joined");
    EXPECT_EQ(heads(1, {{1, 0, 1}}), "no lead has joined");
    EXPECT_EQ(ask(PartKind::kColumns, encode(PartColumns{1, 1, std::vector<float>(32)})),
              "no lead has joined");
    EXPECT_EQ(ask(PartKind::kClose, encode_part_close(1)), "nothing");
    EXPECT_EQ(ask(PartKind::kShare, {}), "nothing");
    EXPECT_EQ(ask(static_cast<PartKind>(0x5306), {}), "nothing");
}

TEST_F(LayerPartTest, CachesAreBoundedAndGoWithTheLead) {
    ASSERT_EQ(ask(PartKind::kJoin, encode(join)), "ok");
    const auto open = [&](PartOpen message) { return ask(PartKind::kOpen, encode(message)); };
    EXPECT_EQ(open({1, {1, 4}, 64}), "ok");
    EXPECT_EQ(open({1, {1, 4}, 64}), "this cache is open");
    EXPECT_EQ(open({2, {0, 4}, 64}), "a cache of layers 0-4, but the lead joined for layers 1-4");
    EXPECT_EQ(open({2, {1, 4}, 129}), "positions must be 1 to the model's context of 128");
    EXPECT_EQ(open({2, {1, 4}, 0}), "positions must be 1 to the model's context of 128");
    // 3 layers of keys and values of one head of 8 numbers: 24,576 bytes for 128 positions.
    EXPECT_EQ(open({2, {1, 4}, 128}), "ok");
    EXPECT_EQ(open({3, {1, 4}, 128}), "ok");
    EXPECT_EQ(open({4, {1, 2}, 1}), "all of this part's memory for caches is taken") << "three";
    ask(PartKind::kClose, encode_part_close(3));
    ask(PartKind::kClose, encode_part_close(3));
    EXPECT_EQ(open({4, {1, 2}, 1}), "ok");
    EXPECT_EQ(part.caches(), 3U);
    EXPECT_EQ(heads(1, {{1, 0, 2}}), "ok");
    ASSERT_EQ(ask(PartKind::kJoin, encode(join)), "ok");
    EXPECT_EQ(part.caches(), 0U) << "who joins again begins anew";
    EXPECT_EQ(heads(1, {{1, 0, 2}}), "rows of a cache that is not open");
    for (std::uint64_t i = 0; i < 20; ++i) {  // what is closed and forgotten costs nothing
        ASSERT_EQ(open({i, {1, 4}, 128}), "ok") << i;
        ask(PartKind::kClose, encode_part_close(i));
    }
}

TEST_F(LayerPartTest, RowsThatFitNoCacheAreRefused) {
    ASSERT_EQ(ask(PartKind::kJoin, encode(join)), "ok");
    ASSERT_EQ(ask(PartKind::kOpen, encode(PartOpen{1, {1, 3}, 8})), "ok");
    EXPECT_EQ(heads(0, {{1, 0, 1}}), "layer 0, but the lead joined for layers 1-4");
    EXPECT_EQ(heads(3, {{1, 0, 1}}), "layer 3 of a cache of layers 1-3");
    EXPECT_EQ(heads(1, {{2, 0, 1}}), "rows of a cache that is not open");
    EXPECT_EQ(heads(1, {{1, 0, 1}, {1, 1, 1}}), "a cache is named twice");
    EXPECT_EQ(heads(1, {{1, 1, 1}}), "rows 1-2 of a cache that has 0 of 8");
    EXPECT_EQ(heads(1, {{1, 0, 9}}), "rows 0-9 of a cache that has 0 of 8");
    EXPECT_EQ(heads(1, {{1, 0, 1}}, 33), "a message has up to 256 rows of 32 numbers");
    EXPECT_EQ(heads(1, {{1, 0, 8}}), "ok");
    EXPECT_EQ(heads(1, {{1, 8, 1}}), "rows 8-9 of a cache that has 0 of 8")
        << "positions count when the last layer has them";
    EXPECT_EQ(heads(2, {{1, 0, 8}}), "ok");
    EXPECT_EQ(heads(1, {{1, 3, 2}}), "ok") << "rows taken back";
    EXPECT_EQ(ask(PartKind::kColumns, encode(PartColumns{4, 1, std::vector<float>(32)})),
              "layer 4, but the lead joined for layers 1-4");
    EXPECT_EQ(ask(PartKind::kColumns, encode(PartColumns{1, 2, std::vector<float>(62)})),
              "a message has up to 256 rows of 32 numbers");
}

TEST_F(LayerPartTest, AShareWithoutHeadsOrColumnsIsAskedForNone) {
    PartJoin columns = join;
    columns.share = {1, 1, 0, 48};
    ASSERT_EQ(ask(PartKind::kJoin, encode(columns)), "ok");
    EXPECT_EQ(ask(PartKind::kOpen, encode(PartOpen{1, {1, 4}, 8})), "this share has no heads");
    EXPECT_EQ(heads(1, {{1, 0, 1}}), "this share has no heads");
    PartJoin of_heads = join;
    of_heads.share = {0, 2, 7, 7};
    ASSERT_EQ(ask(PartKind::kJoin, encode(of_heads)), "ok");
    EXPECT_EQ(ask(PartKind::kColumns, encode(PartColumns{1, 1, std::vector<float>(32)})),
              "this share has no columns");
}

// Whatever comes, also NaN and infinity: it answers, and goes on computing the right bits.
TEST_F(LayerPartTest, NoMessageMakesItCrash) {
    const std::vector<std::pair<PartKind, Bytes>> messages = {
        {PartKind::kJoin, encode(join)},
        {PartKind::kOpen, encode(PartOpen{1, {1, 4}, 8})},
        {PartKind::kHeads, encode(PartHeads{1, {{1, 0, 2}}, std::vector<float>(64, 0.5F)})},
        {PartKind::kColumns, encode(PartColumns{1, 2, std::vector<float>(64, 0.5F)})},
        {PartKind::kHeads, encode(PartHeads{3, {{1, 0, 2}}, std::vector<float>(64, NAN)})},
        {PartKind::kClose, encode_part_close(1)}};
    SeededRandom random(3);
    for (const auto& [kind, body] : messages) {
        (void)part.answer(kind, body);
        for (std::size_t size = 0; size < body.size(); ++size)
            (void)part.answer(kind, ByteView(body).first(size));
        for (int i = 0; i < 300; ++i) {
            Bytes other = body;
            for (int flips = 0; flips < 3; ++flips)
                other[random.below(other.size())] = static_cast<std::uint8_t>(random.below(256));
            (void)part.answer(kind, other);
            (void)part.answer(static_cast<PartKind>(0x5501 + random.below(12)), other);
        }
    }
    EXPECT_LE(part.caches(), 3U);
    ASSERT_EQ(ask(PartKind::kJoin, encode(join)), "ok");
    const Bytes columns = encode(PartColumns{2, 1, world.some_states(1, 4)});
    const auto made = part.answer(PartKind::kColumns, columns);
    LayerPart fresh(world.snapshot, {1, 4}, world.compute);
    (void)fresh.answer(PartKind::kJoin, encode(join));
    EXPECT_EQ(made->body, fresh.answer(PartKind::kColumns, columns)->body);
}

}  // namespace
}  // namespace cairn::serve
