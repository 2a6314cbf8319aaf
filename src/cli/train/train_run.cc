#include "cli/train/train_run.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/progress.h"
#include "base/text.h"
#include "console/json_line.h"
#include "console/shown_stream.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kLines = 20;            // printed and measured in a run
constexpr std::uint64_t kUnsettledSteps = 2;    // the first ones touch fresh memory
constexpr double kPlanShare = 0.03;             // of the time limit: then the speed is known
constexpr std::uint64_t kSaveUs = 600'000'000;  // unless --save-every says otherwise
constexpr std::uint64_t kRetryUs = 60'000'000;  // after a save that failed
constexpr double kSpare = 0.98;

}  // namespace

std::uint64_t steps_in_time(double minutes, std::uint64_t done, std::uint64_t elapsed_us,
                            double step_us) {
    const double left = minutes * 60e6 * kSpare - static_cast<double>(elapsed_us);
    return done + (left <= 0 || step_us <= 0 ? 0 : static_cast<std::uint64_t>(left / step_us));
}

TrainRun::TrainRun(TrainStart& start, train::Trainer& trainer, train::HeldOut* held_out,
                   std::unique_ptr<train::TrainLog> log, const Clock& clock, std::ostream& out)
    : start_(start),
      trainer_(trainer),
      held_out_(held_out),
      log_(std::move(log)),
      clock_(clock),
      out_(out),
      started_us_(clock.monotonic_us()),
      saved_us_(started_us_),
      first_step_(trainer.next_step()),
      files_(start, trainer) {
    if (!start.resumed) return;
    earlier_us_ = start.resumed->elapsed_us;
    earlier_tokens_ = start.resumed->encoder_decoder
                          ? start.resumed->encoder_decoder->tokens
                          : first_step_ * trainer.recipe().tokens_per_step();
    if (first_step_ > 0) first_loss_ = start.resumed->first_loss;
}

TrainRun::~TrainRun() = default;

bool TrainRun::complete() const {
    return total_steps() != 0 && trainer_.next_step() >= total_steps();
}

double TrainRun::tokens_per_second() const {
    const double seconds = static_cast<double>(clock_.monotonic_us() - started_us_) / 1e6;
    return seconds <= 0 ? 0 : static_cast<double>(tokens_) / seconds;
}

Status TrainRun::run(const console::Interrupt& interrupt) {
    interrupt_ = &interrupt;
    const std::uint64_t stop_at = start_.request.stop_at;
    if (held_out_ != nullptr && first_step_ == 0) {
        train::LogRow row;
        row.valid_loss = measure();
        if (row.valid_loss) log_line(train::to_json(row));
    }
    while (!complete()) {
        if (stopped() || (stop_at != 0 && trainer_.next_step() >= stop_at)) return stop();
        if (progress_ == nullptr && total_steps() != 0)
            progress_ = std::make_unique<Progress>(clock_, "training", total_steps() - first_step_);
        Status taken = take_step();
        if (taken.ok()) taken = after_step();
        if (!taken.ok()) return give_up(taken.error());
    }
    return complete_files();
}

// The same step would fail again, so the files on disk are left as they are; if there are none yet,
// a checkpoint is written, since a whole model is better than nothing.
Error TrainRun::give_up(const Error& error) {
    if (progress_ != nullptr) progress_->clear();
    std::string kept;
    if (!files_.has_state() && trainer_.next_step() > 0) {
        const Status saved = files_.save_checkpoint();
        kept = saved.ok() ? fmt::format("the model before it is in {}", start_.request.out)
                          : "the model before it could not be saved: " + saved.error().message;
    } else {
        kept = files_.kept();
    }
    return Error{error.code,
                 fmt::format("step {}: {} ({})", trainer_.next_step() + 1, error.message, kept)};
}

Status TrainRun::take_step() {
    ASSIGN_OR_RETURN(const train::StepReport report, trainer_.step());
    const std::uint64_t step = trainer_.next_step();
    if (report.step == 0) first_loss_ = report.loss;
    last_loss_ = report.loss;
    tokens_ += report.tokens;
    std::optional<double> valid;
    if (time_to_measure(step)) valid = measure();
    log_step(report, valid);
    say_step(report);
    return ok_status();
}

void TrainRun::say_step(const train::StepReport& report) {
    const std::uint64_t step = trainer_.next_step();
    std::string note = fmt::format("loss {:.4f}", report.loss);
    if (last_valid_) note += fmt::format(", held-out {:.4f}", *last_valid_);
    note += fmt::format(", {:.0f} tokens/s", tokens_per_second());
    const std::uint64_t every = std::max<std::uint64_t>(1, total_steps() / kLines);
    if (!start_.request.json && (step % every == 0 || report.step == first_step_) &&
        total_steps() != 0) {
        if (progress_ != nullptr) progress_->clear();
        out_ << fmt::format("step {:>6}  {}  rate {:.2e}\n", step, note, report.learning_rate)
             << std::flush;
    }
    if (progress_ != nullptr) progress_->update(step - first_step_, note);
}

void TrainRun::log_step(const train::StepReport& report, std::optional<double> valid) {
    train::LogRow row;
    row.step = trainer_.next_step();
    row.loss = report.loss;
    row.gradient_norm = report.gradient_norm;
    row.learning_rate = report.learning_rate;
    row.tokens = tokens();
    row.tokens_per_second = tokens_per_second();
    row.elapsed = seconds();
    row.valid_loss = valid;
    log_line(train::to_json(row));
}

void TrainRun::log_line(const std::string& json) {
    if (log_ == nullptr) return;
    const Status written = log_->write_line(json);
    if (written.ok()) return;
    complain(
        fmt::format("the log can no longer be written and ends before step {}: {}; the run "
                    "goes on without it",
                    std::max<std::uint64_t>(1, trainer_.next_step()), written.error().message));
    log_.reset();
    log_lost_ = true;
}

void TrainRun::complain(const std::string& sentence) {
    if (progress_ != nullptr) progress_->clear();
    console::say(sentence);
    troubles_.push_back(sentence);
}

bool TrainRun::time_to_measure(std::uint64_t step) const {
    if (held_out_ == nullptr || total_steps() == 0) return false;
    std::uint64_t every = start_.request.options.valid_every;
    if (every == 0) every = std::max<std::uint64_t>(1, total_steps() / kLines);
    return step % every == 0 || step == total_steps();
}

std::optional<double> TrainRun::measure() {
    const std::uint64_t before = clock_.monotonic_us();
    const auto loss = held_out_->loss(trainer_.parameters(), [this] { return stopped(); });
    if (loss) last_valid_ = loss;
    measure_us_ = static_cast<double>(clock_.monotonic_us() - before);
    return loss;
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
    // A run resumed at the very end of the warm-up knows only the speed of earlier sessions.
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
    log_line(console::json_text(
        nlohmann::ordered_json{{"event", "plan"}, {"step", step}, {"total_steps", total}}));
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
    const std::uint64_t wait = save_failed_ ? kRetryUs : kSaveUs;
    const bool by_clock = every == 0 || save_failed_;
    if ((every != 0 && trainer_.next_step() % every == 0) ||
        (by_clock && clock_.monotonic_us() - saved_us_ >= wait))
        save_on_the_way();
    return ok_status();
}

SaveOutcome TrainRun::save() {
    return files_.save(elapsed_us(), first_loss_.value_or(0), tokens());
}

// A full disk is no reason to end the run: there may be room the next time.
void TrainRun::save_on_the_way() {
    const SaveOutcome saved = save();
    saved_us_ = clock_.monotonic_us();
    if (!saved.ok())
        complain(
            fmt::format("after step {} not everything could be saved: {}; the run goes on and "
                        "tries again ({})",
                        trainer_.next_step(), saved.trouble(), files_.kept()));
    else if (save_failed_)
        complain(
            fmt::format("after step {} everything could be saved again", trainer_.next_step()));
    save_failed_ = !saved.ok();
}

Status TrainRun::stop() {
    const SaveOutcome saved = save();
    if (saved.ok()) return ok_status();
    if (progress_ != nullptr) progress_->clear();
    const Error& error = saved.state.ok() ? saved.checkpoint.error() : saved.state.error();
    return Error{error.code, fmt::format("stopped after step {}, and not everything could be "
                                         "saved: {}; {}",
                                         trainer_.next_step(), saved.trouble(), files_.kept())};
}

// Where the checkpoint cannot be written, the last step's state is: resuming then only writes it.
Status TrainRun::complete_files() {
    const Status written = files_.save_checkpoint();
    if (written.ok()) return ok_status();
    if (progress_ != nullptr) progress_->clear();
    const SaveOutcome saved = save();
    if (saved.checkpoint.ok()) return ok_status();
    return Error{written.error().code,
                 fmt::format("all steps are taken, but not everything could be saved: {}; {}",
                             saved.trouble(), files_.kept())};
}

}  // namespace cairn::cli
