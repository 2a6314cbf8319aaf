#include "infer/draft_pace.h"

#include <algorithm>

#include "infer/drafter.h"

namespace cairn::infer {

DraftPace::DraftPace(std::size_t most)
    : most_(std::clamp<std::size_t>(most, 1, kMaxDraft)), next_(most_) {}

void DraftPace::learn(std::size_t drafted, std::size_t accepted) {
    if (drafted == 0) {
        if (pause_ > 0) --pause_;
        return;
    }
    next_ = std::min(most_, accepted == drafted ? 2 * drafted : accepted + 1);
    if (accepted > 0) {
        failures_ = 0;
        next_pause_ = kFirstPause;
    } else if (++failures_ >= kFailures) {
        pause_ = next_pause_;
        next_pause_ = std::min(2 * next_pause_, kLongestPause);
        // One more failure after the pause is enough for the next.
        failures_ = kFailures - 1;
    }
}

}  // namespace cairn::infer
