#include "console/input_bytes.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cairn::console {

namespace {
constexpr int kLookUpMs = 250;  // short: a signal that comes just before the wait does not end it
}  // namespace

// False if nothing came; at the end of the input ended_ says so.
bool InputBytes::fill(int wait_ms) {
    if (ended_) return false;
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::poll(&waiting, 1, wait_ms) <= 0) return false;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got <= 0) {
        ended_ = true;
        return false;
    }
    waiting_.erase(0, taken_);
    taken_ = 0;
    waiting_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
}

InputBytes::Event InputBytes::next(const Interrupt& interrupt, char& byte) {
    for (;;) {
        if (interrupt.raised()) return Event::kInterrupted;
        if (taken_ < waiting_.size()) {
            byte = waiting_[taken_++];
            return Event::kByte;
        }
        if (ended_) {
            ended_ = false;  // Ctrl-D on a terminal ends one read, not all
            return Event::kEnd;
        }
        fill(kLookUpMs);
    }
}

std::optional<char> InputBytes::peek(int wait_ms) {
    if (taken_ == waiting_.size() && !fill(wait_ms)) return std::nullopt;
    return waiting_[taken_];
}

const std::string& InputBytes::look_ahead(int quiet_ms, std::size_t most) {
    while (waiting_.size() - taken_ < most && fill(quiet_ms)) {
    }
    waiting_.erase(0, taken_);
    taken_ = 0;
    return waiting_;
}

}  // namespace cairn::console
