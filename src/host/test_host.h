// Small models and listeners for this room's tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <mutex>
#include <set>

#include "host/model_host.h"
#include "infer/generate.h"
#include "model/test_families.h"
#include "text/bpe.h"

namespace cairn::host::test {

inline std::shared_ptr<const text::Tokenizer> small_tokenizer() {
    const std::string_view text = "the cat and the hat and the theatre";
    return std::shared_ptr<const text::Tokenizer>(
        text::train_bpe(std::span(&text, 1), 262).value());
}

inline model::ModelConfig small_config(std::uint32_t context = 256) {
    return {.dim = 32,
            .hidden_dim = 64,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .vocab = small_tokenizer()->vocab_size(),
            .context = context};
}

inline model::Model small_model(const model::ModelConfig& config, std::uint64_t seed = 3) {
    return model::make_model(config, model::large_parameters(model::ParameterLayout(config), seed));
}

/// Stands still until told, from any thread.
class TestClock final : public Clock {
  public:
    std::uint64_t wall_ms() const override { return 1'700'000'000'000 + us_ / 1000; }
    std::uint64_t monotonic_us() const override { return us_; }
    void advance_us(std::uint64_t us) { us_ += us; }

  private:
    std::atomic<std::uint64_t> us_ = 1;
};

/// A model in memory; open() may be told to fail, or to wait until it may go on.
class TestSource final : public ModelSource {
  public:
    TestSource(std::string id, model::Model model, bool at_start = true)
        : id_(std::move(id)), model_(std::move(model)), at_start_(at_start) {}

    std::string id() const override { return id_; }
    std::int64_t created_s() const override { return 1'700'000'000; }
    bool at_start() const override { return at_start_; }
    bool has_versions() const override { return versioned; }
    Result<OpenedModel> open() override {
        if (hold) hold->wait();
        ++opened;
        if (!failure.empty()) return Error{failure_code, failure};
        OpenedModel result;
        {
            const std::lock_guard lock(mutex_);
            result.loaded.model = model_;
            result.answers_as = answers_as_;
            result.version = version;
        }
        result.loaded.format = "test";
        if (with_tokenizer)
            result.tokenizer = small_tokenizer();
        else
            result.tokenizer_problem = "its file has none";
        return result;
    }

    /// What it gives from now on.
    void become(model::Model model, std::string answers_as) {
        const std::lock_guard lock(mutex_);
        model_ = std::move(model);
        answers_as_ = std::move(answers_as);
    }

    std::optional<std::shared_future<void>> hold;
    std::string failure;
    ErrorCode failure_code = ErrorCode::kInvalid;
    bool versioned = false;
    std::string version;  ///< of what it gives
    bool with_tokenizer = true;
    std::atomic<int> opened = 0;

  private:
    std::string id_;
    std::mutex mutex_;
    model::Model model_;
    std::string answers_as_;
    bool at_start_;
};

/// Writes down what it is told; get() waits for the end.
class Recorder final : public TextListener {
  public:
    struct Written {
        std::string text;
        std::vector<TokenView> tokens;
        std::vector<std::size_t> offsets;  ///< of these
        std::optional<AnswerDone> done;
        std::vector<std::uint64_t> times_us;
    };
    explicit Recorder(std::size_t count = 1) : answers(count) {}

    void read(const PromptRead& prompt_read) override {
        EXPECT_FALSE(was_read.exchange(true));
        EXPECT_FALSE(over);
        prompt = prompt_read;
    }
    void piece(const TextPiece& piece) override {
        EXPECT_TRUE(was_read);
        EXPECT_FALSE(over);
        Written& written = answers.at(piece.answer);
        EXPECT_FALSE(written.done.has_value());
        written.text += piece.text;
        if (piece.token) {
            written.tokens.push_back(*piece.token);
            written.offsets.push_back(piece.offset);
        }
        written.times_us.push_back(SystemClock().monotonic_us());
        if (on_piece) on_piece();
    }
    void done(const AnswerDone& done) override {
        EXPECT_FALSE(over);
        Written& written = answers.at(done.answer);
        EXPECT_FALSE(written.done.has_value());
        written.done = done;
        for (const Written& each : answers)
            if (!each.done) return;
        over = true;
        ended_.set_value();
    }
    void failed(const HostError& why) override {
        EXPECT_FALSE(over);
        error = why;
        over = true;
        ended_.set_value();
    }

    /// Waits for the end; CHECKs that it comes.
    void wait() { CHECK(future_.wait_for(std::chrono::seconds(120)) == std::future_status::ready); }
    bool has_ended() const {
        return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }

    PromptRead prompt;
    std::vector<Written> answers;
    std::optional<HostError> error;
    std::function<void()> on_piece;
    std::atomic<bool> was_read = false;
    bool over = false;

  private:
    std::promise<void> ended_;
    std::shared_future<void> future_ = ended_.get_future().share();
};

inline std::vector<std::uint32_t> token_ids(const Recorder::Written& written) {
    std::vector<std::uint32_t> ids;
    for (const TokenView& view : written.tokens) ids.push_back(view.token);
    return ids;
}

/// What infer::generate writes alone, as tokens and the bits of their log-probabilities.
inline std::vector<std::pair<std::uint32_t, float>> alone(const model::Model& model,
                                                          const TextRequest& request,
                                                          std::size_t answer = 0) {
    const model::ModelConfig& config = model.config;
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    const auto tokenizer = small_tokenizer();
    model::Transformer transformer(config, model.weights, model::all_layers(config),
                                   machine.compute, {});
    model::KvCache cache(config, model::all_layers(config), config.context);
    infer::LocalLayers layers(transformer, cache);
    infer::GenerateOptions options = request.options;
    options.sampling.seed += answer;
    const text::Tokens* tokens = std::get_if<text::Tokens>(&request.prompt);
    const text::Tokens prompt =
        tokens != nullptr ? *tokens
                          : tokenizer->encode_prompt(std::get<std::string>(request.prompt));
    if (options.max_tokens == 0) options.max_tokens = config.context - prompt.size();
    std::vector<std::pair<std::uint32_t, float>> written;
    const auto is_end = [&](std::uint32_t token) { return tokenizer->is_end(token); };
    EXPECT_TRUE(infer::generate(machine.compute, transformer, layers, prompt, options, is_end,
                                [&](const infer::GeneratedStep& step) {
                                    if (!is_end(step.token))
                                        written.emplace_back(step.token, step.logprob);
                                    return true;
                                })
                    .ok());
    return written;
}

inline std::vector<std::pair<std::uint32_t, float>> of(const Recorder::Written& written) {
    std::vector<std::pair<std::uint32_t, float>> all;
    for (const TokenView& view : written.tokens) all.emplace_back(view.token, view.logprob);
    return all;
}

/// A host of one model named "m".
inline std::unique_ptr<ModelHost> one_model_host(const model::Model& model,
                                                 HostOptions options = {}) {
    options.models.push_back(std::make_unique<TestSource>("m", model));
    if (options.memory_bytes == 0) options.memory_bytes = std::uint64_t{256} << 20;
    if (options.threads == 0) options.threads = 2;
    return ModelHost::start(std::move(options)).value();
}

inline TextRequest random_request(std::size_t i, const model::ModelConfig& config) {
    TextRequest request;
    request.model = "m";
    const std::size_t lengths[] = {5, 1, 70, 12, 33, 2, 64, 7, 100};
    request.prompt = model::random_tokens(lengths[i % 9], config.vocab, 100 + i);
    request.options.max_tokens = 6 + 5 * (i % 4);
    request.options.logprobs = true;
    if (i % 2 == 1) request.options.sampling = {.temperature = 1.2F, .top_p = 0.95F, .seed = i};
    if (i % 5 == 4) request.options.sampling.repetition_penalty = 1.3F;
    request.client = "client " + std::to_string(i % 3);
    return request;
}

/// Writes so many random requests at once; each must get what it would get alone.
inline void expect_all_as_alone(ModelHost& host, const model::Model& model, std::size_t requests) {
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::size_t i = 0; i < requests; ++i) {
        told.push_back(std::make_shared<Recorder>());
        host.write(random_request(i, model.config), told.back());
    }
    for (std::size_t i = 0; i < requests; ++i) {
        told[i]->wait();
        ASSERT_FALSE(told[i]->error.has_value()) << told[i]->error->message;
        EXPECT_EQ(of(told[i]->answers[0]), alone(model, random_request(i, model.config))) << i;
    }
}

}  // namespace cairn::host::test
