#include "tensor/adamw.h"

#include <cmath>
#include <vector>

#include "base/float_mode.h"
#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/reduce.h"
#include "tensor/split.h"

namespace cairn::tensor {

AdamwCoefficients adamw_coefficients(const AdamwSettings& settings, std::uint64_t step) {
    CHECK(step >= 1);
    const auto t = static_cast<double>(step);
    AdamwCoefficients c{};
    c.learning_rate = static_cast<float>(settings.learning_rate);
    c.beta1 = static_cast<float>(settings.beta1);
    c.one_minus_beta1 = static_cast<float>(1.0 - settings.beta1);
    c.beta2 = static_cast<float>(settings.beta2);
    c.one_minus_beta2 = static_cast<float>(1.0 - settings.beta2);
    c.bias1 = static_cast<float>(1.0 - pow_f64(settings.beta1, t));
    c.bias2 = static_cast<float>(1.0 - pow_f64(settings.beta2, t));
    c.eps = static_cast<float>(settings.eps);
    c.decay_factor = static_cast<float>(1.0 - settings.learning_rate * settings.weight_decay);
    return c;
}

void adamw_update(const Compute& compute, const AdamwCoefficients& coefficients, bool decay,
                  std::size_t count, const float* gradient, float* parameter, float* m, float* v) {
    check_float_mode();
    constexpr std::size_t kGrain = 32768;
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->adamw(coefficients, decay, end - begin, gradient + begin,
                               parameter + begin, m + begin, v + begin);
    });
}

float global_norm(const Compute& compute, std::span<const std::span<const float>> tensors) {
    std::vector<float> squares;
    squares.reserve(tensors.size());
    for (const auto tensor : tensors)
        squares.push_back(reduce_sumsq(compute, tensor.size(), tensor.data()));
    return canonical(std::sqrt(reduce_sum(compute, squares.size(), squares.data())));
}

float clip_factor(float norm, float limit) { return norm > limit ? limit / norm : 1.0F; }

}  // namespace cairn::tensor
