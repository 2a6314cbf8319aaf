// A drafter for tests.
#pragma once

#include <span>
#include <vector>

#include "infer/drafter.h"

namespace cairn::infer {

/// Knows the text to come, but for every so many tokens.
class Prophet final : public Drafter {
  public:
    Prophet(std::vector<std::uint32_t> whole, std::size_t wrong_every)
        : whole_(std::move(whole)), wrong_every_(wrong_every) {}
    std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                     std::size_t most) override {
        std::vector<std::uint32_t> guesses;
        for (std::size_t i = text.size(); i < whole_.size() && guesses.size() < most; ++i)
            guesses.push_back(i % wrong_every_ == 0 ? whole_[i] + 1 : whole_[i]);
        return guesses;
    }

  private:
    std::vector<std::uint32_t> whole_;
    std::size_t wrong_every_;
};

}  // namespace cairn::infer
