#include "train/pair_lessons.h"

#include <algorithm>

#include <fmt/core.h>

#include "tensor/philox.h"

namespace cairn::train {

namespace {

class PairLessons : public Lessons {
  public:
    PairLessons(const model::EncoderDecoderLayout& layout, const Recipe& recipe,
                const PairSet& pairs, const tensor::Compute& compute)
        : layout_(layout),
          leaves_(recipe.leaves_per_step),
          pairs_(pairs),
          longest_(pairs.longest()),
          pass_(layout_, {recipe.leaf_tokens, recipe.leaf_tokens}, pairs.given, compute),
          mean_(compute, leaves_, layout_.size()) {}

    const std::vector<model::TensorInfo>& tensors() const override { return layout_.tensors(); }
    std::uint64_t size() const override { return layout_.size(); }
    Status check(const Recipe& recipe) const override { return validate(recipe, layout_); }
    LessonSum gradient(std::uint64_t seed, std::uint64_t step, std::span<const float> parameters,
                       std::span<float> gradient) override;

  private:
    void draw_leaf(std::uint64_t seed, std::uint64_t step, std::uint64_t& drawn);

    model::EncoderDecoderLayout layout_;
    std::uint32_t leaves_;
    const PairSet& pairs_;
    model::PairBounds longest_;
    model::PairPass pass_;
    LeafMean mean_;
    model::EncoderDecoderWeights weights_;
    const float* viewed_ = nullptr;  // what weights_ views
    std::vector<model::PairText> leaf_;
    model::PairBounds rows_;  // of the leaf
};

// Pairs as long as any pair has room.
void PairLessons::draw_leaf(std::uint64_t seed, std::uint64_t step, std::uint64_t& drawn) {
    leaf_.clear();
    rows_ = {};
    const model::PairBounds& most = pass_.bounds();
    while (rows_.source_rows + longest_.source_rows <= most.source_rows &&
           rows_.target_rows + longest_.target_rows <= most.target_rows) {
        const std::uint64_t i =
            tensor::mulhi64(tensor::philox_u64(seed, step, drawn++), pairs_.pairs.size());
        leaf_.push_back(pairs_.text(i));
        rows_.source_rows += leaf_.back().source.size();
        rows_.target_rows += leaf_.back().target_rows();
    }
}

LessonSum PairLessons::gradient(std::uint64_t seed, std::uint64_t step,
                                std::span<const float> parameters, std::span<float> gradient) {
    if (viewed_ != parameters.data()) weights_ = model::view_weights(layout_, parameters);
    viewed_ = parameters.data();
    LessonSum sum;
    std::uint64_t drawn = 0;
    for (std::uint32_t leaf = 0; leaf < leaves_; ++leaf) {
        draw_leaf(seed, step, drawn);
        sum.loss += pass_.backward(weights_, leaf_, gradient);
        sum.learnt += model::learnt_tokens(leaf_, pairs_.given);
        sum.tokens += rows_.source_rows + rows_.target_rows;
        mean_.add(gradient);
    }
    mean_.finish(gradient, sum.learnt);
    return sum;
}

}  // namespace

model::PairBounds PairSet::longest() const {
    model::PairBounds most;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        most.source_rows = std::max(most.source_rows, text(i).source.size());
        most.target_rows = std::max(most.target_rows, text(i).target_rows());
    }
    return most;
}

std::uint64_t PairSet::tokens() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        count += text(i).source.size() + text(i).target_rows();
    return count;
}

Status check_pairs(const PairSet& pairs, const model::EncoderDecoderLayout& layout,
                   std::uint32_t leaf_tokens) {
    if (pairs.pairs.empty()) return invalid("there are no pairs to learn from");
    for (std::size_t i = 0; i < pairs.pairs.size(); ++i) {
        const Status status = check_pair_text(layout, pairs.text(i), pairs.given);
        if (!status.ok())
            return Error{status.error().code,
                         fmt::format("pair {}: {}", i + 1, status.error().message)};
    }
    const model::PairBounds longest = pairs.longest();
    if (std::max(longest.source_rows, longest.target_rows) > leaf_tokens)
        return invalid(fmt::format("a text of {} tokens does not fit into a leaf of {}",
                                   std::max(longest.source_rows, longest.target_rows),
                                   leaf_tokens));
    return ok_status();
}

std::unique_ptr<Lessons> pair_lessons(const model::EncoderDecoderLayout& layout,
                                      const Recipe& recipe, const PairSet& pairs,
                                      const tensor::Compute& compute) {
    CHECK(validate(recipe, layout).ok());
    CHECK(check_pairs(pairs, layout, recipe.leaf_tokens).ok());
    return std::make_unique<PairLessons>(layout, recipe, pairs, compute);
}

std::optional<std::int64_t> pair_loss(model::PairPass& pass,
                                      const model::EncoderDecoderWeights& weights,
                                      const PairSet& pairs, const std::function<bool()>& stop) {
    std::int64_t sum = 0;
    std::vector<model::PairText> leaf;
    for (std::size_t at = 0; at < pairs.pairs.size();) {
        if (stop && stop()) return std::nullopt;
        leaf.clear();
        model::PairBounds left = pass.bounds();
        for (; at < pairs.pairs.size(); ++at) {
            const model::PairText text = pairs.text(at);
            if (text.source.size() > left.source_rows || text.target_rows() > left.target_rows)
                break;
            left.source_rows -= text.source.size();
            left.target_rows -= text.target_rows();
            leaf.push_back(text);
        }
        CHECK(!leaf.empty());
        sum += pass.forward_loss(weights, leaf);
    }
    return sum;
}

}  // namespace cairn::train
