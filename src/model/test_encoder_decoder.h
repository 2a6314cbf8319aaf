// Small encoder-decoders for tests: BART's shape, with halves of different depth, and one that has
// whatever BART has not (norms before branches, rotation, grouped heads, a gate, its own head).
#pragma once

#include "model/encoder_decoder.h"
#include "model/test_families.h"

namespace cairn::model {

struct EncoderDecoderFamily {
    std::string name;
    ModelConfig encoder, decoder;
};

inline std::vector<EncoderDecoderFamily> encoder_decoder_families() {
    ModelConfig bart = family_base();
    bart.kv_heads = 4;
    bart.norm = NormKind::kLayer;
    bart.norm_position = NormPosition::kPost;
    bart.positions = PositionKind::kLearned;
    bart.feed_forward = FeedForward::kGelu;
    bart.qkv_bias = bart.out_bias = bart.ffn_bias = true;
    bart.embedding_norm = true;
    bart.scaled_embedding = true;
    EncoderDecoderFamily post{"bart", bart, bart};
    post.encoder.causal = false;
    post.encoder.layers = 1;
    post.decoder.heads = post.decoder.kv_heads = 2;
    post.decoder.cross_context = post.encoder.context;
    post.decoder.head_bias = true;

    EncoderDecoderFamily pre{"modern", family_base(), family_base()};
    pre.encoder.causal = false;
    pre.encoder.context = 100;
    pre.decoder.layers = 3;
    pre.decoder.tied_head = false;
    pre.decoder.cross_context = 100;
    return {post, pre};
}

/// Both halves with random weights; the embeddings of the halves are one in no other way than in
/// files.
struct TestEncoderDecoder {
    TestEncoderDecoder(const EncoderDecoderFamily& family, tensor::WeightType type,
                       std::uint64_t seed = 5)
        : encoder(family_model({"encoder", family.encoder}, type, seed + 1)),
          decoder(family_model({"decoder", family.decoder}, type, seed)) {}

    Model encoder, decoder;
};

}  // namespace cairn::model
