// A block of lines on the terminal that is drawn again in its own place: no line wraps, nothing
// scrolls while it keeps its height, and the last drawing stays when the program ends. The mode of
// the terminal is never changed, so there is nothing to restore.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cairn::console {

struct ScreenSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
    bool operator==(const ScreenSize&) const = default;
};

/// Of the terminal on standard output; 80 by 24 where it does not say.
ScreenSize screen_size();

class LiveBlock {
  public:
    /// The bytes that put `lines` where the block stood before: cut to the size, the first one
    /// bold, without the last row (where the cursor rests).
    std::string redraw(const std::vector<std::string>& lines, ScreenSize size);

  private:
    std::size_t height_ = 0;
    ScreenSize size_;
};

}  // namespace cairn::console
