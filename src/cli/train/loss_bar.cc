#include "cli/train/loss_bar.h"

#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/progress.h"

namespace cairn::cli {

train::LossWatch loss_bar() {
    struct Bar {
        SystemClock clock;
        std::optional<Progress> progress;
    };
    train::LossWatch watch;
    watch.progress = [bar = std::make_shared<Bar>()](std::size_t done, std::size_t total,
                                                     double nats) {
        if (!bar->progress) bar->progress.emplace(bar->clock, "evaluating", total);
        bar->progress->update(done, fmt::format("{:.4f} nats/token", nats));
    };
    return watch;
}

}  // namespace cairn::cli
