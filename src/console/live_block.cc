#include "console/live_block.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "console/screen_text.h"

namespace cairn::console {

ScreenSize screen_size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return {};
    return {size.ws_col, size.ws_row};
}

std::string LiveBlock::redraw(const std::vector<std::string>& lines, ScreenSize size,
                              const std::vector<std::string>& above) {
    std::string out;
    if (height_ > 0 && size != size_) {
        out += "\x1b[H\x1b[J";  // resizing has moved the old lines to unknown places: clear it all
    } else if (height_ > 0) {
        out += "\r\x1b[" + std::to_string(height_) + "A";
    }
    size_ = size;
    for (const std::string& long_line : above)
        for (const std::string& line :
             wrap(long_line, std::max<std::size_t>(size.columns, 2) - 1, 4))
            out += line + "\x1b[K\n";
    height_ = std::min(lines.size(), std::max<std::size_t>(size.rows, 2) - 1);
    for (std::size_t i = 0; i < height_; ++i) {
        const std::string line = cut_to(lines[i], size.columns);
        out += i == 0 && bold_ ? "\x1b[1m" + line + "\x1b[0m" : line;
        // Behind a full line the cursor may have wrapped, and would erase part of another line.
        if (columns_of(line) < size.columns) out += "\x1b[K";
        out += "\n";
    }
    return out + "\x1b[J";
}

}  // namespace cairn::console
