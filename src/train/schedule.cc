#include "train/schedule.h"

#include <algorithm>

#include "tensor/elementary.h"

namespace cairn::train {

double learning_rate(const Recipe& recipe, std::uint64_t step) {
    constexpr double kPi = 3.14159265358979323846;
    if (step < recipe.warmup_steps)
        return recipe.peak_rate * static_cast<double>(step + 1) /
               static_cast<double>(recipe.warmup_steps);
    if (recipe.total_steps == 0) return recipe.peak_rate;
    if (step >= recipe.total_steps) return recipe.peak_rate * recipe.floor_ratio;
    const double progress = static_cast<double>(step - recipe.warmup_steps) /
                            static_cast<double>(recipe.total_steps - recipe.warmup_steps);
    const double wave = 0.5 * (1.0 + tensor::cos_f64(kPi * progress));
    return recipe.peak_rate * (recipe.floor_ratio + (1.0 - recipe.floor_ratio) * wave);
}

}  // namespace cairn::train
