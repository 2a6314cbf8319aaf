#include "worth/report.h"

#include <algorithm>

#include "model/leaf.h"
#include "train/data.h"

namespace cairn::worth {

double report_loss(const model::ParameterLayout& layout, std::span<const float> weights,
                   std::span<const std::uint32_t> report_tokens, std::uint32_t context,
                   std::uint32_t windows, const tensor::Compute& compute) {
    CHECK(train::check_tokens(report_tokens, context, layout.config().vocab).ok());
    CHECK(windows >= 1);
    const std::uint64_t last = report_tokens.size() - context - 1;
    std::vector<std::uint64_t> starts;
    for (std::uint64_t i = 0; i < windows; ++i)
        starts.push_back(windows == 1 ? 0 : last * i / (windows - 1));
    std::vector<std::uint32_t> inputs, targets;
    train::gather_windows(report_tokens, starts, context, inputs, targets);
    const std::uint32_t leaf = std::max<std::uint32_t>(1024, context);
    model::LeafPass pass(layout, model::LeafShape{leaf, context, 0}, compute,
                         /*with_gradient=*/false);
    const std::int64_t sum =
        pass.forward_loss(model::view_weights(layout, weights), inputs, targets);
    return model::nats(sum, inputs.size());
}

std::vector<double> report_losses(const model::ParameterLayout& layout,
                                  std::span<const float> weights,
                                  std::span<const std::uint32_t> report_tokens,
                                  std::span<const std::uint64_t> parts, std::uint32_t context,
                                  std::uint32_t windows, const tensor::Compute& compute) {
    std::vector<double> losses;
    const auto texts = train::parts_of(report_tokens, parts);
    const std::uint32_t each =
        std::max(1U, windows / static_cast<std::uint32_t>(std::max<std::size_t>(1, texts.size())));
    for (const std::span<const std::uint32_t> text : texts)
        losses.push_back(report_loss(layout, weights, text, context, each, compute));
    return losses;
}

}  // namespace cairn::worth
