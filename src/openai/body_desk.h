// BodyDesk: reads long bodies away from the server's thread, which everybody needs: one after
// another on a thread of its own, by turns of those who ask. Short ones are read where they come.
//
// From any thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/mutex.h"
#include "host/task_thread.h"
#include "host/turn_queue.h"

namespace cairn::openai {

class BodyDesk {
  public:
    /// A body of at most this many bytes is read in a few milliseconds at worst.
    static constexpr std::size_t kShortBytes = std::size_t{16} << 10;
    /// Of all bodies that wait, and of those of one client.
    static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
    static constexpr std::size_t kMaxClientBytes = kMaxBytes / 2;

    /// `read` runs on the desk's thread, or never if the desk ends. False, and it is dropped, if
    /// too much waits.
    bool add(const std::string& client, std::size_t bytes, std::function<void()> read);

  private:
    struct Waiting {
        std::string client;
        std::size_t bytes = 0;
        std::function<void()> read;
    };
    void read_one();

    Mutex mutex_;
    host::TurnQueue<Waiting> waiting_ GUARDED_BY(mutex_);
    std::size_t bytes_ GUARDED_BY(mutex_) = 0;
    std::map<std::string, std::size_t> of_client_ GUARDED_BY(mutex_);
    host::TaskThread thread_{};  // last: its tasks use the rest
};

}  // namespace cairn::openai
