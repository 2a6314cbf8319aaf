#include "node/merge_reporter.h"

#include <numeric>
#include <utility>

#include "base/log.h"
#include "node/past_model.h"

namespace cairn::node {

MergeReporter::MergeReporter(Loop& loop, LedgerLane& lane, ModelReader& reader,
                             ReporterOptions options, std::function<void()> on_kept)
    : loop_(loop),
      lane_(lane),
      reader_(reader),
      options_(std::move(options)),
      on_kept_(std::move(on_kept)) {}

void MergeReporter::on_merge(const ChainState& state, const BlockNode* block) {
    WeightsPtr weights = reader_.weights(state);
    if (waiting_ >= options_.max_waiting) {
        loop_.post(alive_.guard([this, made = report(block, weights)] { keep(made); }));
        return;
    }
    ++waiting_;
    loop_.post(alive_.guard([this, block, weights = std::move(weights)] {
        offload(
            loop_, Lane::kServe, [this, block, weights] { return report(block, weights); },
            alive_.guard([this](Report made) {
                --waiting_;
                keep(std::move(made));
            }));
    }));
}

void MergeReporter::keep(Report report) {
    lane_.on_lane([report = std::move(report),
                   best = best_](ChainState& state) { write(state.store(), report, *best); },
                  alive_.guard([this] {
                      if (on_kept_) on_kept_();
                  }));
}

MergeReporter::Report MergeReporter::report(const BlockNode* block, const WeightsPtr& weights) {
    const Result<std::vector<double>> losses = reader_.report_losses(*weights);
    Report made{block->hash, block->height, 0.0, {}, std::nullopt};
    if (losses.ok()) {
        made.loss =
            std::reduce(losses->begin(), losses->end()) / static_cast<double>(losses->size());
        if (losses->size() > 1) made.source_losses = *losses;
    } else {
        made.loss = losses.error();
    }
    best_->offer(made, weights);
    if (made.loss.ok() && options_.sample_tokens > 0) {
        auto text = reader_.generate(*weights, options_.sample_prompt, options_.sample_tokens,
                                     options_.sample_seed);
        if (text.ok()) made.sample = std::move(*text);
    }
    return made;
}

void MergeReporter::BestWeights::offer(const Report& report, const WeightsPtr& weights) {
    if (!report.loss.ok()) return;
    const MutexLock lock(mutex_);
    if (weights_ != nullptr && loss_ <= *report.loss) return;
    block_ = report.block;
    loss_ = *report.loss;
    weights_ = weights;
}

WeightsPtr MergeReporter::BestWeights::take(const Hash256& block) {
    const MutexLock lock(mutex_);
    return block_ == block ? std::exchange(weights_, nullptr) : nullptr;
}

void MergeReporter::write(store::Store& store, const Report& report, BestWeights& held) {
    Status stored = report.loss.ok()
                        ? store.set_report_loss(report.block, *report.loss, report.source_losses)
                        : Status(report.loss.error());
    if (stored.ok() && report.sample) stored = store.set_sample(report.block, *report.sample);
    if (!stored.ok())
        log_warn("no report for block {}: {}", short_hex(report.block), stored.error().message);
    const WeightsPtr weights = held.take(report.block);
    const auto best = store.best_merge();
    if (weights == nullptr || !best.ok() || !*best || (*best)->block != report.block) return;
    const Status kept = store.keep_model(report.height, report.block, weight_bytes(*weights));
    if (!kept.ok())
        log_warn("the best model so far, of block {}, is not kept: {}", report.height,
                 kept.error().message);
}

}  // namespace cairn::node
