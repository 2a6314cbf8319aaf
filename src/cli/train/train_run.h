// TrainRun: the loop of `cairn train`: steps, held-out measurements, log, saved states, the time
// limit, and the way out at Ctrl-C. The bits of a step are the trainer's alone; nothing here can
// change them except the number of steps that a time limit chooses, which is recorded.
#pragma once

#include <iosfwd>
#include <optional>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/local_model.h"
#include "cli/train/held_out.h"
#include "cli/train/train_log.h"
#include "cli/train/train_start.h"
#include "train/trainer.h"

namespace cairn {
class Progress;
}

namespace cairn::cli {

/// How many steps a run of `minutes` takes if `done` of them took `elapsed_us` and one more takes
/// `step_us`; one part in fifty is left for what cannot be foreseen.
std::uint64_t steps_in_time(double minutes, std::uint64_t done, std::uint64_t elapsed_us,
                            double step_us);

/// Whether files can be written where `out` is to stand: better asked before hours of work.
Status check_writable(const std::string& out);
/// Writes the checkpoint.
Status save_result(const TrainStart& start, const train::Trainer& trainer);

class TrainRun {
  public:
    /// All arguments must outlive it; `held_out` and `log` may be null.
    TrainRun(TrainStart& start, train::Trainer& trainer, HeldOut* held_out, TrainLog* log,
             const Clock& clock, std::ostream& out);

    /// Takes steps until the last one, or until `stop_at` or Ctrl-C; then the state is saved.
    Status run(const Interrupt& interrupt);

    bool complete() const;
    double first_loss() const { return first_loss_; }
    double last_loss() const { return last_loss_; }
    double tokens_per_second() const;
    /// Training time, earlier sessions included.
    double seconds() const { return static_cast<double>(elapsed_us()) / 1e6; }

  private:
    std::uint64_t elapsed_us() const { return earlier_us_ + clock_.monotonic_us() - started_us_; }
    std::uint64_t total_steps() const { return trainer_.recipe().total_steps; }
    Status take_step(Progress* progress);
    Status log_step(const train::StepReport& report, std::optional<double> valid);
    Status choose_total_steps();
    Status after_step();
    bool time_to_measure(std::uint64_t step) const;
    double measure();
    Status save();

    TrainStart& start_;
    train::Trainer& trainer_;
    HeldOut* held_out_;
    TrainLog* log_;
    const Clock& clock_;
    std::ostream& out_;
    model::Weights weights_;  // of the trainer
    std::uint64_t earlier_us_ = 0;
    std::uint64_t started_us_;
    std::uint64_t saved_us_;
    std::uint64_t first_step_;      // of this session
    std::uint64_t settled_us_ = 0;  // when the steps that warm caches were over
    double measure_us_ = 0;         // one measurement
    double first_loss_ = 0;
    double last_loss_ = 0;
    std::optional<double> last_valid_;
};

}  // namespace cairn::cli
