// TrainRun: the loop of `cairn train`: steps, held-out measurements, log, saved states, the time
// limit, and the way out at Ctrl-C. The bits of a step are the trainer's alone; nothing here can
// change them except the number of steps that a time limit chooses, which is recorded.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/local_model.h"
#include "cli/train/run_files.h"
#include "cli/train/train_start.h"
#include "console/interrupt.h"
#include "train/held_out.h"
#include "train/train_log.h"
#include "train/trainer.h"

namespace cairn {
class Progress;
}

namespace cairn::cli {

/// How many steps a run of `minutes` takes if `done` of them took `elapsed_us` and one more takes
/// `step_us`; one part in fifty is left for what cannot be foreseen.
std::uint64_t steps_in_time(double minutes, std::uint64_t done, std::uint64_t elapsed_us,
                            double step_us);

class TrainRun {
  public:
    /// What is referred to must outlive it; `held_out` and `log` may be null.
    TrainRun(TrainStart& start, train::Trainer& trainer, train::HeldOut* held_out,
             std::unique_ptr<train::TrainLog> log, const Clock& clock, std::ostream& out);
    ~TrainRun();
    TrainRun(const TrainRun&) = delete;
    TrainRun& operator=(const TrainRun&) = delete;

    /// Takes steps until the last one, or until `stop_at` or Ctrl-C; then checkpoint (of a complete
    /// run) or state and checkpoint are written. An error says exactly what is kept and what not.
    Status run(const console::Interrupt& interrupt);

    /// Writes a line to the log. If the log cannot be written, a warning is shown and the run goes
    /// on without a log.
    void log_line(const std::string& json);
    bool log_lost() const { return log_lost_; }
    /// Writes a warning to standard error, and keeps it for the report.
    void complain(const std::string& sentence);
    const std::vector<std::string>& troubles() const { return troubles_; }

    bool complete() const;
    /// Nothing before the first step, and before the first one of this session.
    std::optional<double> first_loss() const { return first_loss_; }
    std::optional<double> last_loss() const { return last_loss_; }
    double tokens_per_second() const;
    /// Tokens that were computed, in earlier sessions too.
    std::uint64_t tokens() const { return earlier_tokens_ + tokens_; }
    /// Training time, earlier sessions included.
    double seconds() const { return static_cast<double>(elapsed_us()) / 1e6; }

  private:
    std::uint64_t elapsed_us() const { return earlier_us_ + clock_.monotonic_us() - started_us_; }
    std::uint64_t total_steps() const { return trainer_.recipe().total_steps; }
    Status take_step();
    void say_step(const train::StepReport& report);
    void log_step(const train::StepReport& report, std::optional<double> valid);
    Status choose_total_steps();
    Status after_step();
    bool time_to_measure(std::uint64_t step) const;
    std::optional<double> measure();
    SaveOutcome save();
    void save_on_the_way();
    Status stop();
    Status complete_files();
    Error give_up(const Error& error);

    bool stopped() const { return interrupt_ != nullptr && interrupt_->raised(); }

    TrainStart& start_;
    train::Trainer& trainer_;
    train::HeldOut* held_out_;
    std::unique_ptr<train::TrainLog> log_;
    const Clock& clock_;
    std::ostream& out_;
    std::uint64_t earlier_us_ = 0;
    std::uint64_t earlier_tokens_ = 0;
    std::uint64_t tokens_ = 0;  // of this session
    std::uint64_t started_us_;
    std::uint64_t saved_us_;        // when saving was last tried
    std::uint64_t first_step_;      // of this session
    std::uint64_t settled_us_ = 0;  // when the first, slower steps were over
    double measure_us_ = 0;         // one measurement
    std::optional<double> first_loss_;
    std::optional<double> last_loss_;
    std::optional<double> last_valid_;
    RunFiles files_;
    const console::Interrupt* interrupt_ = nullptr;  // while running
    std::unique_ptr<Progress> progress_;
    bool log_lost_ = false;
    bool save_failed_ = false;  // the last one
    std::vector<std::string> troubles_;
};

}  // namespace cairn::cli
