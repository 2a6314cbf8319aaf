// The only way to a node's ledger: a job on Lane::kChain. The state (chain_state.h) is a private
// member here, so whatever reads or changes the ledger, or writes to the store, is written as a
// job, and jobs run one at a time.
//
// Who may lag behind whom:
//   * The state may be ahead of the loop. The loop hears of a job that moved it when the job's
//     `done` runs, so ActiveChain::tip() may be older than what a job sees, never newer. Whoever
//     computed something for a tip hands over its node and has the job compare it with state.tip().
//   * The store moves with the state: each step is one transaction, so readers (Lane::kRead) see
//     the chain before a step or after it, and may be ahead of the loop too.
//   * The miner's template and a trainer's weights belong to the tip for which they were asked.
//     Their owners drop them once the loop's tip is another.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/loop.h"
#include "node/chain_state.h"

namespace cairn::node {

class LedgerLane {
  public:
    /// Everything passed in must outlive this, except the loop, which must end first. The model
    /// must be at theta^0.
    LedgerLane(Loop& loop, const chain::NetworkDefinition& network, consensus::ModelSeam& model,
               store::Store& store, const BlockNode* genesis, ChainStateOptions options)
        : loop_(loop), state_(network, model, store, genesis, options), start_(state_.info()) {}

    /// Before the first job.
    void set_merge_hook(ChainState::MergeHook hook) { state_.set_merge_hook(std::move(hook)); }
    /// Before the first job too: a store of another network is refused.
    Status bind_network(const Hash256& genesis_id) {
        CHECK(!busy_);
        return state_.store().bind_network(genesis_id);
    }
    /// Where the state stood when this was made: at genesis.
    const TipInfoPtr& start() const { return start_; }

    /// Runs `work(state)` on the chain lane, then `done(its result)` on the loop, as offload()
    /// does. Call on the loop: a job that asks for another is a programmer's error.
    template <std::invocable<ChainState&> Work, typename Done>
    void on_lane(Work work, Done done) {
        CHECK(!inside_job());
        offload(loop_, Lane::kChain, job(std::move(work)), std::move(done));
    }
    /// The same for a job whose end nobody waits for.
    template <std::invocable<ChainState&> Work>
    void on_lane(Work work) {
        CHECK(!inside_job());
        offload(loop_, Lane::kChain, job(std::move(work)));
    }

    /// The state between two jobs, where lanes have no threads of their own: for the simulator's
    /// invariants and for tests. CHECKs that no other thread has ever run a job.
    template <std::invocable<const ChainState&> Look>
    auto inspect(Look look) const {
        const std::thread::id worker = worker_;
        CHECK(!busy_ && (worker == std::thread::id() || worker == std::this_thread::get_id()));
        return look(state_);
    }

  private:
    /// Exists while a job runs, and marks that one does.
    class Running {
      public:
        explicit Running(LedgerLane& lane) : lane_(lane) {
            CHECK(!lane_.busy_.exchange(true));
            lane_.worker_ = std::this_thread::get_id();
        }
        ~Running() { lane_.busy_ = false; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

      private:
        LedgerLane& lane_;
    };

    bool inside_job() const { return busy_ && worker_.load() == std::this_thread::get_id(); }

    template <typename Work>
    auto job(Work work) {
        return [this, work = std::move(work)]() mutable {
            const Running running(*this);
            return work(state_);
        };
    }

    Loop& loop_;
    ChainState state_;
    TipInfoPtr start_;
    std::atomic<bool> busy_{false};
    std::atomic<std::thread::id> worker_{};  // of the latest job
};

}  // namespace cairn::node
