// EncoderDecoderLayout: the parameters of an encoder-decoder in one flat array, for whatever works
// on a flat array and asks no more of it (optimisers, leaf trees, files). The encoder's tensors as
// ParameterLayout has them, then the decoder's but for its token embedding, which is the encoder's
// and the first.
#pragma once

#include <span>
#include <vector>

#include "model/encoder_decoder.h"
#include "model/layout.h"

namespace cairn::model {

class EncoderDecoderLayout {
  public:
    /// CHECKs check_encoder_decoder().
    EncoderDecoderLayout(const ModelConfig& encoder, const ModelConfig& decoder);

    /// Each half as a model of its own. The flat array begins with the encoder's.
    const ParameterLayout& encoder() const { return encoder_; }
    const ParameterLayout& decoder() const { return decoder_; }
    /// All tensors, the token embedding once: "token_embedding", "encoder.layers.0.wq",
    /// "decoder.final_norm".
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    /// Length of the flat array, which is the number of parameters.
    std::uint64_t size() const { return encoder_.size() + decoder_.size() - embedding(); }
    /// Length of the token embedding.
    std::uint64_t embedding() const { return decoder_.tensors().front().size(); }

    /// The encoder's part of the flat array, and the decoder's without its token embedding.
    template <typename T>
    std::span<T> of_encoder(std::span<T> flat) const {
        CHECK(flat.size() == size());
        return flat.first(encoder_.size());
    }
    template <typename T>
    std::span<T> of_decoder(std::span<T> flat) const {
        CHECK(flat.size() == size());
        return flat.subspan(encoder_.size());
    }

  private:
    ParameterLayout encoder_, decoder_;
    std::vector<TensorInfo> tensors_;
};

/// Views of both halves' weights.
struct EncoderDecoderWeights {
    Weights encoder, decoder;
};
/// Of a flat array of layout.size() floats, which must outlive the result.
EncoderDecoderWeights view_weights(const EncoderDecoderLayout& layout, std::span<const float> flat);

/// As initial_parameters() of one model: tensors are numbered in the order of layout.tensors().
std::vector<float> initial_parameters(const EncoderDecoderLayout& layout, std::uint64_t seed);

/// Both halves, of plain floats in one memory; the tokenizer is the decoder's.
struct EncoderDecoderModels {
    Model encoder, decoder;
};
EncoderDecoderModels make_encoder_decoder(const EncoderDecoderLayout& layout,
                                          std::vector<float> parameters, Bytes tokenizer = {});
/// All parameters, widened to fp32: a copy. The token embedding is the encoder's.
std::vector<float> dense_parameters(const EncoderDecoderLayout& layout, const Model& encoder,
                                    const Model& decoder);

}  // namespace cairn::model
