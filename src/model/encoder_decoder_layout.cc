#include "model/encoder_decoder_layout.h"

#include <algorithm>
#include <memory>

#include "model/initial_tensor.h"

namespace cairn::model {

namespace {

bool is_embedding(const TensorInfo& info) { return info.kind == TensorKind::kTokenEmbedding; }

}  // namespace

EncoderDecoderLayout::EncoderDecoderLayout(const ModelConfig& encoder, const ModelConfig& decoder)
    : encoder_(encoder), decoder_(decoder) {
    CHECK(check_encoder_decoder(encoder, decoder).ok());
    CHECK(is_embedding(decoder_.tensors().front()));
    for (TensorInfo info : encoder_.tensors()) {
        if (!is_embedding(info)) info.name = "encoder." + info.name;
        tensors_.push_back(std::move(info));
    }
    for (TensorInfo info : decoder_.tensors()) {
        if (is_embedding(info)) continue;
        info.name = "decoder." + info.name;
        info.offset += encoder_.size() - embedding();
        tensors_.push_back(std::move(info));
    }
}

EncoderDecoderWeights view_weights(const EncoderDecoderLayout& layout,
                                   std::span<const float> flat) {
    EncoderDecoderWeights weights{view_weights(layout.encoder(), layout.of_encoder(flat)), {}};
    const ModelConfig& config = layout.decoder().config();
    weights.decoder.layers.resize(config.layers);
    weights.decoder.token_embedding = weights.encoder.token_embedding;
    for (std::size_t i = layout.encoder().tensors().size(); i < layout.tensors().size(); ++i) {
        const TensorInfo& info = layout.tensors()[i];
        tensor_at(weights.decoder, info.kind, info.layer) =
            tensor::ConstMatrix(flat.data() + info.offset, info.rows, info.cols);
    }
    if (config.tied_head) weights.decoder.head = weights.decoder.token_embedding;
    return weights;
}

std::vector<float> initial_parameters(const EncoderDecoderLayout& layout, std::uint64_t seed) {
    std::vector<float> flat(layout.size(), 0.0F);
    for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
        const TensorInfo& info = layout.tensors()[i];
        const ParameterLayout& half =
            i < layout.encoder().tensors().size() ? layout.encoder() : layout.decoder();
        initialise_tensor(half.config(), info, i, seed,
                          std::span(flat).subspan(info.offset, info.size()));
    }
    return flat;
}

EncoderDecoderModels make_encoder_decoder(const EncoderDecoderLayout& layout,
                                          std::vector<float> parameters, Bytes tokenizer) {
    auto storage = std::make_shared<const std::vector<float>>(std::move(parameters));
    EncoderDecoderWeights weights = view_weights(layout, *storage);
    return {
        {layout.encoder().config(), std::move(weights.encoder), storage, {}, {}},
        {layout.decoder().config(), std::move(weights.decoder), storage, std::move(tokenizer), {}}};
}

std::vector<float> dense_parameters(const EncoderDecoderLayout& layout, const Model& encoder,
                                    const Model& decoder) {
    std::vector<float> flat = dense_parameters(encoder);
    const std::vector<float> of_decoder = dense_parameters(decoder);
    flat.insert(flat.end(), of_decoder.begin() + static_cast<std::ptrdiff_t>(layout.embedding()),
                of_decoder.end());
    CHECK(flat.size() == layout.size());
    return flat;
}

}  // namespace cairn::model
