#include "lab/model_heads.h"

#include "model/embed.h"
#include "model/layer_pass.h"
#include "model/transformer.h"
#include "tensor/digits.h"

namespace cairn::lab {

namespace {

/// Columns [first, first + width) of each row, as fixed-point numbers.
std::vector<std::int16_t> fixed_columns(const std::vector<float>& values, std::size_t columns,
                                        std::size_t first, std::size_t width, float factor) {
    std::vector<std::int16_t> numbers;
    numbers.reserve(values.size() / columns * width);
    for (std::size_t row = 0; row * columns < values.size(); ++row)
        for (std::size_t c = 0; c < width; ++c)
            numbers.push_back(tensor::digit_fixed(values[row * columns + first + c], factor));
    return numbers;
}

argument::Statement statement_of(const model::ModelConfig& config, std::uint32_t layer,
                                 std::uint32_t head, const model::LayerActivations& kept) {
    const std::uint32_t d = config.head_dim();
    const std::uint32_t shared = head / (config.heads / config.kv_heads) * d;
    const auto queries = fixed_columns(kept.query, config.q_dim(), std::size_t{head} * d, d,
                                       tensor::digit_query_factor(d));
    const auto keys = fixed_columns(kept.key, config.kv_dim(), shared, d, tensor::kDigitKeyFactor);
    const auto values =
        fixed_columns(kept.value, config.kv_dim(), shared, d, tensor::kDigitValueFactor);
    const auto rows = static_cast<std::uint32_t>(queries.size() / d);
    return argument::make_statement({rows, d, config.is_local(layer) ? config.window : 0}, queries,
                                    keys, values);
}

}  // namespace

Status each_model_head(const model::Model& model, std::span<const std::uint32_t> tokens,
                       const tensor::Compute& compute,
                       const std::function<Status(const ModelHead&)>& each) {
    const model::ModelConfig& config = model.config;
    if (!config.causal) return Error{ErrorCode::kUnsupported, "an encoder's heads are not served"};
    const std::size_t rows = tokens.size();
    if (rows == 0 || rows > std::min<std::size_t>(config.context, argument::kMaxRows))
        return invalid("the text must have 1 to " +
                       std::to_string(std::min<std::size_t>(config.context, argument::kMaxRows)) +
                       " tokens");
    std::vector<float> hidden(rows * config.dim);
    model::Transformer embedding(config, model.weights, {0, 0}, compute,
                                 {.max_batch = 1, .max_positions = rows});
    embedding.embed(tokens, 0, hidden);
    const model::RopeTables ropes = model::rope_tables(config, rows);
    model::LayerActivations kept(config, rows);
    model::LayerScratch scratch(config, rows, /*with_gradient=*/false);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        model::layer_forward({config, compute, ropes, rows, layer}, model.weights.layers[layer],
                             kept, scratch, {hidden.data(), rows, config.dim});
        for (std::uint32_t head = 0; head < config.heads; ++head)
            RETURN_IF_ERROR(each({layer, head, statement_of(config, layer, head, kept)}));
    }
    return ok_status();
}

}  // namespace cairn::lab
