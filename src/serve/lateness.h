// Lateness: when somebody who computes for us is too slow (S58). Whoever computes is held to his
// own word, the speed that he announces: an answer may take four times what its work needs at that
// speed, since others are computed for as well. What it takes beyond that is late. So a long text
// on a slow machine is waited for, a machine that was fast and is not is left, and no fixed time
// has to suit both. Who promises too much is too slow by his own word.
//
// The latest answers count together: who is a bit late each time makes a sentence crawl as surely
// as who is very late once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace cairn::serve {

/// Times what the work needs by somebody's word.
inline constexpr std::uint64_t kEase = 4;
/// However slow he says that he is.
inline constexpr std::uint64_t kMostAllowedUs = 900'000'000;
/// Trips differ by less. An answer that is less late is in time.
inline constexpr std::uint64_t kInTimeUs = 500'000;

/// Work for so many rows behind `seen` others: a layer multiplies some 12 dim^2 numbers of its
/// weights for each, and 2 dim for each row that it attends to (S28).
inline std::uint64_t work_for(std::uint64_t rows, std::uint64_t seen, std::uint32_t dim) {
    return rows * (std::uint64_t{6} * dim + seen);
}
/// The same as rows that attend to few.
inline std::uint64_t work_in_rows(std::uint64_t work, std::uint32_t dim) {
    return work / (std::uint64_t{6} * dim);
}

/// How long an answer may take for so many layer-rows, of whoever does so many a second; nothing
/// where he does not say (0).
inline std::uint64_t allowed_us(std::uint64_t layer_rows, std::uint32_t rows_per_s) {
    if (rows_per_s == 0) return 0;
    return std::min(kMostAllowedUs, layer_rows * kEase * 1'000'000 / rows_per_s);
}

/// How late an answer is that took so long and might take so long.
inline std::uint64_t beyond(std::uint64_t took_us, std::uint64_t might_us) {
    return took_us > might_us ? took_us - might_us : 0;
}

/// So late that another is asked (S31), and that one's owner should know (S58).
inline constexpr std::uint64_t kTooLateUs = 10'000'000;

class Lateness {
  public:
    /// An answer came, so late.
    void answered(std::uint64_t late_us) {
        late_us_[next_] = late_us < kInTimeUs ? 0 : late_us;
        next_ = (next_ + 1) % kAnswers;
    }
    /// Of the last answers together.
    std::uint64_t total_us() const {
        return std::accumulate(late_us_.begin(), late_us_.end(), std::uint64_t{0});
    }
    void forget() { late_us_ = {}; }

  private:
    static constexpr std::size_t kAnswers = 7;
    std::array<std::uint64_t, kAnswers> late_us_{};
    std::size_t next_ = 0;
};

}  // namespace cairn::serve
