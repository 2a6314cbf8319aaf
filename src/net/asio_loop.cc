#include "net/asio_loop.h"

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <deque>
#include <thread>
#include <unordered_map>

#include "base/check.h"
#include "base/float_mode.h"
#include "base/mutex.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;

/// One thread that does one piece of work after the other.
class LaneWorker {
  public:
    struct Job {
        std::function<void()> work;
        std::function<void()> done;
    };

    explicit LaneWorker(asio::io_context& io) : io_(io), thread_([this] { run(); }) {}
    LaneWorker(const LaneWorker&) = delete;
    LaneWorker& operator=(const LaneWorker&) = delete;
    ~LaneWorker() {
        {
            const MutexLock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    void add(Job job) {
        {
            const MutexLock lock(mutex_);
            CHECK(jobs_.size() < kMaxLaneQueue);
            jobs_.push_back(std::move(job));
        }
        wake_.notify_one();
    }

  private:
    void run() {
        set_float_mode();
        for (;;) {
            Job job;
            {
                const MutexLock lock(mutex_);
                while (!stopping_ && jobs_.empty()) wake_.wait(mutex_);
                if (stopping_) return;
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
            job.work();
            job.work = nullptr;  // in the lane, before `done`, which may use what it captured
            asio::post(io_, std::move(job.done));
        }
    }

    asio::io_context& io_;
    Mutex mutex_;
    Condition wake_;
    std::deque<Job> jobs_ GUARDED_BY(mutex_);
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace

struct AsioLoop::Impl {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
    std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
    TimerId last_timer = 0;
    std::unique_ptr<asio::signal_set> signals;
    // Last, so that the threads end before what they post to.
    std::array<std::unique_ptr<LaneWorker>, kLanes> lanes;
};

AsioLoop::AsioLoop() : impl_(std::make_unique<Impl>()) {}
AsioLoop::~AsioLoop() = default;

void AsioLoop::run() {
    impl_->io.restart();
    impl_->io.run();
}

void AsioLoop::stop() { impl_->io.stop(); }

void AsioLoop::stop_when(std::function<bool()> should_stop) {
    constexpr std::uint64_t kAskMs = 200;
    call_after(kAskMs, [this, should_stop = std::move(should_stop)]() mutable {
        if (should_stop()) return stop();
        stop_when(std::move(should_stop));
    });
}

void AsioLoop::on_terminate(std::function<void()> task) {
    impl_->signals = std::make_unique<asio::signal_set>(impl_->io);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
            impl_->signals->add(signal);
    }
    impl_->signals->async_wait(
        [impl = impl_.get(), task = std::move(task)](boost::system::error_code error, int) {
            if (error) return;
            // Whoever asks a second time does not want to wait: the signal then ends the process.
            impl->signals->remove(SIGINT);
            impl->signals->remove(SIGTERM);
            task();
        });
}

void AsioLoop::post(std::function<void()> task) { asio::post(impl_->io, std::move(task)); }

TimerId AsioLoop::call_after(std::uint64_t delay_ms, std::function<void()> task) {
    constexpr std::uint64_t kLongestMs = std::uint64_t{1} << 40;  // 34 years: no overflow inside
    const TimerId id = ++impl_->last_timer;
    auto timer = std::make_unique<asio::steady_timer>(
        impl_->io, std::chrono::milliseconds(std::min(delay_ms, kLongestMs)));
    timer->async_wait([impl = impl_.get(), id, task = std::move(task)](auto error) {
        // A timer that fired but was cancelled before this ran is no longer in the table.
        if (error || impl->timers.erase(id) == 0) return;
        task();
    });
    impl_->timers.emplace(id, std::move(timer));
    return id;
}

void AsioLoop::cancel(TimerId id) { impl_->timers.erase(id); }

void AsioLoop::offload(Lane lane, std::function<void()> work, std::function<void()> done) {
    auto& worker = impl_->lanes[static_cast<std::size_t>(lane)];
    if (!worker) worker = std::make_unique<LaneWorker>(impl_->io);
    worker->add({std::move(work), std::move(done)});
}

boost::asio::io_context& AsioLoop::context() { return impl_->io; }

}  // namespace cairn::net
