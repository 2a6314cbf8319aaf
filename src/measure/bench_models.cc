#include "measure/bench_models.h"

#include <algorithm>
#include <map>

#include "infer/batch.h"
#include "model/transformer.h"
#include "tensor/sample.h"
#include "train/trainer.h"

namespace cairn::measure {

namespace {

std::vector<BenchShape> make_shapes() {
    const auto llama = [](std::uint32_t dim, std::uint32_t hidden, std::uint32_t layers,
                          std::uint32_t heads, std::uint32_t kv_heads, std::uint32_t vocab,
                          std::uint32_t context, bool tied) {
        model::ModelConfig config;
        config.dim = dim;
        config.hidden_dim = hidden;
        config.layers = layers;
        config.heads = heads;
        config.kv_heads = kv_heads;
        config.vocab = vocab;
        config.context = context;
        config.tied_head = tied;
        return config;
    };
    model::ModelConfig gpt2 = llama(768, 3072, 12, 12, 12, 50257, 1024, true);
    gpt2.norm = model::NormKind::kLayer;
    gpt2.positions = model::PositionKind::kLearned;
    gpt2.feed_forward = model::FeedForward::kGeluTanh;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;
    return {{"demo", llama(96, 256, 4, 4, 4, 512, 128, true), 128, 1024},
            {"chars", llama(384, 1024, 6, 6, 6, 96, 256, true), 256, 1024},
            {"110m", llama(768, 2048, 12, 12, 12, 32000, 1024, true), 256, 1024},
            {"gpt2", gpt2, 256, 1024},
            {"1.1b", llama(2048, 5632, 22, 32, 4, 32000, 2048, false), 256, 1024}};
}

// Multiply-adds of a token's products times two: matrices of the layers, and the head.
double operations_per_token(const model::ParameterLayout& layout) {
    const model::ModelConfig& config = layout.config();
    double products = static_cast<double>(config.vocab) * config.dim;
    for (const model::TensorInfo& info : layout.tensors())
        if (info.is_matrix && model::is_per_layer(info.kind))
            products += static_cast<double>(info.size());
    return 2 * products;
}

std::uint64_t bytes_per_token(const model::ParameterLayout& layout, const model::Weights& weights) {
    std::uint64_t sum = weights.head.canonical_bytes();
    for (const model::TensorInfo& info : layout.tensors())
        if (info.is_matrix && model::is_per_layer(info.kind))
            sum += model::tensor_at(weights, info.kind, info.layer).canonical_bytes();
    return sum;
}

// "q4_k", or of a mix all types of its matrices, the most bytes first: "q4_k+q6_k".
std::string types_of(const model::ParameterLayout& layout, const model::Weights& weights) {
    std::map<std::string, std::size_t> bytes;
    const auto add = [&](const tensor::Weight& weight) {
        bytes[std::string(tensor::weight_type_name(weight.type))] += weight.canonical_bytes();
    };
    for (const model::TensorInfo& info : layout.tensors())
        if (info.is_matrix && model::is_per_layer(info.kind))
            add(model::tensor_at(weights, info.kind, info.layer));
    add(weights.head);
    std::vector<std::pair<std::size_t, std::string>> order;
    for (const auto& [type, count] : bytes) order.emplace_back(count, type);
    std::sort(order.rbegin(), order.rend());
    std::string text;
    for (const auto& [count, type] : order) text += (text.empty() ? "" : "+") + type;
    return text;
}

std::vector<std::uint32_t> some_tokens(std::size_t count, std::uint32_t vocab) {
    std::vector<std::uint32_t> tokens(count);
    for (std::size_t i = 0; i < count; ++i)
        tokens[i] = static_cast<std::uint32_t>((i * 7919 + 3) % vocab);
    return tokens;
}

// Generates one sequence with a model, beginning with an empty cache.
class Writer {
  public:
    Writer(const tensor::Compute& compute, const model::Model& model, std::size_t positions,
           std::size_t batch, model::KvType kv)
        : transformer_(model.config, model.weights, model::all_layers(model.config), compute,
                       {.max_batch = batch, .max_positions = positions}),
          cache_(model.config, model::all_layers(model.config), positions, kv),
          hidden_(batch * model.config.dim),
          logits_(model.config.vocab) {}

    void feed(std::span<const std::uint32_t> tokens) {
        const std::size_t dim = transformer_.config().dim;
        while (!tokens.empty()) {
            const std::size_t n = std::min(tokens.size(), transformer_.max_batch());
            const std::span<float> hidden = std::span(hidden_).first(n * dim);
            transformer_.embed(tokens.first(n), cache_.length(), hidden);
            transformer_.forward(hidden, cache_);
            last_ = hidden.last(dim);
            tokens = tokens.subspan(n);
        }
    }
    std::uint32_t next() {
        transformer_.head(last_, logits_);
        return tensor::argmax(logits_);
    }
    void forget() { cache_.truncate(0); }

  private:
    model::Transformer transformer_;
    model::KvCache cache_;
    std::vector<float> hidden_;
    std::vector<float> logits_;
    std::span<const float> last_;
};

// Keys and values that a token at position `position` reads, less where layers have a window.
std::uint64_t cache_bytes(const model::ModelConfig& config, std::size_t position,
                          model::KvType kv) {
    std::uint64_t positions = 0;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const bool local = config.is_local(layer);
        positions += local ? std::min<std::size_t>(config.window, position + 1) : position + 1;
    }
    return positions * 2 * config.kv_dim() * tensor::kv_type_bytes(kv);
}

// Tokens per second of `together` sequences that decode side by side, each `decode` tokens after a
// prompt of `before`; the prompts' own step is not counted.
double batch_speed(const tensor::Compute& compute, const model::Model& model, std::size_t together,
                   std::size_t before, std::size_t decode, model::KvType kv) {
    const model::ModelConfig& config = model.config;
    const std::size_t rows = together * before;
    model::Transformer transformer(config, model.weights, model::all_layers(config), compute,
                                   {.max_batch = rows, .max_positions = before + decode});
    infer::BatchEngine engine(transformer, compute,
                              {.max_sequences = together, .prefill_slice = rows});
    for (std::size_t i = 0; i < together; ++i) {
        infer::SequenceRequest request;
        request.prompt = some_tokens(before, config.vocab);
        request.prompt[0] = static_cast<std::uint32_t>(i % config.vocab);
        request.options.max_tokens = decode;
        request.kv = kv;
        CHECK(engine.add(std::move(request)).ok());
    }
    engine.step({});
    std::size_t tokens = 0;
    const Stopwatch watch;
    while (!engine.is_idle())
        engine.step([&](const infer::BatchEvent& event) {
            tokens += event.step != nullptr ? 1 : 0;
            return true;
        });
    return static_cast<double>(tokens) / watch.seconds();
}

}  // namespace

const std::vector<BenchShape>& bench_shapes() {
    static const std::vector<BenchShape> shapes = make_shapes();
    return shapes;
}

ModelSpeed measure_model(const tensor::Compute& compute, tensor::MemoryReader& memory,
                         const std::string& name, const model::Model& packed, const ModelWork& work,
                         const Effort& effort) {
    const model::ModelConfig& config = packed.config;
    const model::ParameterLayout layout(config);
    const std::size_t prefill = std::min<std::size_t>(work.prefill, config.context);
    const std::size_t before = std::min<std::size_t>(work.before, (config.context + 1) / 2);
    const std::size_t decode = std::min<std::size_t>(work.decode, config.context - before);
    CHECK(prefill > 0 && before > 0 && decode > 0 && work.together > 0);
    ModelSpeed speed;
    speed.name = name;
    speed.type = types_of(layout, packed.weights);
    speed.parameters = layout.parameters();
    speed.bytes_per_token = bytes_per_token(layout, packed.weights);
    speed.operations_per_token = operations_per_token(layout);
    speed.prefill_tokens = prefill;
    speed.before_tokens = before;
    speed.decode_tokens = decode;
    speed.cache_bytes_per_token = cache_bytes(config, before + decode / 2, work.kv);

    Writer writer(compute, packed, std::max(prefill, before + decode), prefill, work.kv);
    const std::vector<std::uint32_t> prompt = some_tokens(std::max(prefill, before), config.vocab);
    const double prefill_seconds = median_seconds(effort, [&] {
        writer.forget();
        writer.feed(std::span(prompt).first(prefill));
    });
    speed.prefill_tokens_s = static_cast<double>(prefill) / prefill_seconds;

    std::vector<double> runs;
    std::vector<double> shares;
    const SystemClock clock;
    const Stopwatch all;
    while (runs.size() < effort.least_runs || all.seconds() < effort.seconds) {
        const double reading = memory.now(clock);
        writer.forget();
        writer.feed(std::span(prompt).first(before));
        std::uint32_t token = writer.next();
        const Stopwatch watch;
        for (std::size_t i = 0; i < decode; ++i) {
            writer.feed({&token, 1});
            token = writer.next();
        }
        runs.push_back(watch.seconds());
        const std::uint64_t bytes = speed.bytes_per_token + speed.cache_bytes_per_token;
        shares.push_back(static_cast<double>(bytes * decode) / runs.back() / reading);
    }
    speed.decode_ratio = median(std::move(shares));
    speed.decode_tokens_s = static_cast<double>(decode) / median(std::move(runs));

    speed.together = work.together;
    std::vector<double> rates;
    if (decode > 1) {
        const Stopwatch batches;
        while (rates.size() < effort.least_runs || batches.seconds() < effort.seconds)
            rates.push_back(batch_speed(compute, packed, work.together, before, decode, work.kv));
        speed.together_tokens_s = median(std::move(rates));
    }
    return speed;
}

std::uint64_t training_memory(const BenchShape& shape) {
    const model::ModelConfig& config = shape.config;
    // Parameters, gradient, its sum over leaves and two moments; activations of the whole step.
    const std::uint64_t state = model::ParameterLayout(config).size() * 5;
    const std::uint64_t per_token =
        std::uint64_t{config.layers} * (8ULL * config.dim + 4ULL * config.hidden_dim) +
        2ULL * config.vocab;
    return (state + per_token * shape.train_tokens) * sizeof(float);
}

Result<TrainingSpeed> measure_training(const tensor::Compute& compute, const BenchShape& shape,
                                       const Effort& effort) {
    const model::ParameterLayout layout(shape.config);
    train::Recipe recipe;
    recipe.context = shape.train_context;
    recipe.leaf_tokens = shape.train_tokens;
    const std::vector<std::uint32_t> text =
        some_tokens(std::size_t{shape.train_tokens} * 16, shape.config.vocab);
    train::Trainer trainer(layout, recipe, text, 1, compute);
    trainer.start(model::initial_parameters(layout, 1), 0);
    TrainingSpeed speed{shape.name, layout.parameters(), recipe.context, recipe.tokens_per_step()};
    speed.operations_per_token = 3 * operations_per_token(layout);
    std::vector<double> runs;
    RETURN_IF_ERROR(trainer.step());
    const Stopwatch all;
    while (runs.size() < effort.least_runs || all.seconds() < effort.seconds) {
        const Stopwatch watch;
        RETURN_IF_ERROR(trainer.step());
        runs.push_back(watch.seconds());
    }
    speed.tokens_s = static_cast<double>(recipe.tokens_per_step()) / median(std::move(runs));
    return speed;
}

}  // namespace cairn::measure
