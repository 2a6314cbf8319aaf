// How fast packed f32, f16 and bf16 weights multiply: one row to eight (decode) as a share of what
// memory gives in the same run, many rows (prefill) in operations a second.
#include <benchmark/benchmark.h>

#include "tensor/speed.h"

namespace cairn::tensor {
namespace {

/// Arguments: weight type, rows of A, outputs, columns, threads. The figures come from speed.h; the
/// time that the framework shows is that of the whole measurement.
void packed_weight(benchmark::State& state) {
    const SystemClock clock;
    const auto type = static_cast<WeightType>(state.range(0));
    ThreadPool pool(static_cast<std::size_t>(state.range(4)));
    const Compute compute{*kernels_from_environment(), &pool};
    for (auto _ : state) {
        const double reading = MemoryReader(pool).best(clock);
        const WeightSpeed speed = measure_weight(
            clock, compute, type, static_cast<std::size_t>(state.range(1)),
            static_cast<std::size_t>(state.range(2)), static_cast<std::size_t>(state.range(3)));
        state.counters["flops"] = speed.flops;
        state.counters["bytes/s"] = speed.bytes_per_second;
        state.counters["of reading"] = speed.bytes_per_second / reading;
    }
    state.SetLabel(std::string(weight_type_name(type)));
}

void shapes(benchmark::internal::Benchmark* bench) {
    for (const WeightType type : {WeightType::kF32, WeightType::kF16, WeightType::kBf16})
        for (const int threads : {1, 2})
            for (const int rows : {1, 4, 8, 64, 256})
                bench->Args({static_cast<int>(type), rows, 5632, 2048, threads});
}

BENCHMARK(packed_weight)->Apply(shapes)->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace cairn::tensor
