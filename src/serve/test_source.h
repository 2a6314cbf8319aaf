// For this room's tests alone: a world whose servers hold the layers of an encoder-decoder's
// decoder, and what its encoder makes of a text.
#pragma once

#include "model/encoder_decoder.h"
#include "model/test_encoder_decoder.h"
#include "serve/test_text.h"

namespace cairn::serve {

/// Three layers in the decoder: "modern" of the families, two: "bart".
struct SourceWorld {
    model::TestEncoderDecoder halves;
    TestWorld world;

    explicit SourceWorld(
        const model::EncoderDecoderFamily& family = model::encoder_decoder_families().back(),
        const ClientOptions& options = {})
        : halves(family, tensor::WeightType::kF32),
          world(std::make_shared<const model::Model>(halves.decoder), options) {}

    static text::Tokens source_tokens(std::size_t count) {
        text::Tokens tokens;
        for (std::size_t i = 0; i < count; ++i)
            tokens.push_back(static_cast<std::uint32_t>((i * 7 + 3) % 64));
        return tokens;
    }
    States source(std::size_t rows, tensor::StateType wire = tensor::StateType::kF32) {
        model::Encoder encoder(halves.encoder.config, halves.encoder.weights, world.compute);
        return encoder.encode(source_tokens(rows), wire).value();
    }
    Text alone(std::size_t source_rows, std::size_t tokens,
               tensor::StateType wire = tensor::StateType::kF32,
               tensor::KvType kv = tensor::KvType::kF32) {
        const model::ModelConfig& config = world.snapshot.config;
        const model::LayerRange all = model::all_layers(config);
        model::Encoder encoder(halves.encoder.config, halves.encoder.weights, world.compute);
        model::Transformer decoder(config, world.snapshot.weights, all, world.compute);
        const model::KvCache seen =
            model::read_source(encoder, decoder, source_tokens(source_rows), kv, wire).value();
        model::KvCache cache(config, all, config.context, kv);
        infer::LocalLayers layers(decoder, cache, wire, &seen);
        return write_text(world, layers, kPrompt, tokens);
    }
    RemoteOptions remote(std::size_t source_rows, tensor::StateType wire = tensor::StateType::kF32,
                         tensor::KvType kv = tensor::KvType::kF32) {
        RemoteOptions options;
        options.servers = world.addresses();
        options.max_positions = 100;
        options.source = source(source_rows, wire);
        options.kv = kv;
        options.wire = wire;
        options.wait_ms = 2'000;
        return options;
    }
};

}  // namespace cairn::serve
