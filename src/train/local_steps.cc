#include "train/local_steps.h"

namespace cairn::train {

Result<LocalRun> run_local_steps(Trainer& trainer, std::span<const float> theta,
                                 std::uint64_t first_step, std::uint64_t steps,
                                 const std::atomic<bool>* stop,
                                 const std::function<void(const StepReport&)>& progress) {
    trainer.start(theta, first_step, trainer.recipe().keep_moments);
    LocalRun run;
    while (run.steps < steps && !(stop != nullptr && stop->load(std::memory_order_relaxed))) {
        ASSIGN_OR_RETURN(const StepReport report, trainer.step());
        if (run.steps == 0) run.first_loss = report.loss;
        run.last_loss = report.loss;
        ++run.steps;
        if (progress) progress(report);
    }
    run.delta.resize(theta.size());
    for (std::size_t i = 0; i < theta.size(); ++i)
        run.delta[i] = trainer.parameters()[i] - theta[i];
    return run;
}

}  // namespace cairn::train
