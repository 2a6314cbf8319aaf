#include "serve/self_measure.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/float_mode.h"
#include "base/random.h"
#include "model/transformer.h"

namespace cairn::serve {

namespace {

constexpr std::size_t kPrefillRows = 32;

/// Of an encoder: whole texts, as often as there is time for.
Measured measure_texts(model::Transformer& transformer, const std::vector<float>& text,
                       const Clock& clock, std::uint64_t budget_ms) {
    const std::size_t rows = text.size() / transformer.config().dim;
    const model::Segment whole{nullptr, rows};
    Measured measured;
    const std::uint64_t begun_us = clock.monotonic_us();
    std::uint64_t passed_us = 0;
    do {
        std::vector<float> states = text;
        transformer.forward_segments(states, std::span(&whole, 1));
        measured.rows += rows * transformer.range().size();
        passed_us = clock.monotonic_us() - begun_us;
    } while (passed_us < budget_ms * 1'000);
    measured.seconds = static_cast<double>(passed_us) / 1e6;
    if (measured.seconds > 0)
        measured.rows_per_s = static_cast<double>(measured.rows) / measured.seconds;
    return measured;
}

}  // namespace

Measured measure_rows(const ModelSnapshot& snapshot, model::LayerRange layers,
                      const tensor::Compute& compute, const Clock& clock, std::uint64_t budget_ms,
                      std::uint32_t context) {
    CHECK(has_layers(snapshot, layers));
    set_float_mode();
    const model::ModelConfig& config = snapshot.config;
    const std::size_t dim = config.dim;
    const std::size_t positions = std::min(config.context, context + 1);
    model::Transformer transformer(
        config, snapshot.weights, layers, compute,
        {.max_batch = config.causal ? kPrefillRows : positions, .max_positions = positions});
    SeededRandom random(1);
    const auto fresh_rows = [&](std::size_t rows) {
        std::vector<float> states(rows * dim);
        for (float& value : states) value = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
        return states;
    };
    if (!config.causal) return measure_texts(transformer, fresh_rows(positions), clock, budget_ms);
    model::KvCache cache(config, layers, positions);
    std::optional<model::KvCache> source;
    if (config.crosses()) {
        const std::size_t rows = std::min(config.cross_context, std::max(context, 1U));
        source.emplace(config, layers, rows);
        transformer.read_source(fresh_rows(rows), *source);
    }
    const model::KvCache* seen = source ? &*source : nullptr;
    const auto forward = [&](std::vector<float> states) {
        transformer.forward(states, cache, tensor::StateType::kF32, seen);
    };
    // A cache as long as a session's usually is; on a slow machine as long as there is time for.
    const std::uint64_t started_us = clock.monotonic_us();
    const auto passed_us = [&] { return clock.monotonic_us() - started_us; };
    while (cache.length() + 1 < positions && passed_us() < budget_ms * 500)
        forward(fresh_rows(std::min(kPrefillRows, positions - 1 - cache.length())));
    const std::size_t length = cache.length();
    const std::vector<float> row = fresh_rows(1);
    const auto step = [&] {
        cache.truncate(length);
        forward(row);
    };
    step();  // caches and threads warm up
    Measured measured;
    const std::uint64_t begun_us = clock.monotonic_us();
    std::uint64_t now_us = begun_us;
    do {
        step();
        measured.rows += layers.size();
        now_us = clock.monotonic_us();
    } while (now_us - started_us < budget_ms * 1'000);
    measured.seconds = static_cast<double>(now_us - begun_us) / 1e6;
    if (measured.seconds > 0)
        measured.rows_per_s = static_cast<double>(measured.rows) / measured.seconds;
    return measured;
}

}  // namespace cairn::serve
