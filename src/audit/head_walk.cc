#include "audit/head_walk.h"

#include "base/float_mode.h"
#include "tensor/digits.h"

namespace cairn::audit {

using model::LayerBuffers;
using tensor::ConstMatrix;
using tensor::KvRows;
using tensor::Matrix;

namespace {

/// One head's columns of the cache's rows.
KvRows columns_of(KvRows rows, std::size_t first, std::size_t width) {
    KvRows columns = rows;
    columns.data = static_cast<const std::int16_t*>(rows.data) + first;
    columns.cols = width;
    return columns;
}

std::vector<std::int16_t> numbers_of(KvRows rows) {
    std::vector<std::int16_t> numbers;
    numbers.reserve(rows.rows * rows.cols);
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const auto* row = static_cast<const std::int16_t*>(rows.data) + i * rows.stride;
        numbers.insert(numbers.end(), row, row + rows.cols);
    }
    return numbers;
}

std::vector<std::int16_t> query_numbers(ConstMatrix q) {
    const float factor = tensor::digit_query_factor(q.cols);
    std::vector<std::int16_t> numbers;
    numbers.reserve(q.rows * q.cols);
    for (std::size_t i = 0; i < q.rows; ++i)
        for (std::size_t c = 0; c < q.cols; ++c)
            numbers.push_back(tensor::digit_fixed(q.row(i)[c], factor));
    return numbers;
}

}  // namespace

HeadWalk::HeadWalk(const model::ModelConfig& config, const model::Weights& weights,
                   const tensor::Compute& compute, std::size_t rows)
    : config_(config),
      weights_(weights),
      compute_(compute),
      rows_(rows),
      ropes_(model::rope_tables(config, rows)),
      workspace_(config, rows, model::LayerSteps::kAll) {
    CHECK(rows >= 1 && rows <= argument::kMaxRows);
}

Status HeadWalk::run(std::span<float> hidden, model::LayerRange layers, tensor::StateType states,
                     const Before& before, const IsTaken& is_taken, const Take& take) {
    CHECK(hidden.size() == rows_ * config_.dim);
    set_float_mode();
    const model::LayerGraph graph{config_, compute_};
    const Matrix x(hidden.data(), rows_, config_.dim);
    tensor::round_states(states, config_.dim, hidden);
    for (std::uint32_t layer = layers.begin; layer < layers.end; ++layer) {
        RETURN_IF_ERROR(before(layer));
        const LayerBuffers b = workspace_.buffers(config_, layer, x);
        model::before_attention(graph, weights_.layers[layer], b, x);
        model::rotate(graph, ropes_.of(config_, layer), {.tokens = rows_, .first = 0}, b.query,
                      b.key);
        RETURN_IF_ERROR(attend(layer, b, is_taken, take));
        model::after_attention(graph, weights_.layers[layer], b, x);
        tensor::round_states(states, config_.dim, hidden);
    }
    return ok_status();
}

Status HeadWalk::attend(std::uint32_t layer, const LayerBuffers& b, const IsTaken& is_taken,
                        const Take& take) {
    model::KvCache cache(config_, {layer, layer + 1}, rows_, model::KvType::kDigits);
    cache.write(layer, b.key, b.value);
    const std::size_t d = config_.head_dim();
    tensor::AttentionShape one = model::attention_shape(config_, layer, 1, rows_);
    one.heads = one.kv_heads = 1;
    std::vector<tensor::AttentionForward> computed;
    for (std::uint32_t head = 0; head < config_.heads; ++head) {
        const std::size_t shared = head / (config_.heads / config_.kv_heads) * d;
        const Matrix query = b.query.column_range(head * d, d);
        const Matrix output = b.attn_output.column_range(head * d, d);
        const KvRows keys = columns_of(cache.keys(layer, rows_), shared, d);
        const KvRows values = columns_of(cache.values(layer, rows_), shared, d);
        if (!is_taken({layer, head})) {
            computed.push_back({one, query, keys, values, output, {}});
            continue;
        }
        argument::Statement statement;
        statement.sizes = {static_cast<std::uint32_t>(rows_), static_cast<std::uint32_t>(d),
                           static_cast<std::uint32_t>(one.window)};
        statement.queries = query_numbers(query);
        statement.keys = numbers_of(keys);
        statement.values = numbers_of(values);
        RETURN_IF_ERROR(take({layer, head}, statement));
        CHECK(statement.sums.size() == rows_ * d);
        for (std::size_t i = 0; i < rows_; ++i)
            for (std::size_t c = 0; c < d; ++c)
                output.row(i)[c] = tensor::digit_output(statement.sums[i * d + c]);
    }
    if (!computed.empty()) tensor::attention_forward(compute_, computed);
    return ok_status();
}

}  // namespace cairn::audit
