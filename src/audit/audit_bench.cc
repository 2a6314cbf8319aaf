// What an audit of one W8A8-row layer costs at 512 tokens beside computing the layer again, at
// widths of 110M, 1.1B and 7B models, on one thread:
//
//   linear_replayed    the seven products
//   linear_checked     Freivalds' two dot products for each row of them, from sums in memory
//   layer_replayed     the whole layer, attention included
//   layer_checked      the whole audit: evidence read and checked, everything else computed
//   evidence_made      what the Server does for it
//   secrets_drawn      the Verifier's work once an epoch
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "audit/field.h"
#include "audit/freivalds.h"
#include "audit/test_session.h"

namespace cairn::audit {
namespace {

constexpr std::size_t kRows = 512;

model::ModelConfig shape_of(std::int64_t width) {
    model::ModelConfig config{.dim = 768,
                              .hidden_dim = 2048,
                              .layers = 1,
                              .heads = 12,
                              .kv_heads = 12,
                              .vocab = 4,
                              .context = kRows};
    if (width == 2048) {
        config.dim = 2048;
        config.hidden_dim = 5632;
        config.heads = 32;
        config.kv_heads = 4;
    } else if (width == 4096) {
        config.dim = 4096;
        config.hidden_dim = 11008;
        config.heads = 32;
        config.kv_heads = 32;
    }
    return config;
}

/// One layer and everything about a session over it, made once for each width.
struct Case {
    ThreadPool pool{1};
    tensor::Compute compute{*tensor::kernels_from_environment(), &pool};
    model::Model model;
    std::vector<float> inputs;
    SeededRandom random{7};
    FreivaldsSecrets secrets;
    Bytes evidence;

    explicit Case(std::int64_t width)
        : model(make(compute, shape_of(width))),
          inputs(some_inputs(kRows, model.config.dim, 3)),
          secrets(FreivaldsSecrets::draw(model.config, model.weights, {0, 1}, random).value()),
          evidence(make_evidence(model.config, model.weights, {0, 1}, inputs, model::KvType::kF32,
                                 compute)
                       .value()) {}

    static model::Model make(const tensor::Compute& compute, const model::ModelConfig& config) {
        const model::ParameterLayout layout(config);
        return model::pack_model(
            compute, quantised(model::make_model(config, model::initial_parameters(layout, 1))));
    }
    static Case& of(std::int64_t width) {
        static std::map<std::int64_t, std::unique_ptr<Case>> cases;
        auto& made = cases[width];
        if (!made) made = std::make_unique<Case>(width);
        return *made;
    }
    std::vector<const tensor::Weight*> matrices() const {
        const model::LayerWeights& w = model.weights.layers[0];
        return {&w.wq, &w.wk, &w.wv, &w.wo, &w.w_gate, &w.w_up, &w.w_down};
    }
};

void linear_replayed(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    const std::vector<float> x = some_inputs(kReplayRows, one.model.config.hidden_dim, 4);
    std::vector<float> y(kReplayRows * one.model.config.hidden_dim);
    for (auto _ : state)
        for (std::size_t row = 0; row < kRows; row += kReplayRows)
            for (const tensor::Weight* w : one.matrices())
                tensor::matmul_nt(one.compute, {x.data(), kReplayRows, w->cols}, *w,
                                  {y.data(), kReplayRows, w->rows});
}

void linear_checked(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    const FieldKernels& kernels = field_kernels_of(*one.compute.kernels);
    const std::size_t most = field_padded(one.model.config.hidden_dim);
    std::vector<std::int16_t> quants(kReplayRows * most, 77);
    // As many sums as the layer has, so that they come from memory as evidence does.
    std::vector<std::int32_t> sums(kRows * most, 123456);
    std::uint64_t out[kReplayRows];
    for (auto _ : state)
        for (std::size_t row = 0; row < kRows; row += kReplayRows)
            for (const tensor::Weight* w : one.matrices()) {
                const MatrixSecret& secret = one.secrets.of(*w);
                kernels.dot_sums(sums.data() + row * most, field_padded(w->rows), kReplayRows,
                                 static_cast<std::int64_t>(w->cols) * 127 * 128, secret.r, out);
                benchmark::DoNotOptimize(out);
                kernels.dot_quants(quants.data(), field_padded(w->cols), kReplayRows,
                                   secret.projection, out);
                benchmark::DoNotOptimize(out);
            }
}

void layer_replayed(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(recompute(one.model.config, one.model.weights, {0, 1}, one.inputs,
                                           model::KvType::kF32, one.compute));
}

void layer_checked(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    for (auto _ : state) {
        const auto result =
            check_evidence(one.model.config, one.model.weights, one.secrets, one.inputs,
                           model::KvType::kF32, one.evidence, one.compute);
        CHECK(result->suspicion.empty());
    }
    state.counters["bytes/token"] =
        static_cast<double>(one.evidence.size()) / static_cast<double>(kRows);
    state.counters["secret bytes"] = static_cast<double>(one.secrets.bytes());
}

void evidence_made(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(make_evidence(one.model.config, one.model.weights, {0, 1},
                                               one.inputs, model::KvType::kF32, one.compute));
}

void secrets_drawn(benchmark::State& state) {
    Case& one = Case::of(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(
            FreivaldsSecrets::draw(one.model.config, one.model.weights, {0, 1}, one.random));
}

#define CAIRN_AUDIT_WIDTHS ->Arg(768)->Arg(2048)->Arg(4096)->Unit(benchmark::kMillisecond)
BENCHMARK(linear_replayed) CAIRN_AUDIT_WIDTHS;
BENCHMARK(linear_checked) CAIRN_AUDIT_WIDTHS;
BENCHMARK(layer_replayed) CAIRN_AUDIT_WIDTHS;
BENCHMARK(layer_checked) CAIRN_AUDIT_WIDTHS;
BENCHMARK(evidence_made) CAIRN_AUDIT_WIDTHS;
BENCHMARK(secrets_drawn) CAIRN_AUDIT_WIDTHS;

}  // namespace
}  // namespace cairn::audit
