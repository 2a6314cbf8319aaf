// ReadingDesk: prompts and texts become tokens away from the serving thread. One is read after
// another, by turns of those who ask, and short ones on a thread of their own, since a text of
// megabytes can take half a minute. What nobody waits for any more leaves without being read.
//
// On the serving thread, but for stop().
#pragma once

#include <functional>
#include <string>

#include "host/task_thread.h"
#include "host/turn_queue.h"

namespace cairn::host {

class ReadingDesk {
  public:
    /// A text of at most this many bytes is short.
    static constexpr std::size_t kShortBytes = std::size_t{64} << 10;

    struct Reading {
        std::function<bool()> is_over;  ///< nobody waits for it any more
        std::function<void()> read;     ///< on a thread of the desk
        std::function<void()> done;     ///< then, on the serving thread
    };

    /// `to_serving` runs a task on the serving thread.
    explicit ReadingDesk(std::function<void(std::function<void()>)> to_serving)
        : to_serving_(std::move(to_serving)) {}

    void add(const std::string& client, std::size_t bytes, Reading reading);
    /// Drops what has not begun and is over.
    void drop_over();
    /// Whether anything is read or waits for it.
    bool is_busy() const;
    /// Waits for what is being read; drops the rest. Not from the desk's threads.
    void stop();

  private:
    struct Lane {
        /// Handed to the thread at once: short texts by the dozen, or each would wait for a turn of
        /// the serving thread, which may compute a batch meanwhile.
        std::size_t ahead = 1;
        TurnQueue<Reading> waiting{};
        std::size_t reads = 0;  // handed to the thread
        TaskThread thread{};    // last: it ends first
    };
    void next(Lane& lane);

    std::function<void(std::function<void()>)> to_serving_;
    Lane short_{.ahead = 32};
    Lane long_;
};

}  // namespace cairn::host
