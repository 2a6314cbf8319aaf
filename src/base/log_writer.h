// Where the log's lines go instead of standard error: for a command that draws on the terminal, and
// must put them where they do not tear what it has drawn.
#pragma once

#include <functional>
#include <string>

namespace cairn {

/// Gets each line that would be shown, with its time and level, on the thread that logs it; it must
/// not log.
using LogWriter = std::function<void(std::string line)>;
/// Empty: standard error again.
void set_log_writer(LogWriter writer);

}  // namespace cairn
