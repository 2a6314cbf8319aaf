// Measures what receipts cost where layers are served: a server's half of a model of 110 million
// parameters in Q8_0, by turns without and with all that a receipt takes at both ends (hashing what
// goes in and what comes out, signing, checking). The times of one run compare with each other.
#include <benchmark/benchmark.h>

#include <chrono>

#include "base/clock.h"
#include "model/test_families.h"
#include "serve/model_snapshot.h"
#include "serve/receipt.h"

namespace cairn::serve {
namespace {

constexpr model::LayerRange kLayers{0, 6};
constexpr std::size_t kContext = 256;

ModelSnapshot served() {
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
    return {model.config, model.weights, model.storage, Hash256{}};
}

void serving_with_receipts(benchmark::State& state) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    const auto* kernels = tensor::kernels_from_environment().value();
    ThreadPool pool(1);
    const tensor::Compute compute{kernels, &pool};
    static const ModelSnapshot held = keep_layers(compute, served(), kLayers);
    const std::size_t dim = held.config.dim;
    model::Transformer transformer(held.config, held.weights, kLayers, compute,
                                   {.max_batch = kContext, .max_positions = held.config.context});
    model::KvCache cache(held.config, kLayers, held.config.context);
    SeededRandom random(1);
    const auto states = [&](std::size_t count) {
        std::vector<float> made(count * dim);
        for (float& x : made) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
        return made;
    };
    std::vector<float> before = states(kContext);
    transformer.forward(before, cache);
    const std::vector<float> input = states(rows);
    const crypto::SecretKey secret = crypto::SecretKey::generate(random);
    const crypto::PublicKey key = crypto::public_key(secret);
    SessionTerms terms;
    InputChain at_server, at_client;
    for (InputChain* chain : {&at_server, &at_client}) chain->put(0, before, dim);
    const SystemClock clock;
    double plain_us = 0, with_us = 0;
    for (auto _ : state) {
        std::vector<float> hidden = input;
        cache.truncate(kContext);
        const std::uint64_t begun = clock.monotonic_us();
        transformer.forward(hidden, cache);
        const std::uint64_t turn = clock.monotonic_us();
        hidden = input;
        cache.truncate(kContext);
        transformer.forward(hidden, cache);
        at_server.put(kContext, input, dim);
        const Receipt receipt = make_receipt(terms, kLayers, at_server.end(),
                                             states_hash(kContext, hidden), secret, {});
        at_client.put(kContext, input, dim);
        const Status checked = check_receipt(terms, receipt, key, states_hash(kContext, hidden));
        if (!checked.ok() || receipt.inputs != at_client.end()) state.SkipWithError("wrong");
        plain_us += static_cast<double>(turn - begun);
        with_us += static_cast<double>(clock.monotonic_us() - turn);
    }
    const auto turns = static_cast<double>(state.iterations());
    state.counters["plain_us"] = plain_us / turns;
    state.counters["with_us"] = with_us / turns;
    state.counters["share"] = (with_us - plain_us) / with_us;
}
BENCHMARK(serving_with_receipts)->Arg(1)->Arg(16)->Arg(64)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cairn::serve
