// Proves that messages between a lead and its parts have one spelling and bounds.
#include "serve/part_messages.h"

#include <gtest/gtest.h>

namespace cairn::serve {
namespace {

Hash256 some_hash() {
    Hash256 hash;
    hash.bytes.fill(7);
    return hash;
}

/// Decodes to the same, and nothing that is shorter or longer does; a flipped bit is refused or is
/// another message of one spelling.
template <typename Message, typename Decode>
void expect_one_spelling(const Message& message, Decode decode) {
    const Bytes body = encode(message);
    ASSERT_TRUE(decode(body).ok());
    EXPECT_EQ(*decode(body), message);
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_FALSE(decode(ByteView(body).first(size)).ok()) << size;
    Bytes longer = body;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer).ok());
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
        Bytes other = body;
        other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << (bit % 8)));
        const auto decoded = decode(other);
        if (!decoded.ok()) continue;
        EXPECT_EQ(encode(*decoded), other) << bit;
    }
}

TEST(PartMessages, HaveOneSpelling) {
    expect_one_spelling(PartJoin{some_hash(), 1, {2, 5}, {0, 3, 16, 48}}, decode_part_join);
    expect_one_spelling(PartOpen{9, {2, 4}, 64, tensor::KvType::kDigits}, decode_part_open);
    expect_one_spelling(PartHeads{3, {{9, 4, 2}, {10, 0, 1}}, {1, 2, 3, 4, 5, 6}},
                        decode_part_heads);
    expect_one_spelling(PartColumns{3, 2, {1, 2, 3, 4}}, decode_part_columns);
    expect_one_spelling(PartShare{3, {1, 2, 3}}, decode_part_share);
    EXPECT_EQ(decode_part_close(encode_part_close(77)).value(), 77U);
    EXPECT_FALSE(decode_part_close(ByteView(encode_part_close(77)).first(7)).ok());
    EXPECT_EQ(decode_part_reason(encode_part_reason("why")).value(), "why");
    EXPECT_EQ(decode_part_reason(encode_part_reason(std::string(600, 'a'))).value().size(),
              kMaxPartReason);
}

TEST(PartMessages, RowsAreBounded) {
    const auto decodes = [](std::uint32_t rows, std::size_t numbers) {
        return decode_part_columns(encode(PartColumns{0, rows, std::vector<float>(numbers)})).ok();
    };
    EXPECT_TRUE(decodes(256, 512));
    EXPECT_FALSE(decodes(257, 514));
    EXPECT_FALSE(decodes(0, 0));
    EXPECT_FALSE(decodes(3, 4)) << "no whole number of rows";
    EXPECT_FALSE(decodes(1, 0));
    EXPECT_TRUE(decodes(1, kMaxPartFloats));
    EXPECT_FALSE(decodes(1, kMaxPartFloats + 1));
    const auto heads = [](std::vector<PartSequence> sequences, std::size_t numbers) {
        return decode_part_heads(
                   encode(PartHeads{0, std::move(sequences), std::vector<float>(numbers)}))
            .ok();
    };
    EXPECT_TRUE(heads({{1, 0, 200}, {2, 0, 56}}, 256));
    EXPECT_FALSE(heads({{1, 0, 200}, {2, 0, 57}}, 257));
    EXPECT_FALSE(heads({{1, 0, 0}, {2, 0, 1}}, 1)) << "a sequence without rows";
    EXPECT_FALSE(heads({{1, 0, 0xFFFFFFFF}, {2, 0, 2}}, 1)) << "numbers that wrap";
    EXPECT_FALSE(heads({}, 1));
}

TEST(PartMessages, APassHasAsManyRowsAsItsWidestStepHasRoomFor) {
    model::ModelConfig config{.dim = 4096, .hidden_dim = 11008, .heads = 32, .kv_heads = 8};
    EXPECT_EQ(max_part_rows(config), 190U);
    config.hidden_dim = 1024;
    EXPECT_EQ(max_part_rows(config), 256U);
    config.explicit_head_dim = 1024;  // queries of 32768
    EXPECT_EQ(max_part_rows(config), 64U);
}

}  // namespace
}  // namespace cairn::serve
