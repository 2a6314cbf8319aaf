#include "cli/train/held_out.h"

#include <algorithm>

#include <fmt/format.h>

#include "train/data.h"

namespace cairn::cli {

namespace {
constexpr std::uint32_t kBatchTokens = 1024;
}  // namespace

Result<std::unique_ptr<HeldOut>> HeldOut::create(std::span<const std::uint32_t> stream,
                                                 std::uint32_t context, std::uint64_t windows,
                                                 const model::ParameterLayout& layout,
                                                 const tensor::Compute& compute) {
    if (stream.size() <= context)
        return invalid(fmt::format(
            "the held-out text has {} tokens; measuring needs more than the context of {}",
            stream.size(), context));
    RETURN_IF_ERROR(train::check_tokens(stream, context, layout.config().vocab));
    const std::uint64_t last_start = stream.size() - context - 1;
    windows = std::clamp<std::uint64_t>(windows, 1, last_start / context + 1);
    std::vector<std::uint64_t> starts;
    for (std::uint64_t i = 0; i < windows; ++i)
        starts.push_back(windows == 1 ? 0 : i * last_start / (windows - 1));
    std::unique_ptr<HeldOut> held_out(new HeldOut());
    train::gather_windows(stream, starts, context, held_out->inputs_, held_out->targets_);
    const model::LeafShape shape{.leaf_tokens = std::max(context, kBatchTokens),
                                 .context = context};
    RETURN_IF_ERROR(model::validate(shape, layout.config()));
    held_out->batch_ = shape.leaf_tokens;
    held_out->pass_ =
        std::make_unique<model::LeafPass>(layout, shape, compute, /*with_gradient=*/false);
    return held_out;
}

// Losses are integers, so pieces add up to the same sum.
std::optional<double> HeldOut::loss(const model::Weights& weights,
                                    const std::function<bool()>& stop) {
    std::int64_t sum = 0;
    for (std::size_t at = 0; at < inputs_.size(); at += batch_) {
        if (stop && stop()) return std::nullopt;
        const std::size_t n = std::min<std::size_t>(batch_, inputs_.size() - at);
        sum += pass_->forward_loss(weights, std::span(inputs_).subspan(at, n),
                                   std::span(targets_).subspan(at, n));
    }
    return model::nats(sum, inputs_.size());
}

}  // namespace cairn::cli
