// A progress bar on standard error: shown only on a terminal, and only once the work has taken
// longer than a second.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace cairn {

class Progress {
  public:
    /// `total` steps of `what`; nothing is drawn unless standard error is a terminal.
    Progress(const Clock& clock, std::string what, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// `done` steps are finished; `note` is shown at the end of the line.
    void update(std::uint64_t done, const std::string& note = {});

    /// Takes the bar off the screen, for a line that stays; the next update draws it again.
    void clear();

    /// The line without control characters, for a given time since the start.
    static std::string render(const std::string& what, std::uint64_t done, std::uint64_t total,
                              std::uint64_t elapsed_us, const std::string& note);

  private:
    const Clock& clock_;
    std::string what_;
    std::uint64_t total_;
    std::uint64_t started_us_;
    std::uint64_t drawn_us_ = 0;
    bool terminal_;
};

}  // namespace cairn
