#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

#include "base/text.h"

namespace cairn {

namespace {
constexpr std::uint64_t kQuietUs = 1'000'000;
constexpr std::uint64_t kRedrawUs = 100'000;
constexpr std::uint64_t kWidth = 30;
}  // namespace

Progress::Progress(const Clock& clock, std::string what, std::uint64_t total)
    : clock_(clock),
      what_(std::move(what)),
      total_(total),
      started_us_(clock.monotonic_us()),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
    if (drawn_us_ == 0) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    drawn_us_ = 0;
}

void Progress::update(std::uint64_t done, const std::string& note) {
    if (!terminal_) return;
    const std::uint64_t now = clock_.monotonic_us();
    if (now - started_us_ < kQuietUs || now - drawn_us_ < kRedrawUs) return;
    drawn_us_ = now;
    // A line that wraps could not be erased.
    std::string line = printable_line(render(what_, done, total_, now - started_us_, note));
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        line.resize(std::min<std::size_t>(line.size(), size.ws_col - 1U));
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
}

std::string Progress::render(const std::string& what, std::uint64_t done, std::uint64_t total,
                             std::uint64_t elapsed_us, const std::string& note) {
    done = std::min(done, total);
    const std::uint64_t filled = total == 0 ? kWidth : done * kWidth / total;
    const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
    const double left_us = done == 0
                               ? 0
                               : static_cast<double>(elapsed_us) *
                                     static_cast<double>(total - done) / static_cast<double>(done);
    const auto left_s = static_cast<std::uint64_t>(left_us / 1e6);
    return fmt::format("{} [{}{}] {:3}% {}:{:02} left {}", what, std::string(filled, '='),
                       std::string(kWidth - filled, ' '), percent, left_s / 60, left_s % 60, note);
}

}  // namespace cairn
