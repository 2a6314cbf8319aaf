#include "train/held_out.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "train/data.h"

namespace cairn::train {

namespace {

constexpr std::uint32_t kBatchTokens = 1024;  // computed at once, or a text if it is longer

// Place `i` of `count` in a range whose last place is `last`.
std::uint64_t spread(std::uint64_t i, std::uint64_t count, std::uint64_t last) {
    return count == 1 ? 0 : i * last / (count - 1);
}

class Windows : public HeldOut {
  public:
    Windows(const model::ParameterLayout& layout, const model::LeafShape& shape,
            const tensor::Compute& compute)
        : layout_(layout), batch_(shape.leaf_tokens), pass_(layout_, shape, compute, false) {}

    // Losses are integers, so pieces add up to the same sum.
    std::optional<double> loss(std::span<const float> parameters,
                               const std::function<bool()>& stop) override {
        const model::Weights weights = model::view_weights(layout_, parameters);
        std::int64_t sum = 0;
        for (std::size_t at = 0; at < inputs.size(); at += batch_) {
            if (stop && stop()) return std::nullopt;
            const std::size_t n = std::min<std::size_t>(batch_, inputs.size() - at);
            sum += pass_.forward_loss(weights, std::span(inputs).subspan(at, n),
                                      std::span(targets).subspan(at, n));
        }
        return model::nats(sum, inputs.size());
    }

    std::vector<std::uint32_t> inputs, targets;

  private:
    model::ParameterLayout layout_;
    std::uint32_t batch_;  // tokens
    model::LeafPass pass_;
};

class Pairs : public HeldOut {
  public:
    Pairs(const model::EncoderDecoderLayout& layout, const model::PairBounds& bounds,
          PairSet sample, const tensor::Compute& compute)
        : layout_(layout),
          sample_(std::move(sample)),
          pass_(layout_, bounds, sample_.given, compute, false) {
        for (std::size_t i = 0; i < sample_.pairs.size(); ++i) {
            const model::PairText text = sample_.text(i);
            learnt_ += model::learnt_tokens(std::span(&text, 1), sample_.given);
        }
    }

    std::optional<double> loss(std::span<const float> parameters,
                               const std::function<bool()>& stop) override {
        const auto sum = pair_loss(pass_, model::view_weights(layout_, parameters), sample_, stop);
        if (!sum) return std::nullopt;
        return model::nats(*sum, learnt_);
    }

  private:
    model::EncoderDecoderLayout layout_;
    PairSet sample_;
    model::PairPass pass_;
    std::uint64_t learnt_ = 0;
};

}  // namespace

Result<std::unique_ptr<HeldOut>> held_out_windows(std::span<const std::uint32_t> stream,
                                                  std::uint32_t context, std::uint64_t windows,
                                                  const model::ParameterLayout& layout,
                                                  const tensor::Compute& compute) {
    if (stream.size() <= context)
        return invalid(fmt::format(
            "the held-out text has {} tokens; measuring needs more than the context of {}",
            stream.size(), context));
    RETURN_IF_ERROR(check_tokens(stream, context, layout.config().vocab));
    const std::uint64_t last_start = stream.size() - context - 1;
    windows = std::clamp<std::uint64_t>(windows, 1, last_start / context + 1);
    std::vector<std::uint64_t> starts;
    for (std::uint64_t i = 0; i < windows; ++i) starts.push_back(spread(i, windows, last_start));
    const model::LeafShape shape{.leaf_tokens = std::max(context, kBatchTokens),
                                 .context = context};
    RETURN_IF_ERROR(model::validate(shape, layout.config()));
    auto held_out = std::make_unique<Windows>(layout, shape, compute);
    gather_windows(stream, starts, context, held_out->inputs, held_out->targets);
    return Result<std::unique_ptr<HeldOut>>(std::move(held_out));
}

std::unique_ptr<HeldOut> held_out_pairs(const PairSet& pairs, std::uint64_t count,
                                        const model::EncoderDecoderLayout& layout,
                                        const tensor::Compute& compute) {
    CHECK(!pairs.pairs.empty());
    count = std::clamp<std::uint64_t>(count, 1, pairs.pairs.size());
    PairSet sample;
    sample.given = pairs.given;
    for (std::uint64_t i = 0; i < count; ++i)
        sample.pairs.push_back(pairs.pairs[spread(i, count, pairs.pairs.size() - 1)]);
    // Large leaves of the training need memory that measuring can do without.
    model::PairBounds bounds = sample.longest();
    bounds.source_rows = std::max<std::size_t>(bounds.source_rows, kBatchTokens);
    bounds.target_rows = std::max<std::size_t>(bounds.target_rows, kBatchTokens);
    return std::make_unique<Pairs>(layout, bounds, std::move(sample), compute);
}

}  // namespace cairn::train
