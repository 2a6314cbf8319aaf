// Proves that every message about weights has one spelling and its bounds, and that manifests that
// do not fit their shapes are refused.
#include "fetch/messages.h"

#include <gtest/gtest.h>

#include <utility>

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "fetch/manifest.h"
#include "model/test_model.h"

namespace cairn::fetch {
namespace {

Hash256 some_hash(int i) { return crypto::sha256(as_bytes("hash " + std::to_string(i))); }

template <typename Decode, typename Encode>
void expect_one_spelling(const Bytes& body, Decode decode, Encode encode) {
    const auto message = decode(body);
    ASSERT_TRUE(message.ok()) << message.error().message;
    EXPECT_EQ(encode(*message), body);
    Bytes longer = body;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer).ok());
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_FALSE(decode(ByteView(body).first(size)).ok()) << size;
}

TEST(WeightMessages, HaveOneSpelling) {
    const auto by_type = [](const auto& message) { return encode(message); };
    expect_one_spelling(encode_ask_weights(some_hash(1)), decode_ask_weights, encode_ask_weights);
    expect_one_spelling(encode(Weights{{1, 2, 3}, std::nullopt}), decode_weights, by_type);
    expect_one_spelling(encode(Weights{{}, Anchor{some_hash(1), some_hash(2), some_hash(3)}}),
                        decode_weights, by_type);
    expect_one_spelling(encode(AskLeaves{some_hash(1), 70'000, 32}), decode_ask_leaves, by_type);
    expect_one_spelling(encode(Leaves{some_hash(1), 5, {9, 9}, {{some_hash(2)}, {some_hash(3)}}}),
                        decode_leaves, by_type);
    expect_one_spelling(encode(NoWeights{some_hash(1), 5, Lack::kBusy}), decode_no_weights,
                        by_type);
}

TEST(WeightMessages, HaveBounds) {
    EXPECT_FALSE(decode_ask_leaves(encode(AskLeaves{some_hash(1), 0, 0})).ok());
    EXPECT_FALSE(decode_ask_leaves(encode(AskLeaves{some_hash(1), 0, kMaxLeaves + 1})).ok());
    EXPECT_FALSE(
        decode_ask_leaves(encode(AskLeaves{some_hash(1), crypto::kMaxMerkleLeaves, 1})).ok());
    EXPECT_FALSE(decode_leaves(encode(Leaves{some_hash(1), 0, {}, {}})).ok());
    EXPECT_FALSE(decode_no_weights(encode(NoWeights{some_hash(1), 0, Lack{3}})).ok());
    EXPECT_FALSE(decode_no_weights(encode(NoWeights{some_hash(1), 0, Lack{0}})).ok());
    Bytes anchored = encode(Weights{{1}, std::nullopt});
    anchored.back() = 2;
    EXPECT_FALSE(decode_weights(anchored).ok());
    Writer writer;  // a proof with a side that no tree has
    writer.fixed(some_hash(1));
    writer.u64(0);
    writer.bytes(Bytes{1});
    writer.count(crypto::kMaxProofSide + 1);
    for (std::size_t i = 0; i <= crypto::kMaxProofSide; ++i) writer.fixed(some_hash(2));
    writer.count(0);
    EXPECT_FALSE(decode_leaves(writer.out()).ok());
}

TEST(Manifest, NamesAModelByItsShapeTypesAndLeaves) {
    const model::ParameterLayout layout(model::small_config());
    std::vector<float> values = model::large_parameters(layout, 3);
    const auto name_of = [&] {
        return name_model(layout.config(), model::view_weights(layout, values)).manifest;
    };
    const Manifest manifest = name_of();
    const auto again = decode_manifest(encode(manifest));
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->name(), manifest.name());
    for (const std::size_t changed : {std::size_t{0}, values.size() / 2, values.size() - 1}) {
        const float before = std::exchange(values[changed], values[changed] + 1.0F);
        EXPECT_NE(name_of().name(), manifest.name());
        values[changed] = before;
    }
    Manifest other = manifest;
    other.types[0] = tensor::WeightType::kF16;
    EXPECT_NE(other.name(), manifest.name());
    other = manifest;
    other.config.norm_eps = 1e-6F;
    EXPECT_NE(other.name(), manifest.name());
    // A chain's model of the same leaves is another name: its numbers mean something else.
    EXPECT_NE(chain_model_name(manifest.config, manifest.root), manifest.name());
    // As docs/spec/serving.md says it (S19), written out.
    Writer writer;
    model::encode(manifest.config, writer);
    std::vector<Hash256> leaves;
    for (const model::TensorInfo& info : layout.tensors()) {
        writer.u8(0);  // f32
        const ByteView bytes(reinterpret_cast<const std::uint8_t*>(values.data() + info.offset),
                             info.size() * sizeof(float));
        for (std::size_t at = 0; at < bytes.size(); at += 16'384)
            leaves.push_back(crypto::tagged_hash(
                "cairn/weights-leaf",
                bytes.subspan(at, std::min<std::size_t>(16'384, bytes.size() - at))));
    }
    writer.fixed(crypto::merkle_root(leaves));
    EXPECT_EQ(manifest.name(), crypto::tagged_hash("cairn/model/2", writer.out()));
}

TEST(Manifest, RefusesWhatDoesNotFit) {
    const model::ParameterLayout layout(model::small_config());
    const std::vector<float> values = model::large_parameters(layout, 3);
    const Manifest right =
        name_model(layout.config(), model::view_weights(layout, values)).manifest;
    const auto takes = [](const Manifest& manifest) {
        return decode_manifest(encode(manifest)).ok();
    };
    EXPECT_TRUE(takes(right));
    Manifest wrong = right;
    wrong.types[0] = tensor::WeightType::kQ4K;  // 48 columns are no whole group of 256
    EXPECT_FALSE(takes(wrong));
    wrong = right;
    wrong.types[1] = tensor::WeightType::kF16;  // a norm
    EXPECT_FALSE(takes(wrong));
    wrong = right;
    wrong.types[0] = static_cast<tensor::WeightType>(12);
    EXPECT_FALSE(takes(wrong));
    wrong = right;
    wrong.types.pop_back();
    EXPECT_FALSE(takes(wrong));
    wrong = right;
    wrong.form = static_cast<Form>(2);
    EXPECT_FALSE(takes(wrong));
    EXPECT_FALSE(decode_manifest(Bytes(kMaxManifestBytes + 1)).ok());
    EXPECT_FALSE(decode_manifest({}).ok());
}

}  // namespace
}  // namespace cairn::fetch
