// Measures the host on a model of 110 million parameters in Q8_0: all tokens a second of 1 and 16
// streams, and how long readers wait for a token while a prompt of 2,048 tokens is computed. The
// figures of one run compare with each other; CAIRN_BENCH_MODEL=file.gguf takes a model of yours.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <latch>

#include "host/model_files.h"
#include "host/model_host.h"
#include "model/test_families.h"
#include "text/bpe.h"

namespace cairn::host {
namespace {

constexpr std::size_t kLongPrompt = 2048;

// Random weights; every byte is a token, the other ids spell nothing.
class RandomModel final : public ModelSource {
  public:
    std::string id() const override { return "m"; }
    std::int64_t created_s() const override { return 0; }
    bool at_start() const override { return true; }
    Result<OpenedModel> open() override {
        const model::ModelConfig config{.dim = 768,
                                        .hidden_dim = 2048,
                                        .layers = 12,
                                        .heads = 12,
                                        .kv_heads = 12,
                                        .vocab = 32000,
                                        .context = 4096};
        OpenedModel opened;
        opened.loaded.model =
            model::typed_model(config, model::initial_parameters(model::ParameterLayout(config), 1),
                               tensor::WeightType::kQ8_0);
        opened.loaded.format = "random";
        opened.tokenizer = text::BpeTokenizer::create({}).value();
        return opened;
    }
};

ModelHost& bench_host() {
    static const std::unique_ptr<ModelHost> host = [] {
        HostOptions options;
        if (const char* path = std::getenv("CAIRN_BENCH_MODEL"))
            options.models = model_files({path}).value();
        else
            options.models.push_back(std::make_unique<RandomModel>());
        options.prefix_bytes = 0;
        options.max_sequences = 32;
        return ModelHost::start(std::move(options)).value();
    }();
    return *host;
}

class Reader final : public TextListener {
  public:
    explicit Reader(std::latch* ended) : ended_(ended) {}
    void read(const PromptRead&) override {}
    void piece(const TextPiece&) override {
        times_us.push_back(clock_.monotonic_us());
        if (on_piece) on_piece();
    }
    void done(const AnswerDone&) override { ended_->count_down(); }
    void failed(const HostError& error) override {
        std::fprintf(stderr, "%s\n", error.message.c_str());
        std::abort();
    }

    std::vector<std::uint64_t> times_us;  // of its tokens
    std::function<void()> on_piece;

  private:
    SystemClock clock_;
    std::latch* ended_;
};

TextRequest request(std::size_t number, std::size_t prompt, std::size_t tokens) {
    TextRequest request;
    request.model = bench_host().models()[0].id;
    request.prompt = model::random_tokens(prompt, 256, number);
    request.options.max_tokens = tokens;
    request.options.logprobs = true;  // so that every token is told of
    request.options.logit_bias = {{text::kTextBoundary, -100.0F}};
    request.client = std::to_string(number);
    return request;
}

void wait_until_ready() {
    std::latch ended(1);
    bench_host().write(request(0, 4, 1), std::make_shared<Reader>(&ended));
    ended.wait();
}

void BM_Streams(benchmark::State& state) {
    wait_until_ready();
    const auto streams = static_cast<std::size_t>(state.range(0));
    constexpr std::size_t kTokens = 64;
    for (auto _ : state) {
        std::latch ended(state.range(0));
        for (std::size_t i = 0; i < streams; ++i)
            bench_host().write(request(i, 64, kTokens), std::make_shared<Reader>(&ended));
        ended.wait();
    }
    state.counters["tokens/s"] = benchmark::Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(streams * kTokens),
        benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Streams)->Arg(1)->Arg(4)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

// `streams` write; then somebody brings a long prompt.
void BM_BesideALongPrompt(benchmark::State& state) {
    wait_until_ready();
    const auto streams = static_cast<std::size_t>(state.range(0));
    std::vector<double> before_ms;
    std::vector<double> beside_ms;
    std::vector<double> first_ms;
    const SystemClock clock;
    for (auto _ : state) {
        std::latch ended(state.range(0) + 1);
        std::latch written(16 * state.range(0));
        std::vector<std::shared_ptr<Reader>> readers;
        std::vector<RequestId> ids;
        for (std::size_t i = 0; i < streams; ++i) {
            readers.push_back(std::make_shared<Reader>(&ended));
            readers.back()->on_piece = [&written, left = 16]() mutable {
                if (left-- > 0) written.count_down();
            };
            ids.push_back(bench_host().write(request(i, 16, 2000), readers.back()));
        }
        written.wait();
        const auto prompt = std::make_shared<Reader>(&ended);
        std::latch answered(1);
        prompt->on_piece = [&] { answered.count_down(); };
        const std::uint64_t asked = clock.monotonic_us();
        bench_host().write(request(99, kLongPrompt, 1), prompt);
        answered.wait();
        const std::uint64_t told = prompt->times_us.front();
        first_ms.push_back(static_cast<double>(told - asked) / 1e3);
        for (const RequestId id : ids) bench_host().cancel(id);
        ended.wait();
        for (const auto& reader : readers)
            for (std::size_t i = 1; i < reader->times_us.size(); ++i) {
                const double ms =
                    static_cast<double>(reader->times_us[i] - reader->times_us[i - 1]) / 1e3;
                if (reader->times_us[i] < asked)
                    before_ms.push_back(ms);
                else if (reader->times_us[i - 1] > asked && reader->times_us[i] <= told)
                    beside_ms.push_back(ms);
            }
    }
    const auto at = [](std::vector<double>& values, double share) {
        std::sort(values.begin(), values.end());
        return values.empty() ? 0.0
                              : values[static_cast<std::size_t>(
                                    share * static_cast<double>(values.size() - 1))];
    };
    state.counters["alone_p50_ms"] = at(before_ms, 0.5);
    state.counters["beside_p50_ms"] = at(beside_ms, 0.5);
    state.counters["beside_p95_ms"] = at(beside_ms, 0.95);
    state.counters["beside_most_ms"] = at(beside_ms, 1.0);
    state.counters["first_token_ms"] = at(first_ms, 0.5);
}
BENCHMARK(BM_BesideALongPrompt)
    ->Arg(0)
    ->Arg(1)
    ->Arg(15)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace cairn::host
