#include "console/line_writer.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/text.h"

namespace cairn::console {

namespace {

// At the end: how long to wait for the last lines, looking how often.
constexpr std::uint64_t kPatience_us = 200'000;
constexpr auto kLook = std::chrono::milliseconds(2);

// False where nobody reads any more.
bool write_all(int to, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(to, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

// The thread holds it too: where a line is stuck, nobody can wait for the thread's end.
struct LineWriter::State {
    int to = -1;
    Mutex mutex;
    Condition changed;
    std::deque<std::string> lines GUARDED_BY(mutex);
    std::size_t lost GUARDED_BY(mutex) = 0;
    bool ending GUARDED_BY(mutex) = false;
    bool ended GUARDED_BY(mutex) = false;

    void run() {
        while (true) {
            std::string text;
            {
                const MutexLock lock(mutex);
                while (lines.empty() && lost == 0 && !ending) changed.wait(mutex);
                if (lines.empty() && lost == 0) break;
                if (!lines.empty()) {
                    text = std::move(lines.front());
                    lines.pop_front();
                } else {
                    text = std::to_string(std::exchange(lost, 0)) +
                           " lines were lost, since nobody read what came before";
                }
            }
            if (!write_all(to, text + '\n')) break;
        }
        const MutexLock lock(mutex);
        ended = true;
        changed.notify_all();
    }
};

LineWriter::LineWriter(int to) : state_(std::make_shared<State>()) {
    state_->to = to;
    std::thread([state = state_] { state->run(); }).detach();
}

LineWriter::~LineWriter() {
    const std::uint64_t began_us = SystemClock().monotonic_us();
    while (SystemClock().monotonic_us() - began_us < kPatience_us) {
        {
            const MutexLock lock(state_->mutex);
            state_->ending = true;
            state_->changed.notify_all();
            if (state_->ended) return;
        }
        std::this_thread::sleep_for(kLook);
    }
}

void LineWriter::write(const std::string& line) {
    std::string shown = printable_line(std::string_view(line).substr(0, kMaxLineBytes));
    if (line.size() > kMaxLineBytes) shown += "...";
    const MutexLock lock(state_->mutex);
    if (state_->ended) return;
    if (state_->lines.size() == kMaxLines)
        ++state_->lost;
    else
        state_->lines.push_back(std::move(shown));
    state_->changed.notify_all();
}

}  // namespace cairn::console
