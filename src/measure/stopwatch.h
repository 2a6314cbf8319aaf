// Measuring for `cairn bench`: a figure is the median of several runs after one that does not count
// (it touches the pages and wakes the threads), so that one disturbance does not change the result.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace cairn::measure {

/// How long to measure each figure.
struct Effort {
    double seconds = 1.0;
    std::size_t least_runs = 5;
};

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

class Stopwatch {
  public:
    double seconds() const { return static_cast<double>(clock_.monotonic_us() - start_) / 1e6; }

  private:
    SystemClock clock_;
    std::uint64_t start_ = clock_.monotonic_us();
};

/// The seconds of each run of body(). Very short bodies are timed many at once.
template <typename Body>
std::vector<double> timed_runs(const Effort& effort, const Body& body) {
    constexpr double kShortest = 500e-6;  // the clock counts microseconds
    std::size_t batch = 1;
    for (;;) {
        const Stopwatch watch;
        for (std::size_t i = 0; i < batch; ++i) body();
        if (watch.seconds() >= kShortest) break;
        batch *= 2;
    }
    std::vector<double> runs;
    const Stopwatch all;
    while (runs.size() < effort.least_runs || all.seconds() < effort.seconds) {
        const Stopwatch watch;
        for (std::size_t i = 0; i < batch; ++i) body();
        runs.push_back(watch.seconds() / static_cast<double>(batch));
    }
    return runs;
}

template <typename Body>
double median_seconds(const Effort& effort, const Body& body) {
    return median(timed_runs(effort, body));
}

}  // namespace cairn::measure
