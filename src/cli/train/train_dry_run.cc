#include "cli/train/train_dry_run.h"

#include <sys/resource.h>

#include <cmath>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/train/train_run.h"
#include "cli/train/train_subject.h"
#include "console/json_line.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

constexpr int kSteps = 4;  // the first one is not counted
constexpr std::uint64_t kEnoughUs = 10'000'000;

std::uint64_t peak_memory() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

struct StepCost {
    double seconds = 0;
    double tokens = 0;
};

// Of one step, caches warm unless steps are very long.
Result<StepCost> time_a_step(train::Trainer& trainer, const console::Interrupt& interrupt) {
    const SystemClock clock;
    const std::uint64_t started = clock.monotonic_us();
    std::uint64_t warm = started;
    std::uint64_t tokens = 0;
    for (int i = 0; i < kSteps; ++i) {
        if (interrupt.raised())
            return Error{ErrorCode::kCancelled, "interrupted; nothing was measured"};
        ASSIGN_OR_RETURN(const train::StepReport report, trainer.step());
        tokens += report.tokens;
        const std::uint64_t now = clock.monotonic_us();
        if (now - started > kEnoughUs || i + 1 == kSteps)
            return StepCost{static_cast<double>(now - warm) / 1e6 / (i == 0 ? 1 : i),
                            static_cast<double>(tokens) / (i + 1)};
        if (i == 0) warm = now;
    }
    return StepCost{};
}

}  // namespace

Status dry_run(TrainStart& start, const Machine& machine, const console::Interrupt& interrupt,
               std::ostream& out) {
    const train::Recipe& recipe = start.request.recipe;
    const std::unique_ptr<train::Trainer> made = make_trainer(start, machine.compute());
    train::Trainer& trainer = *made;
    if (start.resumed)
        RETURN_IF_ERROR(trainer.load(start.resumed->trainer));
    else
        trainer.start(start.parameters, 0);
    const std::uint64_t first_step = trainer.next_step();
    ASSIGN_OR_RETURN(const StepCost cost, time_a_step(trainer, interrupt));
    const double step_seconds = cost.seconds;
    const double minutes = start.request.options.minutes;
    const std::uint64_t total = recipe.total_steps != 0
                                    ? recipe.total_steps
                                    : steps_in_time(minutes, 0, 0, step_seconds * 1e6);
    const double seconds = step_seconds * static_cast<double>(total - std::min(total, first_step));
    const double tokens = cost.tokens;
    const double epochs =
        static_cast<double>(total) * tokens / static_cast<double>(text_tokens(start));
    const std::uint64_t state_bytes = 12 * count_parameters(start);
    const std::uint64_t memory = peak_memory();
    if (start.request.json) {
        const nlohmann::ordered_json object = {{"parameters", count_parameters(start)},
                                               {"text_tokens", text_tokens(start)},
                                               {"tokens_per_step", std::llround(tokens)},
                                               {"total_steps", total},
                                               {"epochs", epochs},
                                               {"state_bytes", state_bytes},
                                               {"peak_memory_bytes", memory},
                                               {"step_seconds", step_seconds},
                                               {"tokens_per_second", tokens / step_seconds},
                                               {"estimated_seconds", seconds}};
        out << console::json_line(object);
        return ok_status();
    }
    const char* const what = start.encoder_decoder ? "pairs" : "text";
    out << fmt::format(
        "{} parameters: {}\n"
        "{} tokens of {}, {} a step, {} steps: the {} {:.2f} times\n"
        "memory {:.0f} MB at most, saved state {:.0f} MB\n"
        "{:.1f} ms a step, {:.0f} tokens/s: {} h {:02} min on this machine as busy as it is now\n",
        count_parameters(start), describe_model(start), text_tokens(start), what,
        std::llround(tokens), total, what, epochs, static_cast<double>(memory) / 1e6,
        static_cast<double>(state_bytes) / 1e6, step_seconds * 1e3, tokens / step_seconds,
        static_cast<std::uint64_t>(seconds) / 3600, static_cast<std::uint64_t>(seconds) / 60 % 60);
    return ok_status();
}

}  // namespace cairn::cli
