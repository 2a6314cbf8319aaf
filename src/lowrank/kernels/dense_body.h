// The loops of dense_kernels.h over vectors as wide as a set's registers: GCC takes wider ones
// apart by way of memory. Included once for each set, each time with its own flags, so everything
// is internal.
#pragma once

#include <cstring>

#include "lowrank/dense_kernels.h"

// A set's vectors would be passed in other ways by other compilers; none leaves its file.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace cairn::lowrank {

namespace {

#if defined(__AVX512F__)
constexpr std::size_t kLanes = 8;
#elif defined(__AVX2__)
constexpr std::size_t kLanes = 4;
#else
constexpr std::size_t kLanes = 2;
#endif
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

/// Sixteen partial sums: number j of a row goes to sum j mod 16.
constexpr std::size_t kSums = 16, kVectors = kSums / kLanes;
struct Sums {
    Doubles parts[kVectors] = {};

    /// Sums 0 and 8, 1 and 9 ..., then 0 and 4, 1 and 5 ..., then 0 and 2, 1 and 3, then both.
    [[gnu::always_inline]] inline double fold() const {
        Doubles folded[kVectors];
        for (std::size_t i = 0; i < kVectors; ++i) folded[i] = parts[i];
        for (std::size_t half = kVectors / 2; half > 0; half /= 2)
            for (std::size_t i = 0; i < half; ++i) folded[i] += folded[i + half];
        double x[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) x[i] = folded[0][i];
        for (std::size_t half = kLanes / 2; half > 0; half /= 2)
            for (std::size_t i = 0; i < half; ++i) x[i] += x[i + half];
        return x[0];
    }
};

/// What is left of a row behind its last sixteen is added one by one.
template <typename T>
double dot(const T* a, const T* b, std::size_t count) {
    Sums sums;
    std::size_t i = 0;
    for (; i + kSums <= count; i += kSums)
        for (std::size_t j = 0; j < kVectors; ++j)
            sums.parts[j] += load(a + i + j * kLanes) * load(b + i + j * kLanes);
    double sum = sums.fold();
    for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

// As many rows at a time as have their sums in registers.
void dot_4(const double* a, const double* b, std::size_t stride, std::size_t count, double* out) {
    constexpr std::size_t kAtOnce = kVectors <= 2 ? 4 : kVectors <= 4 ? 2 : 1;
    for (std::size_t first = 0; first < 4; first += kAtOnce) {
        const double* const rows = b + first * stride;
        Sums sums[kAtOnce];
        std::size_t i = 0;
        for (; i + kSums <= count; i += kSums)
            for (std::size_t j = 0; j < kVectors; ++j) {
                const Doubles x = load(a + i + j * kLanes);
                for (std::size_t row = 0; row < kAtOnce; ++row)
                    sums[row].parts[j] += x * load(rows + row * stride + i + j * kLanes);
            }
        for (std::size_t row = 0; row < kAtOnce; ++row) {
            double sum = sums[row].fold();
            for (std::size_t j = i; j < count; ++j) sum += a[j] * rows[row * stride + j];
            out[first + row] = sum;
        }
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
    constexpr std::size_t kTurnedVectors = kTurned / kLanes;
    Doubles high[kTurnedVectors];
    for (std::size_t i = 0; i < kTurnedVectors; ++i) high[i] = load(row + i * kLanes);
    for (const Rotation& rotation : rotations) {
        double* const below = row - width;
        const double c = rotation.c, s = rotation.s;
        for (std::size_t i = 0; i < kTurnedVectors; ++i) {
            const Doubles low = load(below + i * kLanes);
            store(row + i * kLanes, s * low + c * high[i]);
            high[i] = c * low - s * high[i];
        }
        row = below;
    }
    for (std::size_t i = 0; i < kTurnedVectors; ++i) store(row + i * kLanes, high[i]);
}

constexpr DenseKernels kDenseTable = {dot<double>,  dot_4,      dot<float>, subtract,
                                      subtract_two, add_floats, turn};

}  // namespace

}  // namespace cairn::lowrank
