#include "formats/llama2c.h"

#include <fmt/core.h>

#include "base/foreign_file.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kHeaderBytes = 7 * 4;

Result<model::ModelConfig> read_header(const Source& source) {
    ASSIGN_OR_RETURN(const Bytes header, source.head(kHeaderBytes));
    Reader reader(header);
    model::ModelConfig config;
    config.dim = reader.u32();
    config.hidden_dim = reader.u32();
    config.layers = reader.u32();
    config.heads = reader.u32();
    config.kv_heads = reader.u32();
    const std::int32_t vocab = reader.i32();
    config.context = reader.u32();
    RETURN_IF_ERROR(reader.finish());
    config.tied_head = vocab > 0;
    config.vocab =
        static_cast<std::uint32_t>(vocab > 0 ? vocab : -static_cast<std::int64_t>(vocab));
    config.rope_theta = 10000.0F;
    config.norm_eps = 1e-5F;
    config.rope_interleaved = true;
    RETURN_IF_ERROR(model::validate(config));
    return config;
}

}  // namespace

Result<model::Model> read_llama2c(const Source& source) {
    const auto header = read_header(source);
    if (!header.ok())
        return invalid(source.name() +
                       " is no model that this program knows (.cairn, GGUF, a Hugging Face folder "
                       "or its safetensors, llama2.c's .bin; as the last: " +
                       header.error().message + ")");
    const model::ModelConfig& config = *header;
    const model::ParameterLayout layout(config);
    const std::uint64_t rope_floats = std::uint64_t{config.context} * config.head_dim();
    const std::uint64_t expected = kHeaderBytes + 4 * (layout.size() + rope_floats);
    if (source.size() < expected && source.size() >= expected / 100)
        return invalid(source.name() + ": " + incomplete(source.size(), expected) +
                       " (as a llama2.c checkpoint)");
    if (source.size() != expected)
        return invalid(fmt::format("{}: a llama2.c checkpoint of this shape has {} bytes, not {}",
                                   source.name(), expected, source.size()));

    std::vector<float> parameters(layout.size());
    std::uint64_t offset = kHeaderBytes;
    const auto read = [&](model::TensorKind kind, std::uint32_t layer) -> Status {
        const std::span<float> out = layout.slice(std::span(parameters), kind, layer);
        const std::uint64_t at = offset;
        offset += out.size_bytes();
        return source.read_floats(at, out);
    };
    RETURN_IF_ERROR(read(model::TensorKind::kTokenEmbedding, 0));
    for (const model::TensorKind kind :
         {model::TensorKind::kAttnNorm, model::TensorKind::kWq, model::TensorKind::kWk,
          model::TensorKind::kWv, model::TensorKind::kWo, model::TensorKind::kFfnNorm,
          model::TensorKind::kWGate, model::TensorKind::kWDown, model::TensorKind::kWUp})
        for (std::uint32_t layer = 0; layer < config.layers; ++layer)
            RETURN_IF_ERROR(read(kind, layer));
    RETURN_IF_ERROR(read(model::TensorKind::kFinalNorm, 0));
    offset += 4 * rope_floats;
    if (!config.tied_head) RETURN_IF_ERROR(read(model::TensorKind::kHead, 0));
    if (const Status finite = model::check_finite(layout, parameters); !finite.ok())
        return invalid(source.name() + ": " + finite.error().message);
    return model::make_model(config, std::move(parameters));
}

}  // namespace cairn::formats
