#include "node/merge_reporter.h"

#include "base/log.h"

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
        loop_.post(alive_.guard([this, made = report(block->hash, *weights)] { keep(made); }));
        return;
    }
    ++waiting_;
    loop_.post(alive_.guard([this, hash = block->hash, weights = std::move(weights)] {
        offload(
            loop_, Lane::kServe, [this, hash, weights] { return report(hash, *weights); },
            alive_.guard([this](Report made) {
                --waiting_;
                keep(std::move(made));
            }));
    }));
}

void MergeReporter::keep(Report report) {
    lane_.on_lane([report = std::move(report)](ChainState& state) { write(state.store(), report); },
                  alive_.guard([this] {
                      if (on_kept_) on_kept_();
                  }));
}

MergeReporter::Report MergeReporter::report(const Hash256& block,
                                            const std::vector<float>& weights) {
    Report made{block, reader_.report_loss(weights), std::nullopt};
    if (made.loss.ok() && options_.sample_tokens > 0) {
        auto text = reader_.generate(weights, options_.sample_prompt, options_.sample_tokens,
                                     options_.sample_seed);
        if (text.ok()) made.sample = std::move(*text);
    }
    return made;
}

void MergeReporter::write(store::Store& store, const Report& report) {
    Status stored = report.loss.ok() ? store.set_report_loss(report.block, *report.loss)
                                     : Status(report.loss.error());
    if (stored.ok() && report.sample) stored = store.set_sample(report.block, *report.sample);
    if (!stored.ok())
        log_warn("no report for block {}: {}", short_hex(report.block), stored.error().message);
}

}  // namespace cairn::node
