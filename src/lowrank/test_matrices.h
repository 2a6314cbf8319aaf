// Matrices of known spectra for this room's tests and benchmark.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/compute.h"
#include "tensor/philox.h"

namespace cairn::lowrank {

struct TestMachine {
    explicit TestMachine(std::size_t threads,
                         tensor::KernelSet set = tensor::available_kernel_sets().back())
        : pool(threads), compute{tensor::kernels_for(set).value(), &pool} {}
    ThreadPool pool;
    tensor::Compute compute;
};

inline std::vector<float> normal_numbers(std::size_t count, std::uint64_t stream) {
    std::vector<float> values(count);
    tensor::philox_normal(77, stream, 1.0, values);
    return values;
}

/// How singular values fall: hardly (random numbers), as 1 / sqrt(i), or by a third every step of
/// four.
enum class Spectrum { kFlat, kSlow, kFast };

/// Random numbers; for the others row i is scaled, which makes the spectrum fall so, roughly, and
/// is turned by a Hadamard-like mix of rows so that no row is special.
inline std::vector<float> test_matrix(std::size_t m, std::size_t n, Spectrum spectrum,
                                      std::uint64_t stream) {
    std::vector<float> values = normal_numbers(m * n, stream);
    if (spectrum == Spectrum::kFlat) return values;
    for (std::size_t i = 0; i < m; ++i) {
        const double at = static_cast<double>(i);
        const double factor =
            spectrum == Spectrum::kSlow ? 1 / std::sqrt(1 + at) : std::pow(0.9, at);
        for (std::size_t j = 0; j < n; ++j)
            values[i * n + j] = static_cast<float>(double{values[i * n + j]} * factor);
    }
    // Rotations of pairs of rows, at distances 1, 2, 4, ...
    const double c = std::sqrt(0.5);
    for (std::size_t step = 1; step < m; step *= 2)
        for (std::size_t i = 0; i < m; ++i) {
            if ((i / step) % 2 != 0 || i + step >= m) continue;
            for (std::size_t j = 0; j < n; ++j) {
                const double a = double{values[i * n + j]}, b = double{values[(i + step) * n + j]};
                values[i * n + j] = static_cast<float>(c * (a + b));
                values[(i + step) * n + j] = static_cast<float>(c * (a - b));
            }
        }
    return values;
}

}  // namespace cairn::lowrank
