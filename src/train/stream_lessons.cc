#include "model/leaf.h"
#include "tensor/elementwise.h"
#include "train/data.h"
#include "train/lessons.h"

namespace cairn::train {

namespace {

class StreamLessons : public Lessons {
  public:
    StreamLessons(const model::ParameterLayout& layout, const Recipe& recipe,
                  std::span<const std::uint32_t> tokens, const tensor::Compute& compute)
        : layout_(layout),
          leaf_tokens_(recipe.leaf_tokens),
          context_(recipe.context),
          leaves_(recipe.leaves_per_step),
          tokens_(tokens),
          pass_(layout_, model::LeafShape{leaf_tokens_, context_, 0}, compute),
          mean_(compute, leaves_, layout_.size()) {}

    const std::vector<model::TensorInfo>& tensors() const override { return layout_.tensors(); }
    std::uint64_t size() const override { return layout_.size(); }
    Status check(const Recipe& recipe) const override { return validate(recipe, layout_.config()); }
    LessonSum gradient(std::uint64_t seed, std::uint64_t step, std::span<const float> parameters,
                       std::span<float> gradient) override;

  private:
    model::ParameterLayout layout_;
    std::uint32_t leaf_tokens_, context_, leaves_;
    std::span<const std::uint32_t> tokens_;
    model::LeafPass pass_;
    LeafMean mean_;
    model::Weights weights_;
    const float* viewed_ = nullptr;  // what weights_ views
    std::vector<std::uint64_t> starts_;
    std::vector<std::uint32_t> inputs_, targets_;
};

LessonSum StreamLessons::gradient(std::uint64_t seed, std::uint64_t step,
                                  std::span<const float> parameters, std::span<float> gradient) {
    if (viewed_ != parameters.data()) weights_ = model::view_weights(layout_, parameters);
    viewed_ = parameters.data();
    const std::uint64_t windows = leaf_tokens_ / context_;
    LessonSum sum;
    for (std::uint64_t leaf = 0; leaf < leaves_; ++leaf) {
        starts_.clear();
        for (std::uint64_t i = 0; i < windows; ++i)
            starts_.push_back(
                window_start(seed, step, leaf * windows + i, tokens_.size(), context_));
        gather_windows(tokens_, starts_, context_, inputs_, targets_);
        sum.loss += pass_.backward(weights_, inputs_, targets_, gradient);
        mean_.add(gradient);
    }
    sum.tokens = sum.learnt = std::uint64_t{leaf_tokens_} * leaves_;
    mean_.finish(gradient, sum.learnt);
    return sum;
}

}  // namespace

LeafMean::LeafMean(const tensor::Compute& compute, std::uint32_t leaves, std::uint64_t size)
    : compute_(compute), one_(leaves == 1), tree_(size) {}

void LeafMean::add(std::span<const float> leaf) {
    if (!one_) tree_.add(leaf);
}

void LeafMean::finish(std::span<float> gradient, std::uint64_t tokens) {
    if (!one_) return tree_.finish(gradient, tokens);
    // a tree of one leaf is that leaf
    tensor::scale(compute_, gradient.size(), 1.0F / static_cast<float>(tokens), gradient.data());
}

std::unique_ptr<Lessons> stream_lessons(const model::ParameterLayout& layout, const Recipe& recipe,
                                        std::span<const std::uint32_t> tokens,
                                        const tensor::Compute& compute) {
    CHECK(validate(recipe, layout.config()).ok());
    CHECK(check_tokens(tokens, recipe.context, layout.config().vocab).ok());
    return std::make_unique<StreamLessons>(layout, recipe, tokens, compute);
}

}  // namespace cairn::train
