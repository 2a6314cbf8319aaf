// Measures what receipts cost where layers are served: a server's half of a model of 110 million
// parameters in Q8_0, without and with what a receipt takes there (hashing what goes in and what
// comes out, signing), and what its client does to check it. Processor times of one run compare
// with each other; by turns: --benchmark_enable_random_interleaving=true --benchmark_repetitions=9.
#include <benchmark/benchmark.h>

#include "model/test_families.h"
#include "model/transformer.h"
#include "serve/model_snapshot.h"
#include "serve/receipt.h"

namespace cairn::serve {
namespace {

constexpr model::LayerRange kLayers{0, 6};
constexpr std::size_t kContext = 256;

/// Packed, and made once.
const ModelSnapshot& served(const tensor::Compute& compute) {
    static const ModelSnapshot held = [&compute] {
        const model::ModelConfig config{.dim = 768,
                                        .hidden_dim = 2048,
                                        .layers = 12,
                                        .heads = 12,
                                        .kv_heads = 12,
                                        .vocab = 32000,
                                        .context = 1024};
        const model::Model model =
            model::typed_model(config, model::initial_parameters(model::ParameterLayout(config), 1),
                               tensor::WeightType::kQ8_0);
        return keep_layers(compute, {model.config, model.weights, model.storage, Hash256{}},
                           kLayers);
    }();
    return held;
}

/// A server in the middle of a session, and its client.
struct Ends {
    explicit Ends(std::size_t rows) : input(states(rows)) {
        std::vector<float> before = states(kContext);
        for (InputChain* chain : {&at_server, &at_client}) chain->put(0, before, dim);
        transformer.forward(before, cache);
    }
    std::vector<float> states(std::size_t count) {
        std::vector<float> made(count * dim);
        for (float& x : made) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
        return made;
    }
    std::vector<float> compute_layers() {
        std::vector<float> hidden = input;
        cache.truncate(kContext);
        transformer.forward(hidden, cache);
        return hidden;
    }
    Receipt receipt_for(const std::vector<float>& hidden) {
        at_server.put(kContext, input, dim);
        return make_receipt(terms, kLayers, at_server.end(), states_hash(kContext, hidden), secret,
                            {});
    }

    SeededRandom random{1};
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    const ModelSnapshot& held = served(compute);
    std::size_t dim = held.config.dim;
    model::Transformer transformer{held.config,
                                   held.weights,
                                   kLayers,
                                   compute,
                                   {.max_batch = kContext, .max_positions = held.config.context}};
    model::KvCache cache{held.config, kLayers, held.config.context};
    std::vector<float> input;
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    crypto::PublicKey key = crypto::public_key(secret);
    SessionTerms terms;
    InputChain at_server, at_client;
};

std::size_t rows_of(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

void layers_alone(benchmark::State& state) {
    Ends ends(rows_of(state));
    for (auto _ : state) benchmark::DoNotOptimize(ends.compute_layers());
}

void layers_and_receipt(benchmark::State& state) {
    Ends ends(rows_of(state));
    for (auto _ : state) benchmark::DoNotOptimize(ends.receipt_for(ends.compute_layers()));
}

void receipt_at_the_server(benchmark::State& state) {
    Ends ends(rows_of(state));
    const std::vector<float> hidden = ends.compute_layers();
    for (auto _ : state) benchmark::DoNotOptimize(ends.receipt_for(hidden));
}

void checking_at_the_client(benchmark::State& state) {
    Ends ends(rows_of(state));
    const std::vector<float> hidden = ends.compute_layers();
    const Receipt receipt = ends.receipt_for(hidden);
    for (auto _ : state) {
        ends.at_client.put(kContext, ends.input, ends.dim);
        const Status checked =
            check_receipt(ends.terms, receipt, ends.key, states_hash(kContext, hidden));
        if (!checked.ok() || receipt.inputs != ends.at_client.end()) state.SkipWithError("wrong");
    }
}

BENCHMARK(layers_alone)->Arg(1)->Arg(16)->Arg(64)->Unit(benchmark::kMicrosecond);
BENCHMARK(layers_and_receipt)->Arg(1)->Arg(16)->Arg(64)->Unit(benchmark::kMicrosecond);
BENCHMARK(receipt_at_the_server)->Arg(1)->Arg(16)->Arg(64)->Unit(benchmark::kMicrosecond);
BENCHMARK(checking_at_the_client)->Arg(1)->Arg(16)->Arg(64)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cairn::serve
