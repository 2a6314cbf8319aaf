// The loops of dense_kernels.h over vectors of eight doubles, which the compiler makes of what the
// set has. Included once for each set, each time with its own flags, so everything is internal.
#pragma once

#include <cstring>

#include "lowrank/dense_kernels.h"

// Vectors wider than a set's registers would be passed in other ways by other compilers; none
// leaves its file.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace cairn::lowrank {

namespace {

constexpr std::size_t kLanes = 8;
typedef double Doubles __attribute__((vector_size(8 * kLanes)));
typedef float Floats __attribute__((vector_size(4 * kLanes)));

[[gnu::always_inline]] inline Doubles load(const double* p) {
    Doubles x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
[[gnu::always_inline]] inline Doubles load(const float* p) {
    Floats x;
    std::memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, Doubles);
}
[[gnu::always_inline]] inline void store(double* p, Doubles x) { std::memcpy(p, &x, sizeof x); }

/// Lanes 0 and 4, 1 and 5 ..., then 0 and 2, 1 and 3, then both.
[[gnu::always_inline]] inline double fold(Doubles x) {
    const double a = x[0] + x[4], b = x[1] + x[5], c = x[2] + x[6], d = x[3] + x[7];
    return (a + c) + (b + d);
}

/// Sixteen partial sums, what is left of a row one by one behind them.
template <typename T>
double dot(const T* a, const T* b, std::size_t count) {
    Doubles first{}, second{};
    std::size_t i = 0;
    for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
        first += load(a + i) * load(b + i);
        second += load(a + i + kLanes) * load(b + i + kLanes);
    }
    double sum = fold(first + second);
    for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

void dot_floats_4(const float* a, const float* b, std::size_t stride, std::size_t count,
                  double* out) {
    Doubles first[4] = {}, second[4] = {};
    std::size_t i = 0;
    for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
        const Doubles one = load(a + i), two = load(a + i + kLanes);
        for (std::size_t row = 0; row < 4; ++row) {
            first[row] += one * load(b + row * stride + i);
            second[row] += two * load(b + row * stride + i + kLanes);
        }
    }
    for (std::size_t row = 0; row < 4; ++row) {
        out[row] = fold(first[row] + second[row]);
        for (std::size_t j = i; j < count; ++j)
            out[row] += double{a[j]} * double{b[row * stride + j]};
    }
}

void subtract(double factor, const double* v, std::size_t count, double* to) {
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(to + i, load(to + i) - factor * load(v + i));
    for (; i < count; ++i) to[i] -= factor * v[i];
}

void subtract_two(double a, const double* x, double b, const double* y, std::size_t count,
                  double* to) {
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        store(to + i, load(to + i) - (a * load(x + i) + b * load(y + i)));
    for (; i < count; ++i) to[i] -= a * x[i] + b * y[i];
}

void add_floats(float factor, const float* v, std::size_t count, float* to) {
    for (std::size_t i = 0; i < count; ++i) to[i] += factor * v[i];
}

// The lower row of one rotation is the upper one of the next and stays in registers.
void turn(std::span<const Rotation> rotations, std::size_t width, double* row) {
    constexpr std::size_t kVectors = kTurned / kLanes;
    Doubles high[kVectors];
    for (std::size_t i = 0; i < kVectors; ++i) high[i] = load(row + i * kLanes);
    for (const Rotation& rotation : rotations) {
        double* const below = row - width;
        for (std::size_t i = 0; i < kVectors; ++i) {
            const Doubles low = load(below + i * kLanes);
            store(row + i * kLanes, rotation.s * low + rotation.c * high[i]);
            high[i] = rotation.c * low - rotation.s * high[i];
        }
        row = below;
    }
    for (std::size_t i = 0; i < kVectors; ++i) store(row + i * kLanes, high[i]);
}

constexpr DenseKernels kDenseTable = {dot<double>,  dot<float>, dot_floats_4, subtract,
                                      subtract_two, add_floats, turn};

}  // namespace

}  // namespace cairn::lowrank
