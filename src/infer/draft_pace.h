// DraftPace: how many tokens are guessed ahead for a text, by what came true of the guesses before.
// It decides no bit, only how much is computed.
#pragma once

#include <cstddef>

namespace cairn::infer {

class DraftPace {
  public:
    /// A text whose guesses failed so often in a row is left without for a while: kFirstPause
    /// steps, and twice as many each time that it fails again, at most kLongestPause.
    static constexpr std::size_t kFailures = 4;
    static constexpr std::size_t kFirstPause = 8;
    static constexpr std::size_t kLongestPause = 128;

    /// `most` guesses at a time, brought into [1, kMaxDraft].
    explicit DraftPace(std::size_t most);

    /// How many to guess in the next step; 0 in a pause.
    std::size_t next() const { return pause_ > 0 ? 0 : next_; }
    /// After each step: how many were guessed, and how many of them came true. All did: twice as
    /// many next time; otherwise as many as did and one more.
    void learn(std::size_t drafted, std::size_t accepted);

  private:
    std::size_t most_;
    std::size_t next_;
    std::size_t failures_ = 0;  // in a row
    std::size_t pause_ = 0;     // steps that are left of it
    std::size_t next_pause_ = kFirstPause;
};

}  // namespace cairn::infer
