// Gateway: a model whose layers other machines compute, behind the seam of host/text_host.h.
// OpenAI's API and the chat page then work over layer servers as they do over a model on this
// machine, with the same bits: embedding, final norm, head and sampling run here, and a text
// survives the loss of servers (serve/remote_layers.h).
//
//   ASSIGN_OR_RETURN(auto gateway, Gateway::start({.open = open}));
//   gateway->write({.prompt = "Once"}, listener);
//
// A thread for each text that may be written at once; it waits for servers most of the time. Those
// who ask take turns.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "gateway/route_shelf.h"
#include "gateway/trace.h"
#include "host/answer.h"
#include "host/host_options.h"
#include "host/text_host.h"
#include "host/turn_queue.h"
#include "host/waiting_room.h"
#include "infer/drafter.h"

namespace cairn::gateway {

/// A model, without its layers, and how a route over the servers that hold them is opened.
struct ServedModel {
    std::string id;  ///< what requests name it by
    std::shared_ptr<const host::ReadyModel> model;
    /// Opens a route with room for so many positions. May take seconds; from several threads.
    std::function<Result<std::unique_ptr<serve::NetworkLayers>>(std::size_t room)> connect;
    /// Computes again what servers did so far in a session that was drawn to be audited; nothing of
    /// others. Such a session goes on like all others, so that servers cannot tell which are
    /// audited. May be empty.
    std::function<std::vector<TraceAudit>(serve::NetworkLayers&, const tensor::Compute&)> audit{};
    tensor::KvType kv = tensor::KvType::kF32;            ///< of servers' caches
    tensor::StateType states = tensor::StateType::kF32;  ///< as they travel
    std::uint64_t wait_ms = 30'000;  ///< that a sentence waits where nobody holds some layers
    bool may_change = false;         ///< opened again it may be another model: a network's own
};

struct GatewayOptions {
    /// At the start, and again, one call at a time, when nobody holds layers any more of a model
    /// that may change.
    std::function<Result<ServedModel>()> open;
    std::size_t max_texts = 4;      ///< at once; as many routes are held, at most
    std::size_t max_waiting = 256;  ///< requests without a place, at most half of them one client's
    std::size_t threads = 1;        ///< that compute the head, for each text
    /// Who guesses ahead in a text; may be empty.
    std::function<std::unique_ptr<infer::Drafter>()> drafter{};
    std::size_t draft_tokens = 6;
    /// Keeps what is known of a text and gives its id.
    std::function<std::string(const Trace&)> keep = keep_trace;
    /// Then a route that nobody uses is given up; servers end its sessions 20 s later
    /// (serve::LayerServerOptions::idle_ms).
    std::uint64_t idle_us = 100'000'000;
    /// Then a new one is opened, over the servers that are known, and trusted, by then.
    std::uint64_t max_age_us = 600'000'000;
};

class Gateway final : public host::TextHost {
  public:
    static Result<std::unique_ptr<Gateway>> start(GatewayOptions options);
    /// Ends all that goes on with kCancelled. Waits for answers of servers that are under way.
    ~Gateway() override;

    std::vector<host::HostedModel> models() const override;
    host::RequestId write(host::TextRequest request,
                          std::shared_ptr<host::TextListener> listener) override;
    void cancel(host::RequestId id) override;
    /// Always refused.
    host::RequestId embed(host::VectorsRequest request, host::VectorsDone done) override;
    std::string metrics() const override;

  private:
    struct Task {
        host::TextJobPtr job;
        std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
    };
    struct Running {
        Task task;
        serve::NetworkLayers* layers = nullptr;  // that it waits for
        std::uint64_t token_us = 0;              // when its latest token came; 0: none has
        bool was_closed = false;                 // its layers, in the middle of a call
    };
    class Writer;  // what a thread computes with

    Gateway(GatewayOptions options, const tensor::Kernels* kernels);
    void run();
    /// The next task, when it is its turn; none when the gateway stops.
    std::optional<Task> next();
    void write(Writer& writer, const Task& task);
    /// Each of these gives the error that ends the job, if one does.
    std::optional<host::HostError> write_with(Writer& writer, const Task& task,
                                              const ServedModel& served);
    std::optional<host::HostError> write_answer(Writer& writer, const Task& task,
                                                const ServedModel& served, std::size_t number);
    host::OrHostError<infer::StopReason> write_over(Writer& writer, const Task& task,
                                                    const ServedModel& served, Route& route,
                                                    host::Answer& answer);
    /// A route for the job's prompt: one that knows its beginning, if it may be kept, or a new one.
    Result<Route> route_for(const host::TextJob& job, const ServedModel& served, bool may_be_kept);
    Result<Route> open_route(const ServedModel& served, std::size_t room);
    /// One that is not whole has lost its way in the middle of a text.
    void give_back(Route route, bool is_whole);
    /// Counts one more in use, and gives up those that nobody uses for it.
    void make_room();
    /// Gives up the one that was used longest ago; false: there is none.
    bool give_up_one();
    /// Marks a text as cancelled, and ends its wait for servers if no token came of late.
    void stop(Running& running) REQUIRES(mutex_);
    /// The layers that a text waits for from here on; null: none. Gives whether those before were
    /// closed.
    bool wait_for(host::RequestId id, serve::NetworkLayers* layers);
    void count_token(host::RequestId id, std::uint64_t now_us);
    /// A server lied: routes that were opened until now are not kept.
    void distrust();
    ServedModel served() const;
    /// Another model, if `old` is still the one that is served.
    Status open_again(const std::shared_ptr<const host::ReadyModel>& old);
    /// What is told of an answer that has been written; audits it.
    std::string facts_of(const Writer& writer, const ServedModel& served, Route& route);

    const GatewayOptions options_;
    const tensor::Kernels* const kernels_;
    const SystemClock clock_{};
    const std::int64_t created_s_;
    host::HostCounters counters_;
    host::WaitingRoom room_;
    std::atomic<host::RequestId> last_id_ = 0;
    std::atomic<std::uint64_t> failovers_ = 0;
    std::atomic<std::uint64_t> opened_ = 0;  // routes
    std::atomic<std::uint64_t> spent_ = 0;   // coins, until the latest text
    Mutex opening_;                          // held while another model is opened

    mutable Mutex mutex_;
    Condition wake_;
    bool stopping_ GUARDED_BY(mutex_) = false;
    ServedModel served_ GUARDED_BY(mutex_);
    host::TurnQueue<Task> waiting_ GUARDED_BY(mutex_);
    std::map<host::RequestId, Running> writing_ GUARDED_BY(mutex_);
    RouteShelf shelf_ GUARDED_BY(mutex_);
    std::size_t in_use_ GUARDED_BY(mutex_) = 0;  // routes
    std::uint64_t trusted_since_us_ GUARDED_BY(mutex_) = 0;
    std::vector<std::thread> threads_;  // last: they use all else
};

}  // namespace cairn::gateway
