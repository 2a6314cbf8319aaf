#include "train/text_loss.h"

#include <algorithm>
#include <vector>

#include "model/leaf.h"
#include "model/transformer.h"
#include "tensor/loss.h"

namespace cairn::train {

namespace {

constexpr std::uint32_t kBatchTokens = 1024;
constexpr std::size_t kRows = 256;  // computed at once with a cache

Error interrupted() { return {ErrorCode::kCancelled, "measuring was interrupted"}; }

}  // namespace

// The last window is filled up; what is behind a token cannot change its loss, so the filling is
// not counted.
Result<std::int64_t> text_loss(const model::ParameterLayout& layout, const model::Weights& weights,
                               std::span<const std::uint32_t> stream, std::uint32_t context,
                               const tensor::Compute& compute, const LossWatch& watch) {
    CHECK(stream.size() >= 2);
    const model::LeafShape shape{.leaf_tokens = std::max(context, kBatchTokens),
                                 .context = context};
    RETURN_IF_ERROR(model::validate(shape, layout.config()));
    model::LeafPass pass(layout, shape, compute, /*with_gradient=*/false);
    const std::size_t count = stream.size() - 1;
    const std::size_t step = pass.shape().microbatch;
    std::int64_t sum = 0;
    std::vector<std::uint32_t> tokens;
    std::vector<std::uint32_t> targets;
    std::vector<float> losses;
    for (std::size_t at = 0; at < count; at += step) {
        if (watch.stop && watch.stop()) return interrupted();
        const std::size_t n = std::min(step, count - at);
        const std::size_t windows = (n + context - 1) / context;
        tokens.assign(windows * context, 0);
        targets.assign(tokens.size(), 0);
        losses.resize(tokens.size());
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, tokens.begin());
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at) + 1, n, targets.begin());
        pass.token_losses(weights, tokens, targets, losses);
        sum += tensor::sum_losses_fixed(std::span(losses).first(n));
        if (watch.progress) watch.progress(at + n, count, model::nats(sum, at + n));
    }
    return sum;
}

Result<std::int64_t> text_loss_with(const WrittenWith& types, const model::Model& model,
                                    std::span<const std::uint32_t> stream, std::uint32_t context,
                                    const tensor::Compute& compute, const LossWatch& watch) {
    CHECK(stream.size() >= 2);
    const model::ModelConfig& config = model.config;
    if (!config.causal)
        return Error{ErrorCode::kUnsupported, "an encoder has neither a cache nor a next token"};
    model::Transformer transformer(config, model.weights, model::all_layers(config), compute,
                                   {.max_batch = kRows, .max_positions = context});
    model::KvCache cache(config, model::all_layers(config), context, types.kv);
    const std::size_t count = stream.size() - 1;
    std::vector<float> hidden, logits, losses;
    std::int64_t sum = 0;
    for (std::size_t at = 0; at < count;) {
        if (watch.stop && watch.stop()) return interrupted();
        if (at % context == 0) cache.truncate(0);
        const std::size_t n = std::min({kRows, context - at % context, count - at});
        hidden.resize(n * config.dim);
        logits.resize(n * config.vocab);
        losses.resize(n);
        transformer.embed(stream.subspan(at, n), at % context, hidden);
        transformer.forward(hidden, cache, types.states);
        transformer.head(hidden, logits);
        tensor::cross_entropy(compute, {logits.data(), n, config.vocab}, stream.subspan(at + 1, n),
                              losses.data(), {});
        sum += tensor::sum_losses_fixed(losses);
        at += n;
        if (watch.progress) watch.progress(at, count, model::nats(sum, at));
    }
    return sum;
}

}  // namespace cairn::train
