// The event loop, passed in. One loop owns a node's state: every callback runs on it, one at a
// time. Work that takes long goes to a lane by offload() below; its result comes back to the loop.
// The real loop is net/asio_loop.h, the simulated one sim/sim_loop.h.
//
// Lifetime, the same for all who use a loop:
//   * A callback that runs on the loop (a task, a timer, the `done` of an offload) and uses `this`
//     is wrapped by the Alive that its object holds as last member. It is then dropped when the
//     object has ended. Objects end on the loop's thread, or when the loop runs no more.
//   * `work` runs on another thread, so no token can protect it. It owns what it touches, or
//     touches what outlives the Loop, whose destructor waits for the work that is running. It
//     never touches state that belongs to the loop.
//   * Objects that are shared anyway (links, HTTP sessions) hold weak_from_this to the same end.
//   * That a result is out of date (another tip, another session) is no question of lifetime: the
//     callback compares what it was asked for with what is wanted now.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace cairn {

using TimerId = std::uint64_t;

/// Offloaded work of one lane runs in order, one at a time; different lanes run side by side.
enum class Lane : std::uint8_t {
    kChain,      ///< the ledger, and all that is written to the store (node/ledger_lane.h)
    kTrain,      ///< local steps
    kMine,       ///< slices of a nonce search
    kServe,      ///< computing for others: text, published losses
    kLayers,     ///< layers for clients, who wait for each row (serve/layer_server.h)
    kRead,       ///< short reads from disk, which must not wait for any of the above
    kReference,  ///< the slow arithmetic that confirms what is invalid (node/pending_verdicts.h)
    kWork,   ///< what peers send is hashed, which is slow (node/header_work.h, node/stamp_work.h)
    kPay,    ///< vouchers, which are on disk before they count (serve/till.h)
    kProve,  ///< proofs of attention, for whoever asks (serve/attention_desk.h)
};
inline constexpr int kLanes = 10;

class Loop {
  public:
    virtual ~Loop() = default;
    /// Runs `task` soon, after what is queued already. Safe from any thread.
    virtual void post(std::function<void()> task) = 0;
    /// Runs `task` after `delay_ms`; cancel() with the id that is returned (0 is never one).
    virtual TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) = 0;
    virtual void cancel(TimerId id) = 0;
    /// Runs `work` on the lane's worker, then `done` on the loop. What `work` captured is destroyed
    /// before `done` runs. Callers use the free function below.
    virtual void offload(Lane lane, std::function<void()> work, std::function<void()> done) = 0;
};

/// Runs `work()` on the lane, then `done(its result)` on the loop; `done()` if it has none. The
/// result is moved, so it may be of a type that cannot be copied. A loop that ends drops `done`.
template <std::invocable Work, typename Done>
void offload(Loop& loop, Lane lane, Work work, Done done) {
    using T = std::invoke_result_t<Work&>;
    if constexpr (std::is_void_v<T>) {
        loop.offload(lane, std::move(work), std::move(done));
    } else {
        auto result = std::make_shared<std::optional<T>>();
        loop.offload(
            lane, [result, work = std::move(work)]() mutable { result->emplace(work()); },
            [result, done = std::move(done)]() mutable { done(std::move(**result)); });
    }
}

/// The same for work whose end nobody waits for.
template <std::invocable Work>
void offload(Loop& loop, Lane lane, Work work) {
    static_assert(std::is_void_v<std::invoke_result_t<Work&>>, "its result would be lost");
    loop.offload(lane, std::move(work), [] {});
}

/// Tells a callback whether its object still exists (see above). Make it the last member, so that
/// it ends first.
class Alive {
  public:
    Alive() = default;
    Alive(const Alive&) = delete;
    Alive& operator=(const Alive&) = delete;

    /// `callback`, wrapped so that it does nothing once this has ended.
    template <typename Callback>
    auto guard(Callback callback) const {
        return [token = std::weak_ptr<const char>(token_),
                callback = std::move(callback)]<typename... Args>(Args&&... args) mutable {
            if (!token.expired()) callback(std::forward<Args>(args)...);
        };
    }

  private:
    std::shared_ptr<const char> token_ = std::make_shared<const char>();
};

}  // namespace cairn
