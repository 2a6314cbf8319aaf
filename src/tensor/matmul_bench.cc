// How fast the products are at the shapes that matter: the demo's model, one row (decode), 1024^3.
// The counter is multiply-adds times two per second.
#include <benchmark/benchmark.h>

#include "tensor/matmul.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

struct Product {
    std::size_t m, n, k;
    std::vector<float> a, b, c;
    ThreadPool pool{1};
    Compute compute;

    explicit Product(const benchmark::State& state)
        : m(static_cast<std::size_t>(state.range(0))),
          n(static_cast<std::size_t>(state.range(1))),
          k(static_cast<std::size_t>(state.range(2))),
          a(normal_values(m * k, 1)),
          b(normal_values(n * k, 2)),
          c(m * n),
          compute{*kernels_from_environment(), &pool} {}

    void report(benchmark::State& state) const {
        state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(m * n * k),
                                                     benchmark::Counter::kIsIterationInvariantRate);
        state.SetLabel(std::string(kernel_set_name(kernel_set_of(*compute.kernels))));
    }
};

void matmul_nt_shapes(benchmark::State& state) {
    Product p(state);
    for (auto _ : state)
        matmul_nt(p.compute, {p.a.data(), p.m, p.k}, {p.b.data(), p.n, p.k},
                  {p.c.data(), p.m, p.n});
    p.report(state);
}

void matmul_nn_shapes(benchmark::State& state) {
    Product p(state);
    for (auto _ : state)
        matmul_nn(p.compute, {p.a.data(), p.m, p.k}, {p.b.data(), p.k, p.n},
                  {p.c.data(), p.m, p.n});
    p.report(state);
}

void matmul_tn_shapes(benchmark::State& state) {
    Product p(state);
    for (auto _ : state)
        matmul_tn_accumulate(p.compute, {p.a.data(), p.k, p.m}, {p.b.data(), p.k, p.n},
                             {p.c.data(), p.m, p.n});
    p.report(state);
}

void shapes(benchmark::internal::Benchmark* bench) {
    bench->Args({1024, 96, 96})->Args({1024, 256, 96})->Args({1024, 96, 256});
    bench->Args({1024, 512, 96})->Args({1024, 1024, 1024})->Args({1, 4096, 4096});
}

BENCHMARK(matmul_nt_shapes)->Apply(shapes);
BENCHMARK(matmul_nn_shapes)->Apply(shapes);
BENCHMARK(matmul_tn_shapes)->Apply(shapes)->Args({96, 96, 1024})->Args({256, 96, 1024});

}  // namespace
}  // namespace cairn::tensor
