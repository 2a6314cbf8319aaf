// ResumedLayers: a route whose caches hold the rows of a text's first positions already, as the
// infer::LayerStack of the whole text: those rows are not sent, and what stands for them is not
// looked at.
#pragma once

#include <algorithm>

#include "base/check.h"
#include "infer/generate.h"

namespace cairn::gateway {

class ResumedLayers final : public infer::LayerStack {
  public:
    ResumedLayers(infer::LayerStack& layers, std::size_t dim, std::size_t known)
        : layers_(layers), dim_(dim), known_(known) {}

    Status forward(std::span<float> hidden) override {
        const std::size_t rows = hidden.size() / dim_;
        const std::size_t skipped = at_ < known_ ? std::min(rows, known_ - at_) : 0;
        if (skipped < rows) RETURN_IF_ERROR(layers_.forward(hidden.subspan(skipped * dim_)));
        at_ += rows;
        return ok_status();
    }
    Status truncate(std::size_t length) override {
        CHECK(length >= known_);  // guesses stand behind the prompt
        at_ = length;
        return layers_.truncate(length);
    }
    /// Positions that the caches hold.
    std::size_t positions() const { return at_; }

  private:
    infer::LayerStack& layers_;
    std::size_t dim_;
    std::size_t known_;
    std::size_t at_ = 0;
};

}  // namespace cairn::gateway
