// A block of lines on the terminal that is drawn again in its own place: no line wraps, nothing
// scrolls while it keeps its height, and the last drawing stays when the program ends. The mode of
// the terminal is never changed, so there is nothing to restore.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "console/terminal.h"

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
    /// `bold`: whether the first line is.
    explicit LiveBlock(bool bold = wants_colour()) : bold_(bold) {}

    /// The bytes that put `lines` where the block stood before: cut to the size, without the last
    /// row (where the cursor rests). Lines of `above` come before the block and stay, as in a log.
    std::string redraw(const std::vector<std::string>& lines, ScreenSize size,
                       const std::vector<std::string>& above = {});

  private:
    bool bold_;
    std::size_t height_ = 0;
    ScreenSize size_;
};

}  // namespace cairn::console
