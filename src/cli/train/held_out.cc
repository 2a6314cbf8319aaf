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
    held_out->pass_ =
        std::make_unique<model::LeafPass>(layout, shape, compute, /*with_gradient=*/false);
    return held_out;
}

double HeldOut::loss(const model::Weights& weights) {
    return model::nats(pass_->forward_loss(weights, inputs_, targets_), inputs_.size());
}

}  // namespace cairn::cli
