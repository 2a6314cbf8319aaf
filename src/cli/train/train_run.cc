#include "cli/train/train_run.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/files.h"
#include "base/progress.h"
#include "model/files/checkpoint.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kLines = 20;            // printed and measured in a run
constexpr std::uint64_t kUnsettledSteps = 2;    // the first ones touch fresh memory
constexpr double kPlanShare = 0.03;             // of the time limit, then speed is known
constexpr std::uint64_t kSaveUs = 600'000'000;  // unless --save-every says otherwise
constexpr double kSpare = 0.98;

}  // namespace

std::uint64_t steps_in_time(double minutes, std::uint64_t done, std::uint64_t elapsed_us,
                            double step_us) {
    const double left = minutes * 60e6 * kSpare - static_cast<double>(elapsed_us);
    return done + (left <= 0 || step_us <= 0 ? 0 : static_cast<std::uint64_t>(left / step_us));
}

Status check_writable(const std::string& out) {
    const std::string probe = run_state_path(out) + ".probe";
    RETURN_IF_ERROR(write_file(probe, {}));
    return remove_file(probe);
}

TrainRun::TrainRun(TrainStart& start, train::Trainer& trainer, HeldOut* held_out, TrainLog* log,
                   const Clock& clock, std::ostream& out)
    : start_(start),
      trainer_(trainer),
      held_out_(held_out),
      log_(log),
      clock_(clock),
      out_(out),
      weights_(model::view_weights(trainer.layout(), trainer.parameters())),
      started_us_(clock.monotonic_us()),
      saved_us_(started_us_),
      first_step_(trainer.next_step()) {
    if (!start.resumed) return;
    earlier_us_ = start.resumed->elapsed_us;
    first_loss_ = start.resumed->first_loss;
}

bool TrainRun::complete() const {
    return total_steps() != 0 && trainer_.next_step() >= total_steps();
}

double TrainRun::tokens_per_second() const {
    const std::uint64_t steps = trainer_.next_step() - first_step_;
    const double seconds = static_cast<double>(clock_.monotonic_us() - started_us_) / 1e6;
    return seconds <= 0
               ? 0
               : static_cast<double>(steps * trainer_.recipe().tokens_per_step()) / seconds;
}

Status TrainRun::run(const Interrupt& interrupt) {
    const std::uint64_t stop_at = start_.request.stop_at;
    if (held_out_ != nullptr && first_step_ == 0) {
        LogRow row;
        row.valid_loss = measure();
        if (log_ != nullptr) RETURN_IF_ERROR(log_->write(row));
    }
    std::unique_ptr<Progress> progress;
    while (!complete()) {
        if (interrupt.raised() || (stop_at != 0 && trainer_.next_step() >= stop_at)) return save();
        if (progress == nullptr && total_steps() != 0)
            progress = std::make_unique<Progress>(clock_, "training", total_steps() - first_step_);
        RETURN_IF_ERROR(take_step(progress.get()));
        RETURN_IF_ERROR(after_step());
    }
    return ok_status();
}

Status TrainRun::take_step(Progress* progress) {
    auto taken = trainer_.step();
    if (!taken.ok()) {
        const std::string state = run_state_path(start_.request.out);
        const std::string kept =
            exists(state) ? fmt::format(" (the last good state is in {})", state) : "";
        return Error{taken.error().code, taken.error().message + kept};
    }
    const train::StepReport& report = *taken;
    const std::uint64_t step = trainer_.next_step();
    if (report.step == 0) first_loss_ = report.loss;
    last_loss_ = report.loss;
    std::optional<double> valid;
    if (time_to_measure(step)) valid = measure();
    if (log_ != nullptr) RETURN_IF_ERROR(log_step(report, valid));
    std::string note = fmt::format("loss {:.4f}", report.loss);
    if (last_valid_) note += fmt::format(", held-out {:.4f}", *last_valid_);
    note += fmt::format(", {:.0f} tokens/s", tokens_per_second());
    const std::uint64_t every = std::max<std::uint64_t>(1, total_steps() / kLines);
    if (!start_.request.json && (step % every == 0 || report.step == first_step_) &&
        total_steps() != 0) {
        if (progress != nullptr) progress->clear();
        out_ << fmt::format("step {:>6}  {}  rate {:.2e}\n", step, note, report.learning_rate)
             << std::flush;
    }
    if (progress != nullptr) progress->update(step - first_step_, note);
    return ok_status();
}

Status TrainRun::log_step(const train::StepReport& report, std::optional<double> valid) {
    LogRow row;
    row.step = trainer_.next_step();
    row.loss = report.loss;
    row.gradient_norm = report.gradient_norm;
    row.learning_rate = report.learning_rate;
    row.tokens = row.step * trainer_.recipe().tokens_per_step();
    row.tokens_per_second = tokens_per_second();
    row.elapsed = seconds();
    row.valid_loss = valid;
    return log_->write(row);
}

bool TrainRun::time_to_measure(std::uint64_t step) const {
    if (held_out_ == nullptr || total_steps() == 0) return false;
    std::uint64_t every = start_.request.options.valid_every;
    if (every == 0) every = std::max<std::uint64_t>(1, total_steps() / kLines);
    return step % every == 0 || step == total_steps();
}

double TrainRun::measure() {
    const std::uint64_t before = clock_.monotonic_us();
    last_valid_ = held_out_->loss(weights_);
    measure_us_ = static_cast<double>(clock_.monotonic_us() - before);
    return *last_valid_;
}

// With a time limit the schedule's length is open (total_steps 0) during the warm-up, whose rates
// do not depend on it; before it ends, or once the speed is known, the length is chosen for good.
Status TrainRun::choose_total_steps() {
    const double minutes = start_.request.options.minutes;
    if (minutes == 0 || total_steps() != 0) return ok_status();
    const std::uint64_t step = trainer_.next_step();
    const std::uint64_t warmup = trainer_.recipe().warmup_steps;
    const std::uint64_t settled = first_step_ + kUnsettledSteps;
    if (step == settled) settled_us_ = clock_.monotonic_us();
    const bool enough = static_cast<double>(elapsed_us()) > minutes * 60e6 * kPlanShare;
    if (step < warmup && (!enough || step <= settled)) return ok_status();
    // Resumed at the warm-up's very end, there is only the earlier sessions' speed.
    double step_us = step <= settled ? static_cast<double>(elapsed_us()) / static_cast<double>(step)
                                     : static_cast<double>(clock_.monotonic_us() - settled_us_) /
                                           static_cast<double>(step - settled);
    std::uint64_t taken = elapsed_us();
    const std::uint64_t every = start_.request.options.valid_every;
    if (held_out_ != nullptr && every != 0) step_us += measure_us_ / static_cast<double>(every);
    if (held_out_ != nullptr && every == 0)
        taken += static_cast<std::uint64_t>(static_cast<double>(kLines + 1) * measure_us_);
    const std::uint64_t total = steps_in_time(minutes, step, taken, step_us);
    if (total <= warmup)
        return invalid(fmt::format(
            "in {} minutes this machine takes only {} steps, of which {} would be warm-up; take a "
            "smaller model, fewer --leaves, a shorter --warmup or more --minutes",
            minutes, total, warmup));
    RETURN_IF_ERROR(trainer_.set_total_steps(total));
    start_.request.recipe = trainer_.recipe();
    if (log_ != nullptr)
        RETURN_IF_ERROR(log_->write_line(nlohmann::ordered_json{
            {"event", "plan"},
            {"step", step},
            {"total_steps", total}}.dump()));
    if (!start_.request.json)
        out_ << fmt::format("{:.1f} ms a step: {} steps in {} minutes\n", step_us / 1e3, total,
                            minutes)
             << std::flush;
    return ok_status();
}

Status TrainRun::after_step() {
    RETURN_IF_ERROR(choose_total_steps());
    if (complete()) return ok_status();
    const std::uint64_t every = start_.request.options.save_every;
    const bool due = every != 0 ? trainer_.next_step() % every == 0
                                : clock_.monotonic_us() - saved_us_ >= kSaveUs;
    return due ? save() : ok_status();
}

// The state first: it is what a later session reads. A crash between the two leaves an older
// checkpoint, which is a whole model all the same.
Status TrainRun::save() {
    const TrainRequest& request = start_.request;
    train::RunState state;
    state.config = start_.config;
    state.tokenizer = start_.tokenizer_file;
    state.recipe = trainer_.recipe();
    state.options = request.options;
    state.text_hash = train::hash_tokens(start_.stream);
    state.elapsed_us = elapsed_us();
    state.first_loss = first_loss_;
    state.trainer = trainer_.save();
    RETURN_IF_ERROR(write_file(run_state_path(request.out), train::encode_run_state(state)));
    saved_us_ = clock_.monotonic_us();
    return save_result(start_, trainer_);
}

Status save_result(const TrainStart& start, const train::Trainer& trainer) {
    const std::span<const float> parameters = trainer.parameters();
    return model::save_checkpoint(
        model::make_model(start.config, {parameters.begin(), parameters.end()},
                          start.tokenizer_file),
        start.request.out);
}

}  // namespace cairn::cli
