// After every merge: the published loss and a sample of what the model writes, computed once per
// node beside the chain, on a copy of the weights, and kept in the store. The best model so far is
// kept there too, so that it can be taken away later without a replay.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/loop.h"
#include "base/mutex.h"
#include "node/ledger_lane.h"
#include "node/model_reader.h"

namespace cairn::node {

struct ReporterOptions {
    std::uint32_t sample_tokens = 64;  ///< 0: no samples
    std::string sample_prompt;
    std::uint64_t sample_seed = 1;
    /// Copies of the weights that may wait at once. Beyond that the chain lane computes the report
    /// itself, which slows it down.
    std::uint32_t max_waiting = 4;
};

class MergeReporter {
  public:
    /// Everything passed in must outlive this, except the loop, which must end first.
    /// `on_kept` is called on the loop when a report is in the store.
    MergeReporter(Loop& loop, LedgerLane& lane, ModelReader& reader, ReporterOptions options,
                  std::function<void()> on_kept = {});

    /// On the chain lane, with the model right after the merge block.
    void on_merge(const ChainState& state, const BlockNode* block);

  private:
    struct Report {
        Hash256 block;
        std::uint64_t height = 0;
        Result<double> loss;                ///< the mean over sources
        std::vector<double> source_losses;  ///< empty where the report text is one
        std::optional<std::string> sample;
    };
    /// The weights of the lowest loss whose report is not in the store yet. However many reports
    /// wait, only these are held; a better one that takes their place on a branch that then fails
    /// costs a replay, no more.
    class BestWeights {
      public:
        void offer(const Report& report, const WeightsPtr& weights);
        /// Null unless they are this block's. They are let go.
        WeightsPtr take(const Hash256& block);

      private:
        Mutex mutex_;
        Hash256 block_ GUARDED_BY(mutex_);
        double loss_ GUARDED_BY(mutex_) = 0;
        WeightsPtr weights_ GUARDED_BY(mutex_);
    };

    Report report(const BlockNode* block, const WeightsPtr& weights);
    /// On the loop. The step that connected the block has ended by then, and the store has it.
    void keep(Report report);
    static void write(store::Store& store, const Report& report, BestWeights& best);

    Loop& loop_;
    LedgerLane& lane_;
    ModelReader& reader_;
    ReporterOptions options_;
    std::function<void()> on_kept_;
    std::atomic<std::uint32_t> waiting_{0};
    std::shared_ptr<BestWeights> best_ = std::make_shared<BestWeights>();
    Alive alive_;
};

}  // namespace cairn::node
