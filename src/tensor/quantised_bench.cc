// How fast quantised products are, packed, at shapes of 110M and 1.1B models: one row (decode) in
// bytes of weights a second, many rows (prefill) in multiply-adds times two a second. Beside them
// how fast this machine reads memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>

#include "tensor/kernels.h"
#include "tensor/quantised.h"
#include "tensor/quantised_format.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr WeightType kTypes[] = {WeightType::kQ8_0, WeightType::kQ4_0, WeightType::kW8A8Row,
                                 WeightType::kQ4K,  WeightType::kQ5K,  WeightType::kQ6K};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

/// `copies` packed weights, so that together they are too large for any cache.
struct Weights {
    std::size_t bytes, copies;
    std::unique_ptr<std::uint8_t, Free> memory;
    std::vector<Weight> packed;

    Weights(WeightType type, std::size_t n, std::size_t k, std::size_t least_bytes)
        : bytes(quantised_packed_bytes(type, n, k)), copies(least_bytes / bytes + 1) {
        memory.reset(static_cast<std::uint8_t*>(
            std::aligned_alloc(4096, (bytes * copies + 4095) / 4096 * 4096)));
        for (std::size_t i = 0; i < bytes * copies; ++i)
            memory.get()[i] = static_cast<std::uint8_t>(i * 37 >> 3 & 0x37U);
        for (std::size_t i = 0; i < copies; ++i)
            packed.emplace_back(type, n, k, memory.get() + i * bytes, true);
    }
};

/// Arguments: type, rows of A, outputs, columns, threads.
void quantised(benchmark::State& state) {
    const WeightType type = kTypes[state.range(0)];
    const auto m = static_cast<std::size_t>(state.range(1));
    const auto n = static_cast<std::size_t>(state.range(2));
    const auto k = static_cast<std::size_t>(state.range(3));
    ThreadPool pool(static_cast<std::size_t>(state.range(4)));
    const Compute compute{*kernels_from_environment(), &pool};
    const Weights weights(type, n, k, m == 1 ? std::size_t{200} << 20 : 1);
    const std::vector<float> a = normal_values(m * k, 1);
    std::vector<float> c(m * n);
    std::size_t next = 0;
    for (auto _ : state) {
        matmul_nt(compute, {a.data(), m, k}, weights.packed[next], {c.data(), m, n});
        next = (next + 1) % weights.copies;
    }
    using benchmark::Counter;
    state.counters["ops"] =
        Counter(2.0 * static_cast<double>(m * n * k), Counter::kIsIterationInvariantRate);
    state.counters["read"] =
        Counter(static_cast<double>(weights.bytes), Counter::kIsIterationInvariantRate);
    state.SetLabel(std::string(weight_type_name(type)) + " " +
                   std::string(kernel_set_name(kernel_set_of(*compute.kernels))));
}

/// Summing 512 MiB with as many threads as asked for.
void memory_read(benchmark::State& state) {
    ThreadPool pool(static_cast<std::size_t>(state.range(0)));
    const std::size_t words = std::size_t{512} << 17;
    std::vector<std::uint64_t> memory(words, 1);
    std::vector<std::uint64_t> sums(64);
    for (auto _ : state) {
        pool.parallel_for(words, words / 16, [&](std::size_t begin, std::size_t end) {
            std::uint64_t sum[32] = {};
            for (std::size_t i = begin; i < end; i += 32)
                for (std::size_t j = 0; j < 32; ++j) sum[j] += memory[i + j];
            for (const std::uint64_t s : sum) sums[begin * 64 / words] += s;
        });
        benchmark::DoNotOptimize(sums.data());
    }
    state.counters["read"] = benchmark::Counter(static_cast<double>(words * 8),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

void decode_shapes(benchmark::internal::Benchmark* bench) {
    for (const int threads : {1, 2})
        for (int type = 0; type < 6; ++type) bench->Args({type, 1, 5632, 2048, threads});
    for (int type = 0; type < 2; ++type)
        bench->Args({type, 1, 768, 768, 2})->Args({type, 1, 2048, 768, 2});
}

void prefill_shapes(benchmark::internal::Benchmark* bench) {
    for (const int threads : {1, 2})
        for (int type = 0; type < 6; ++type) bench->Args({type, 512, 5632, 2048, threads});
    bench->Args({0, 512, 768, 768, 2})->Args({0, 128, 2048, 768, 2})->Args({0, 8, 5632, 2048, 2});
}

BENCHMARK(memory_read)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(quantised)->Name("decode")->Apply(decode_shapes)->UseRealTime();
BENCHMARK(quantised)->Name("prefill")->Apply(prefill_shapes)->UseRealTime();

}  // namespace
}  // namespace cairn::tensor
