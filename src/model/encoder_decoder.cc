#include "model/encoder_decoder.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::model {

Status check_encoder_decoder(const ModelConfig& encoder, const ModelConfig& decoder) {
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

Status check_begins(std::span<const std::uint32_t> begins, const ModelConfig& decoder) {
    const std::size_t most = std::min<std::size_t>(kMaxBegins, decoder.context);
    if (begins.empty() || begins.size() > most)
        return invalid(fmt::format("its decoder's texts begin with {} tokens; 1 to {} are allowed",
                                   begins.size(), most));
    if (std::ranges::any_of(begins, [&](std::uint32_t token) { return token >= decoder.vocab; }))
        return invalid("its decoder's texts begin with a token that is none of its own");
    return ok_status();
}

Result<KvCache> read_source(Encoder& encoder, Transformer& decoder,
                            std::span<const std::uint32_t> tokens, KvType type,
                            tensor::StateType states) {
    CHECK(check_encoder_decoder(encoder.config(), decoder.config()).ok());
    ASSIGN_OR_RETURN(const std::vector<float> hidden, encoder.encode(tokens, states));
    RETURN_IF_ERROR(check_source(decoder.config(), tokens.size(), type));
    KvCache source(decoder.config(), decoder.range(), tokens.size(), type);
    decoder.read_source(hidden, source);
    return source;
}

Status check_source(const ModelConfig& config, std::size_t rows, KvType type) {
    if (!config.causal && (rows == 0 || rows > config.context))
        return invalid(
            fmt::format("an encoder's layers read a whole text of 1 to {} rows: not of {}",
                        config.context, rows));
    if (!config.causal) return ok_status();
    if (!config.crosses())
        return rows == 0 ? ok_status() : invalid("this model's layers attend to no other text");
    if (type == KvType::kDigits)
        return Error{ErrorCode::kUnsupported,
                     "cross attention is not computed by digits: name another type of cache"};
    if (rows == 0 || rows > config.cross_context)
        return invalid(
            fmt::format("this model's layers attend to another text, of 1 to {} rows: not of {}",
                        config.cross_context, rows));
    return ok_status();
}

}  // namespace cairn::model
