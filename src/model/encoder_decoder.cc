#include "model/encoder_decoder.h"

#include <fmt/core.h>

namespace cairn::model {

Status check_pair(const ModelConfig& encoder, const ModelConfig& decoder) {
    if (encoder.causal || !decoder.crosses())
        return invalid("an encoder-decoder is an encoder and a decoder with cross attention");
    if (encoder.dim != decoder.dim || encoder.vocab != decoder.vocab)
        return invalid(fmt::format(
            "the encoder has width {} and {} tokens, its decoder width {} and {} tokens",
            encoder.dim, encoder.vocab, decoder.dim, decoder.vocab));
    if (encoder.context != decoder.cross_context)
        return invalid(fmt::format("the encoder reads {} tokens, its decoder attends to {}",
                                   encoder.context, decoder.cross_context));
    return ok_status();
}

Result<KvCache> read_source(Encoder& encoder, Transformer& decoder,
                            std::span<const std::uint32_t> tokens, KvType type) {
    CHECK(check_pair(encoder.config(), decoder.config()).ok());
    if (type == KvType::kDigits)
        return Error{ErrorCode::kUnsupported,
                     "cross attention is not computed by digits: name another type of cache"};
    ASSIGN_OR_RETURN(const std::vector<float> states, encoder.encode(tokens));
    KvCache source(decoder.config(), decoder.range(), tokens.size(), type);
    decoder.read_source(states, source);
    return source;
}

}  // namespace cairn::model
