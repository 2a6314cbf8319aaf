// BodyDesk: reads long bodies, and puts long answers in one piece together, away from the threads
// of server and host, which everybody needs: one after another on a thread of its own, by turns of
// those who ask. Short ones are dealt with where they come, or they would wait for the long ones.
//
// From any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "host/task_thread.h"
#include "host/turn_queue.h"

namespace cairn::openai {

class BodyDesk {
  public:
    /// A body of at most this many bytes is read, and an answer of as many put together, in a few
    /// milliseconds at worst.
    static constexpr std::size_t kShortBytes = std::size_t{16} << 10;
    /// Of all bodies that wait, and of those of one client.
    static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
    static constexpr std::size_t kMaxClientBytes = kMaxBytes / 2;

    /// `read` runs on the desk's thread, or never if the desk ends. False, and it is dropped, if
    /// too much waits.
    bool add(const std::string& client, std::size_t bytes, std::function<void()> read);
    /// The same for an answer that has been made: it is taken however much waits. There are no more
    /// of them than the host has requests.
    void add_answer(const std::string& client, std::function<void()> put_together) {
        (void)add(client, 0, std::move(put_together));
    }
    /// Waits for what is being done; what waits, and what comes later, is dropped.
    void stop() { thread_.stop(); }

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

/// Has an answer of about so many bytes put together for a client: at once if it is short or the
/// desk is gone.
void put_together_at(const std::weak_ptr<BodyDesk>& desk, const std::string& client,
                     std::size_t bytes, std::function<void()> work);

}  // namespace cairn::openai
