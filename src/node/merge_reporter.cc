#include "node/merge_reporter.h"

#include "base/log.h"

namespace cairn::node {

MergeReporter::MergeReporter(Loop& loop, store::Store& store, ModelReader& reader,
                             ReporterOptions options, std::function<void()> changed)
    : loop_(loop),
      store_(store),
      reader_(reader),
      options_(std::move(options)),
      changed_(std::move(changed)) {}

void MergeReporter::on_merge(const BlockNode* block) {
    WeightsPtr weights = reader_.weights();
    if (waiting_ >= options_.max_waiting) {
        report(block->hash, *weights);
        loop_.post(changed_);
        return;
    }
    ++waiting_;
    loop_.post([this, hash = block->hash, weights] {
        loop_.offload(
            Lane::kServe, [this, hash, weights] { report(hash, *weights); },
            [this] {
                --waiting_;
                changed_();
            });
    });
}

void MergeReporter::report(const Hash256& block, const std::vector<float>& weights) {
    const auto loss = reader_.report_loss(weights);
    Status stored = loss.ok() ? store_.set_report_loss(block, *loss) : Status(loss.error());
    if (stored.ok() && options_.sample_tokens > 0) {
        const auto text = reader_.generate(weights, options_.sample_prompt, options_.sample_tokens,
                                           options_.sample_seed);
        if (text.ok()) stored = store_.set_sample(block, *text);
    }
    if (!stored.ok())
        log_warn("no report for block {}: {}", short_hex(block), stored.error().message);
}

}  // namespace cairn::node
