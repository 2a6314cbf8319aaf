// The client's part of papers A: Alg 5: from the shared theta^t, up to K local steps on private
// text; the difference is what the user contributes. The text never leaves the machine.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "train/trainer.h"

namespace cairn::train {

struct LocalRun {
    std::vector<float> delta;  ///< u^{t,k} - theta^t, padding zero
    std::uint64_t steps = 0;   ///< k: fewer than asked if `stop` was raised
    double first_loss = 0;     ///< nats per token of the first and last step's own windows
    double last_loss = 0;
};

/// Starts `trainer` at theta and takes up to `steps` steps, numbered from first_step (which also
/// decides which windows are read and the learning rate). The moments are kept from the last run
/// only if the recipe says so. `stop` and `progress` are read and called between steps.
Result<LocalRun> run_local_steps(Trainer& trainer, std::span<const float> theta,
                                 std::uint64_t first_step, std::uint64_t steps,
                                 const std::atomic<bool>* stop = nullptr,
                                 const std::function<void(const StepReport&)>& progress = {});

}  // namespace cairn::train
