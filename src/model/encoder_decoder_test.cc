// Proves that a decoder with cross attention computes what the double-precision model computes,
// that its bits (pinned by golden hashes) are the same with every kernel set and number of threads,
// in pieces, over several machines and beside other texts, and that what does not fit is refused.
#include "model/encoder_decoder.h"

#include <gtest/gtest.h>

#include "model/leaf.h"
#include "model/oracle.h"
#include "model/test_encoder_decoder.h"
#include "model/test_golden.h"

namespace cairn::model {
namespace {

using Tokens = std::vector<std::uint32_t>;

constexpr std::size_t kWritten = 90;  // tokens of the decoder's text: more than a block of keys
constexpr std::size_t kRead = 75;

Tokens text_to_read(const ModelConfig& config, std::uint64_t seed = 8) {
    return random_tokens(kRead, config.vocab, seed);
}

KvCache source_of(const TestEncoderDecoder& halves, Transformer& decoder, const Tokens& text,
                  KvType type = KvType::kF32, const tensor::Compute* compute = nullptr) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    Encoder encoder(halves.encoder.config, halves.encoder.weights,
                    compute == nullptr ? machine.compute : *compute);
    return read_source(encoder, decoder, text, type).value();
}

/// States after the last layer, and logits, of the decoder's text in pieces.
std::vector<float> written(const TestEncoderDecoder& halves, const tensor::Compute& compute,
                           std::size_t piece, KvType type = KvType::kF32) {
    const ModelConfig& c = halves.decoder.config;
    Transformer decoder(c, halves.decoder.weights, all_layers(c), compute, {.max_batch = kWritten});
    const KvCache source = source_of(halves, decoder, text_to_read(c), type, &compute);
    KvCache cache(c, all_layers(c), kWritten, type);
    const Tokens tokens = random_tokens(kWritten, c.vocab, 3);
    std::vector<float> states(kWritten * c.dim);
    for (std::size_t at = 0; at < kWritten; at += piece) {
        const std::size_t n = std::min(piece, kWritten - at);
        const auto rows = std::span(states).subspan(at * c.dim, n * c.dim);
        decoder.embed(std::span(tokens).subspan(at, n), at, rows);
        decoder.forward(rows, cache, tensor::StateType::kF32, &source);
    }
    std::vector<float> logits(kWritten * c.vocab);
    decoder.head(states, logits);
    states.insert(states.end(), logits.begin(), logits.end());
    return states;
}

TEST(EncoderDecoder, ComputesWhatTheDoublePrecisionModelComputes) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const TestEncoderDecoder halves(family, tensor::WeightType::kF32);
        const ModelConfig& c = family.decoder;
        const auto found = written(halves, machine.compute, kWritten);
        const auto doubles = [](const Model& model) {
            const std::vector<float> flat = dense_parameters(model);
            return std::vector<double>(flat.begin(), flat.end());
        };
        const ParameterLayout encoder(family.encoder), decoder(c);
        const auto read = Oracle(encoder).hidden(doubles(halves.encoder), text_to_read(c));
        const std::vector<double> flat = doubles(halves.decoder);
        const auto states = Oracle(decoder).hidden(flat, random_tokens(kWritten, c.vocab, 3), read);
        const auto head = decoder.slice(
            std::span(flat), c.tied_head ? TensorKind::kTokenEmbedding : TensorKind::kHead);
        const auto bias = decoder.slice_if(std::span(flat), TensorKind::kHeadBias);
        for (std::size_t t = 0; t < kWritten; ++t)
            for (std::size_t i = 0; i < c.vocab; ++i) {
                double z = bias.empty() ? 0 : bias[i];
                for (std::size_t k = 0; k < c.dim; ++k) z += head[i * c.dim + k] * states[t][k];
                ASSERT_NEAR(double{found[kWritten * c.dim + t * c.vocab + i]}, z, 1e-4)
                    << family.name << " token " << t << " logit " << i;
            }
    }
}

const GoldenHashes& golden_cross() {
    static const GoldenHashes hashes = {
        {"cross.bart.f32", 11226610636988668716U},
        {"cross.bart.q8_0", 14382432025218524474U},
        {"cross.modern.f32", 226882471592873282U},
        {"cross.modern.q8_0", 9992459407511996097U},
    };
    return hashes;
}

TEST(EncoderDecoder, EveryMachineAndPackingGivesTheGoldenBits) {
    on_golden_machines([](const Machine& machine) {
        for (const EncoderDecoderFamily& family : encoder_decoder_families())
            for (const tensor::WeightType type :
                 {tensor::WeightType::kF32, tensor::WeightType::kQ8_0}) {
                const std::string name =
                    "cross." + family.name + '.' + std::string(tensor::weight_type_name(type));
                TestEncoderDecoder halves(family, type);
                const std::uint64_t hash = bit_hash(written(halves, machine.compute, kWritten));
                expect_golden(machine, golden_cross(), name, hash);
                halves.encoder = pack_model(machine.compute, halves.encoder);
                halves.decoder = pack_model(machine.compute, halves.decoder);
                EXPECT_EQ(bit_hash(written(halves, machine.compute, kWritten)), hash) << name;
            }
    });
}

TEST(EncoderDecoder, PiecesHaveTheBitsOfTheWhole) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const TestEncoderDecoder halves(family, tensor::WeightType::kQ8_0);
        std::vector<std::vector<float>> all;
        for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kBf16}) {
            all.push_back(written(halves, machine.compute, kWritten, type));
            for (const std::size_t piece : {1U, 7U, 64U})
                EXPECT_EQ(written(halves, machine.compute, piece, type), all.back())
                    << family.name << " in pieces of " << piece;
        }
        EXPECT_NE(all[0], all[1]);
        EXPECT_NE(all[1], all[2]);
    }
}

// Two machines, each with the keys and values that its own layers see, one of which made them in
// small parts.
TEST(EncoderDecoder, LayersOverTwoMachinesHaveTheBitsOfOne) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const TestEncoderDecoder halves(family, tensor::WeightType::kF32);
        const ModelConfig& c = family.decoder;
        const Tokens tokens = random_tokens(20, c.vocab, 3);
        const auto run = [&](std::vector<std::pair<LayerRange, std::size_t>> machines) {
            std::vector<float> states(tokens.size() * c.dim);
            Transformer(c, halves.decoder.weights, {0, 0}, machine.compute)
                .embed(tokens, 0, states);
            for (const auto& [range, batch] : machines) {
                Transformer layers(c, halves.decoder.weights, range, machine.compute,
                                   {.max_batch = batch});
                const KvCache source = source_of(halves, layers, text_to_read(c));
                KvCache cache(c, range, tokens.size());
                layers.forward(states, cache, tensor::StateType::kF32, &source);
            }
            return states;
        };
        const std::uint32_t cut = 1;
        EXPECT_EQ(run({{{0, cut}, 20}, {{cut, c.layers}, 100}}), run({{{0, c.layers}, 40}}))
            << family.name;
    }
}

TEST(EncoderDecoder, OthersInTheBatchChangeNothing) {
    const Machine machine(tensor::available_kernel_sets().back(), 2);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const TestEncoderDecoder halves(family, tensor::WeightType::kF32);
        const ModelConfig& c = family.decoder;
        Transformer decoder(c, halves.decoder.weights, all_layers(c), machine.compute);
        const KvCache sources[] = {source_of(halves, decoder, text_to_read(c)),
                                   source_of(halves, decoder, {5, 9, 11})};
        const std::size_t sizes[] = {9, 1};
        const auto forward = [&](std::size_t first, std::size_t last) {
            std::vector<float> states;
            std::vector<Segment> segments;
            std::vector<KvCache> caches;
            for (std::size_t i = first; i < last; ++i) caches.emplace_back(c, all_layers(c), 9);
            for (std::size_t i = first; i < last; ++i) {
                std::vector<float> rows(sizes[i] * c.dim);
                decoder.embed(random_tokens(sizes[i], c.vocab, i), 0, rows);
                states.insert(states.end(), rows.begin(), rows.end());
                segments.push_back(
                    {.cache = &caches[i - first], .tokens = sizes[i], .source = &sources[i]});
            }
            decoder.forward_segments(states, segments);
            return states;
        };
        std::vector<float> alone = forward(0, 1);
        const std::vector<float> second = forward(1, 2);
        alone.insert(alone.end(), second.begin(), second.end());
        EXPECT_EQ(forward(0, 2), alone) << family.name;
    }
}

// As if each layer ran on another machine, and the decoder on yet another (N53).
TEST(EncoderDecoder, StatesOfATypeAreRoundedWhereverTheEncoderIsCut) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    for (const EncoderDecoderFamily& family : encoder_decoder_families()) {
        const TestEncoderDecoder halves(family, tensor::WeightType::kF32);
        const ModelConfig& c = family.encoder;
        const Tokens tokens = text_to_read(c);
        Encoder encoder(c, halves.encoder.weights, machine.compute);
        Transformer layers(c, halves.encoder.weights, all_layers(c), machine.compute);
        for (const auto type :
             {tensor::StateType::kF32, tensor::StateType::kF16, tensor::StateType::kI8}) {
            std::vector<float> rows(tokens.size() * c.dim);
            layers.embed(tokens, 0, rows);
            for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
                tensor::round_states(type, c.dim, rows);
                const Segment whole{nullptr, tokens.size(), type};
                layers.forward_layers(rows, std::span(&whole, 1), {layer, layer + 1});
            }
            layers.finish(rows);
            tensor::round_states(type, c.dim, rows);
            const auto encoded = encoder.encode(tokens, type);
            ASSERT_TRUE(encoded.ok());
            EXPECT_EQ(*encoded, rows) << family.name;
            EXPECT_EQ(*encoded == encoder.encode(tokens).value(), type == tensor::StateType::kF32);
        }
    }
}

TEST(EncoderDecoder, SourcesAreAsLongAsTheLayersCanSee) {
    const ModelConfig decoder = encoder_decoder_families().back().decoder;
    EXPECT_TRUE(check_source(decoder, 1, KvType::kF32).ok());
    EXPECT_TRUE(check_source(decoder, 100, KvType::kBf16).ok());
    EXPECT_EQ(check_source(decoder, 0, KvType::kF32).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(check_source(decoder, 101, KvType::kF32).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(check_source(decoder, 1, KvType::kDigits).error().code, ErrorCode::kUnsupported);
    EXPECT_TRUE(check_source(family_base(), 0, KvType::kDigits).ok());
    EXPECT_EQ(check_source(family_base(), 1, KvType::kF32).error().code, ErrorCode::kInvalid);
}

TEST(EncoderDecoder, RefusesWhatDoesNotFit) {
    const Machine machine(tensor::available_kernel_sets().back(), 1);
    const EncoderDecoderFamily family = encoder_decoder_families().front();
    const TestEncoderDecoder halves(family, tensor::WeightType::kF32);
    Encoder encoder(family.encoder, halves.encoder.weights, machine.compute, 50);
    Transformer decoder(family.decoder, halves.decoder.weights, all_layers(family.decoder),
                        machine.compute);
    EXPECT_FALSE(read_source(encoder, decoder, Tokens{}, KvType::kF32).ok());
    EXPECT_FALSE(read_source(encoder, decoder, Tokens(51, 1), KvType::kF32).ok());
    EXPECT_EQ(read_source(encoder, decoder, Tokens{1}, KvType::kDigits).error().code,
              ErrorCode::kUnsupported);
    EXPECT_TRUE(check_encoder_decoder(family.encoder, family.decoder).ok());
    EXPECT_FALSE(check_encoder_decoder(family.decoder, family.encoder).ok());
    EncoderDecoderFamily other = family;
    other.encoder.context = 64;
    EXPECT_FALSE(check_encoder_decoder(other.encoder, other.decoder).ok());
    other = family;
    other.encoder.vocab = 66;
    EXPECT_FALSE(check_encoder_decoder(other.encoder, other.decoder).ok());
    // Training one half without the other would train something else.
    EXPECT_EQ(validate(LeafShape{1024, 64, 0}, family.decoder).error().code,
              ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::model
