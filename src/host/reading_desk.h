// ReadingDesk: prompts and texts become tokens away from the serving thread. One is read after
// another, by turns of those who ask, and short ones on a thread of their own, since a text of
// megabytes can take half a minute. What nobody waits for any more leaves, also while it is read.
//
// On the serving thread, but for stop().
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
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
        std::function<void()> read;     ///< on a thread of the desk; may end early if it is over
        std::function<void()> done;     ///< then, on the serving thread
    };

    /// `to_serving` runs a task on the serving thread.
    explicit ReadingDesk(std::function<void(std::function<void()>)> to_serving)
        : to_serving_(std::move(to_serving)) {}

    void add(const std::string& client, std::size_t bytes, Reading reading);
    /// Drops what is over; what is being read of it ends early.
    void drop_over();
    /// Whether anything is read or waits for it.
    bool is_busy() const;
    /// Ends what is being read early; drops the rest. Not from the desk's threads.
    void stop();

  private:
    struct UnderWay {
        explicit UnderWay(Reading taken) : reading(std::move(taken)) {}
        Reading reading;
        std::atomic<bool> raised = false;  ///< it need not be read any more
    };
    struct Lane {
        /// Handed to the thread at once: short texts by the dozen, or each would wait for a turn of
        /// the serving thread, which may compute a batch meanwhile.
        std::size_t ahead = 1;
        TurnQueue<Reading> waiting{};
        std::list<std::shared_ptr<UnderWay>> reads{};  // handed to the thread
        TaskThread thread{};                           // last: it ends first
    };
    void next(Lane& lane);

    std::function<void(std::function<void()>)> to_serving_;
    Lane short_{.ahead = 32};
    Lane long_;
};

}  // namespace cairn::host
