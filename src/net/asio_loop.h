// The real event loop: one thread calls run() and every callback of the node happens there. Work
// that takes long goes to one worker thread per lane, started when first needed. Boost stays in
// the .cc files; whatever needs the io_context itself (links, the HTTP server) asks for context().
#pragma once

#include <functional>
#include <memory>

#include "base/loop.h"

namespace boost::asio {
class io_context;
}

namespace cairn::net {

/// Offloaded work waiting in one lane; more is a programmer's error (callers bound what they ask).
inline constexpr std::size_t kMaxLaneQueue = 65536;

class AsioLoop final : public Loop {
  public:
    AsioLoop();
    /// Waits for the work that is running in the lanes; drops what has not begun, and its `done`.
    ~AsioLoop() override;
    AsioLoop(const AsioLoop&) = delete;
    AsioLoop& operator=(const AsioLoop&) = delete;

    /// Runs callbacks on this thread until stop(). May be called again afterwards.
    void run();
    /// Makes run() return soon. Safe from any thread.
    void stop();
    /// Calls `task` on the loop when the process is asked to end, instead of ending it: SIGINT,
    /// SIGTERM, SIGHUP (the terminal closed), SIGPIPE (nobody reads our output any more). A second
    /// SIGINT or SIGTERM ends it. What was ignored when the program started (nohup) stays ignored.
    void on_terminate(std::function<void()> task);
    /// stop() when this says so; it is asked five times a second, on the loop.
    void stop_when(std::function<bool()> should_stop);

    void post(std::function<void()> task) override;
    /// This and cancel() are for the loop's thread only.
    TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) override;
    void cancel(TimerId id) override;
    void offload(Lane lane, std::function<void()> work, std::function<void()> done) override;

    boost::asio::io_context& context();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::net
