// ModelShelf: which models are in memory, and which of them make room for others.
//
// A model is loaded when it is wanted: its file is opened on the loading thread, memory is found
// for it, and its weights are packed there. Room is made by forgetting prompts computed before,
// then by unloading what nobody asks for, the least recently used first. A model that is asked for
// and waits for kStay_us while others are busy holds back what would join those, until it fits;
// and it stays until it has served one of those for whom it was loaded.
//
// Where a source's model has become another (refresh), that one is loaded beside the one in memory
// and takes its place; the older one goes when what it writes has ended.
//
// Only the serving thread touches it, but for views().
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "host/host_options.h"
#include "host/model_run.h"
#include "host/task_thread.h"

namespace cairn::host {

/// What the shelf tells of a model, by its place in the list.
struct ShelfEvents {
    std::function<void(std::size_t)> ready;
    std::function<void(std::size_t, const HostError& why)> failed;
};

class ModelShelf {
  public:
    /// Of one model in memory, the one that is being loaded among them.
    static constexpr std::size_t kMaxVersions = 3;

    /// `serving` runs what comes back from `loading`; both, and the seams, outlive this. `loader`
    /// computes on the loading thread.
    ModelShelf(std::vector<std::unique_ptr<ModelSource>> sources, const RunBounds& bounds,
               std::size_t context, const RunSeams& seams, const tensor::Compute& loader,
               TaskThread& loading, std::function<void(std::function<void()>)> to_serving,
               ShelfEvents events);

    std::size_t size() const { return slots_.size(); }
    /// Any thread.
    std::vector<HostedModel> views() const;

    /// Begins to load a model that is not in memory; one that failed is tried again after a while.
    /// False if it failed a moment ago.
    bool want(std::size_t model);
    /// The source's model has become another one. A newer one is loaded as soon as fewer than
    /// kMaxVersions are in memory; if it cannot be, the one in memory stays.
    void refresh(std::size_t model);
    /// Drops older versions that nobody needs any more, and loads newer ones that waited for that;
    /// takes notice of memory that has become free.
    void drop_older();
    /// Whether a model that was unloaded is still held by somebody, so that its memory counts.
    bool is_leaving() const { return !leaving_.empty(); }
    /// All models in memory, older versions too.
    template <typename Visit>
    void for_each_run(const Visit& visit) {
        for (Slot& slot : slots_) {
            for (Older& older : slot.older) visit(*older.run);
            if (slot.run != nullptr) visit(*slot.run);
        }
    }
    /// The model in memory, its newest version, or null.
    ModelRun* run(std::size_t model) { return slots_[model].run.get(); }
    /// The model's run of this token in memory, or null.
    ModelRun* run(std::size_t model, const std::shared_ptr<const char>& token);
    /// The one that a request is for, in memory: that which it is bound to or, where it is bound to
    /// none, the newest; or null.
    ModelRun* run(const TextJob& job) {
        return job.run() == nullptr ? run(job.model()) : run(job.model(), job.run());
    }
    /// The version of this name in memory, or null.
    ModelRun* version(std::size_t model, const std::string& name);
    /// Serving thread.
    const HostedModel& about(std::size_t model) const { return slots_[model].about; }
    /// Requests that need a model: those it must be kept for, if possible.
    void add_user(std::size_t model);
    void remove_user(std::size_t model) { --slots_[model].users; }
    /// Whether it was loaded for somebody and has served nobody yet. Until then it makes no room
    /// for others, or it would be loaded in vain.
    bool owes_turn(std::size_t model) const { return slots_[model].owes_turn; }
    void has_served(std::size_t model) { slots_[model].owes_turn = false; }
    /// Where models that owe a turn keep each other from it: none does any more. False if none did.
    bool forget_turns();

    /// Makes room for `bytes` beside `keep`. `stuck`: nothing runs, so models that are asked for
    /// may go too. False also where it is a matter of time (room_is_coming): a model that is
    /// unloaded while a prompt or vectors are made with it takes its memory until they are.
    bool make_room(std::uint64_t bytes, std::size_t keep, bool stuck);
    bool room_is_coming(std::uint64_t bytes) const;
    /// The most that make_room() could have room for.
    std::uint64_t possible_room(std::size_t keep, bool stuck) const;
    /// Places models that wait for memory. `stuck` as above.
    void place_waiting(bool stuck);
    /// Whether nothing should join, since a model has waited long for memory.
    bool holds_back() const;
    /// Whether a run is one of those whose memory it waits for, and which are kept only by who is
    /// bound to them: an older version's, or that of which a newer one waits.
    bool must_leave(std::size_t model, const ModelRun& run) const;

  private:
    struct Older {
        std::unique_ptr<ModelRun> run;
        std::uint64_t bytes = 0;
    };
    struct Slot {
        std::unique_ptr<ModelSource> source;
        HostedModel about;
        std::unique_ptr<ModelRun> run;
        std::uint64_t bytes = 0;  // that it takes
        std::list<Older> older;   // that still write
        // From when a model, or a newer one, is opened until it is the run.
        bool coming = false;
        bool stale = false;                 // what is coming, or the run, is no longer the newest
        std::optional<OpenedModel> opened;  // while it waits for memory
        std::uint64_t coming_bytes = 0;     // that it will take
        std::uint64_t since_us = 0;         // when it began to wait, or failed
        std::uint64_t used_us = 0;
        std::size_t users = 0;
        bool owes_turn = false;
    };

    void open(std::size_t model);
    void on_opened(std::size_t model, Result<OpenedModel> opened);
    bool place(std::size_t model, bool stuck);
    void on_packed(std::size_t model, std::shared_ptr<const ReadyModel> ready);
    void fail(std::size_t model, const Error& why);
    /// Loads a newer version, if there is one and it may come.
    void renew(std::size_t model);
    /// Unloads the run where the version after it has room only then.
    void give_way(std::size_t model);
    void unload(Slot& slot);
    static bool may_go(const Slot& slot, bool also_wanted);
    bool unload_one(std::size_t keep, bool also_wanted);
    void set_state(std::size_t model, ModelState state);
    void show(std::size_t model);  // in views()
    bool is_overdue(const Slot& slot) const;

    // Models that were unloaded and that somebody still computes with. Their weights count until
    // the last one has ended.
    struct Leaving {
        std::weak_ptr<const ReadyModel> model;
        std::uint64_t bytes = 0;
    };
    std::uint64_t leaving_bytes() const;

    std::vector<Slot> slots_;
    std::list<Leaving> leaving_;
    RunBounds bounds_;
    std::size_t context_;
    RunSeams seams_;
    const tensor::Compute& loader_;
    TaskThread& loading_;
    std::function<void(std::function<void()>)> to_serving_;
    ShelfEvents events_;
    mutable Mutex mutex_;
    std::vector<HostedModel> views_ GUARDED_BY(mutex_);
};

}  // namespace cairn::host
