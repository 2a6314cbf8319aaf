// Proves that vectors are those of infer::TextVectors, of encoders and of language models, many at
// once and beside texts being written, and that what cannot be read is refused.
#include <fmt/core.h>

#include "host/test_host.h"
#include "host/vectors_desk.h"
#include "infer/text_vectors.h"

namespace cairn::host {
namespace {

model::ModelConfig encoder_config() {
    model::ModelConfig config = model::families().back().config;
    config.vocab = test::small_tokenizer()->vocab_size();
    return config;
}

std::variant<Vectors, HostError> embed(ModelHost& host, VectorsRequest request) {
    std::promise<std::variant<Vectors, HostError>> result;
    host.embed(std::move(request), [&](auto answer) { result.set_value(std::move(answer)); });
    auto future = result.get_future();
    CHECK(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    return future.get();
}

std::vector<std::variant<std::string, text::Tokens>> some_texts(const model::ModelConfig& config) {
    std::vector<std::variant<std::string, text::Tokens>> texts;
    texts.emplace_back(std::string("the cat and the hat"));
    for (std::size_t i = 0; i < 20; ++i)
        texts.emplace_back(model::random_tokens(1 + i * 9 % 120, config.vocab, i));
    return texts;
}

TEST(HostVectors, AreThoseOfTheModelAlone) {
    for (const model::ModelConfig& config : {test::small_config(), encoder_config()}) {
        const model::Model model = test::small_model(config);
        const auto host = test::one_model_host(model);
        const auto answer = embed(*host, {"m", some_texts(config), "a"});
        ASSERT_TRUE(std::holds_alternative<Vectors>(answer));
        const auto& found = std::get<Vectors>(answer);
        std::vector<text::Tokens> texts;
        for (const auto& text : some_texts(config))
            texts.push_back(
                std::holds_alternative<text::Tokens>(text)
                    ? std::get<text::Tokens>(text)
                    : test::small_tokenizer()->encode_whole(std::get<std::string>(text)));
        const model::Machine machine(tensor::available_kernel_sets().back(), 1);
        const infer::TextVectors vectors(config, model.weights, machine.compute,
                                         model::default_pooling(config));
        EXPECT_EQ(found.vectors, vectors.embed(texts).value());
        EXPECT_EQ(found.model, "m");
        EXPECT_GT(found.tokens, 20U);
    }
}

TEST(HostVectors, RefusesWhatCannotBeRead) {
    const model::ModelConfig config = encoder_config();
    const auto host = test::one_model_host(test::small_model(config));
    const auto kind = [&](VectorsRequest request) {
        return std::get<HostError>(embed(*host, std::move(request))).kind;
    };
    EXPECT_EQ(kind({"m", {text::Tokens{}}, ""}), HostErrorKind::kInvalid);
    EXPECT_EQ(kind({"m", {}, ""}), HostErrorKind::kInvalid);
    EXPECT_EQ(kind({"m", {text::Tokens{config.vocab}}, ""}), HostErrorKind::kInvalid);
    EXPECT_EQ(kind({"m", {text::Tokens(config.context + 1, 1)}, ""}), HostErrorKind::kTooLong);
    EXPECT_EQ(kind({"other", {text::Tokens{1}}, ""}), HostErrorKind::kNoSuchModel);
    const auto told = std::make_shared<test::Recorder>();
    host->write(test::random_request(0, config), told);
    told->wait();
    EXPECT_EQ(told->error->kind, HostErrorKind::kModelFailed);
}

// A language model keeps keys and values of what it reads; they count, as those of what it writes.
TEST(HostVectors, CountTheMemoryOfWhatIsRead) {
    const model::ModelConfig config = test::small_config(2048);
    const model::Model model = test::small_model(config);
    const std::uint64_t needs = infer::TextVectors::reading_bytes(config, 2000);
    EXPECT_GT(needs,
              model::kv_cache_bytes(config, model::all_layers(config), 2000, model::KvType::kF32));
    for (const bool fits : {false, true}) {
        HostOptions options{.prefix_bytes = 0, .max_sequences = 2};
        options.memory_bytes = model::packed_model_bytes(model) +
                               run_scratch_bytes(config, 2048, {.max_sequences = 2}) + needs -
                               (fits ? 0 : 1);
        options.models.push_back(std::make_unique<test::TestSource>("m", model));
        const auto host = ModelHost::start(std::move(options)).value();
        const auto answer = embed(*host, {"m", {model::random_tokens(2000, config.vocab, 1)}, ""});
        if (fits) {
            EXPECT_TRUE(std::holds_alternative<Vectors>(answer));
        } else {
            ASSERT_TRUE(std::holds_alternative<HostError>(answer));
            EXPECT_EQ(std::get<HostError>(answer).kind, HostErrorKind::kTooLong);
            EXPECT_EQ(std::get<HostError>(answer).field, "input");
        }
        // Beside a text that fills the memory they wait until it ends.
        if (!fits) continue;
        TextRequest writes = test::random_request(0, config);
        writes.options.max_tokens = 1500;
        const auto told = std::make_shared<test::Recorder>();
        host->write(writes, told);
        while (!told->was_read) std::this_thread::yield();
        EXPECT_TRUE(std::holds_alternative<Vectors>(
            embed(*host, {"m", {model::random_tokens(2000, config.vocab, 2)}, "b"})));
        EXPECT_TRUE(told->has_ended());
        while (host->metrics().find("cairn_host_kv_bytes 0\n") == std::string::npos)
            std::this_thread::yield();
        const std::string held = fmt::format("cairn_host_kv_bytes {}\n", needs);
        bool was_held = false;
        std::vector<std::variant<std::string, text::Tokens>> many;
        for (std::uint64_t i = 0; i < 20; ++i)
            many.emplace_back(model::random_tokens(2000, config.vocab, i));
        auto reading = std::async(std::launch::async, [&] {
            return embed(*host, {"m", many, ""});
        });
        while (reading.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready)
            was_held = was_held || host->metrics().find(held) != std::string::npos;
        EXPECT_TRUE(was_held);
    }
}

TEST(HostVectors, GoOnBesideTexts) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model);
    std::vector<std::shared_ptr<test::Recorder>> told;
    for (std::size_t i = 0; i < 12; ++i) {
        told.push_back(std::make_shared<test::Recorder>());
        host->write(test::random_request(i, model.config), told.back());
    }
    const auto first = embed(*host, {"m", some_texts(model.config), "a"});
    ASSERT_TRUE(std::holds_alternative<Vectors>(first));
    for (std::size_t i = 0; i < told.size(); ++i) {
        told[i]->wait();
        EXPECT_EQ(test::of(told[i]->answers[0]),
                  test::alone(model, test::random_request(i, model.config)));
    }
    EXPECT_EQ(std::get<Vectors>(embed(*host, {"m", some_texts(model.config), "a"})).vectors,
              std::get<Vectors>(first).vectors);
}

// Vectors that a model has made stay, though it leaves the memory and comes back, if it is known to
// be the same; of another model, or where nothing is known, they are made anew.
TEST(HostVectors, StayWhileTheirModelIsAway) {
    const model::Machine machine(tensor::KernelSet::kReference, 1);
    const auto loaded = [&](const std::string& version) {
        OpenedModel opened;
        opened.loaded.model = test::small_model(test::small_config());
        opened.tokenizer = test::small_tokenizer();
        opened.version = version;
        return std::make_shared<const ReadyModel>("m", std::move(opened), 0, machine.compute);
    };
    HostCounters counters;
    const auto left_after = [&](const std::string& before, const std::string& after) {
        VectorsJob job(
            1, {"m", {}, "a"}, [](const auto&) {}, 0, counters);
        job.set_texts({{1}, {2}, {3}});
        job.begin_with(loaded(before));
        job.add({1.0F});
        job.begin_with(loaded(after));
        return job.left().size();
    };
    EXPECT_EQ(left_after("1", "1"), 2U);
    EXPECT_EQ(left_after("1", "2"), 3U);
    EXPECT_EQ(left_after("", ""), 3U);
}

// Whoever has left is told nothing, holds no place, and nothing more is computed for him.
TEST(HostVectors, EndWhenTheyAreCancelled) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model, {.max_waiting = 4});
    for (int round = 0; round < 50; ++round) {
        // Thousands of texts: far more than can be done before the next request is cancelled too.
        const std::vector<std::variant<std::string, text::Tokens>> many(2048, text::Tokens(200, 1));
        const RequestId id = host->embed({"m", many, "a"}, [](const auto&) {});
        host->cancel(id);
    }
    EXPECT_TRUE(std::holds_alternative<Vectors>(embed(*host, {"m", {text::Tokens{1}}, "b"})));
    EXPECT_NE(host->metrics().find("vector_requests_total{outcome=\"done\"} 1\n"),
              std::string::npos);
}

/// A desk with one model in memory.
struct ADesk {
    explicit ADesk(const Clock& clock) : seams{machine.compute, clock, counters, budget, prefixes} {
        CHECK(shelf.want(0));
        while (shelf.run(0) == nullptr) {
            std::vector<std::function<void()>> due;
            {
                const std::lock_guard lock(mutex);
                due.swap(tasks);
            }
            for (const auto& task : due) task();
            std::this_thread::yield();
        }
    }
    ~ADesk() { loading.stop(); }

    VectorsJobPtr add(std::vector<text::Tokens> texts) {
        const auto job = std::make_shared<VectorsJob>(
            1, VectorsRequest{"m", {}, "a"}, [](const auto&) {}, 0, counters);
        job->set_texts(std::move(texts));
        desk.add(job);
        return job;
    }
    static std::vector<std::unique_ptr<ModelSource>> sources() {
        std::vector<std::unique_ptr<ModelSource>> sources;
        sources.push_back(
            std::make_unique<test::TestSource>("m", test::small_model(test::small_config())));
        return sources;
    }

    const model::Machine machine{tensor::available_kernel_sets().back(), 1};
    HostCounters counters;
    MemoryBudget budget{.limit = std::uint64_t{256} << 20};
    PrefixMemory prefixes{budget, 0};
    const RunSeams seams;
    TaskThread loading;
    std::mutex mutex;
    std::vector<std::function<void()>> tasks;
    ModelShelf shelf{sources(),
                     {},
                     0,
                     seams,
                     machine.compute,
                     loading,
                     [this](std::function<void()> task) {
                         const std::lock_guard lock(mutex);
                         tasks.push_back(std::move(task));
                     },
                     {[](std::size_t) {}, [](std::size_t, const HostError&) {}}};
    std::uint64_t asked_bytes = 0;  // of memory, the last time
    VectorsDesk desk{shelf,
                     seams,
                     {[this](const std::string&, std::uint64_t bytes, std::size_t) {
                          asked_bytes = bytes;
                          return true;
                      },
                      [](const VectorsJobPtr&) {}}};
};

// A model that made vectors for who has left can be let go of at once.
TEST(HostVectors, WhoLeavesKeepsNoModel) {
    struct Hasty final : Clock {  // each look at it is a turn later
        std::uint64_t wall_ms() const override { return 0; }
        std::uint64_t monotonic_us() const override { return now_us += 1'000'000; }
        mutable std::uint64_t now_us = 0;
    } clock;
    ADesk at(clock);
    const VectorsJobPtr job = at.add({text::Tokens(200, 1), text::Tokens(200, 1)});
    ASSERT_TRUE(at.desk.turn());
    ASSERT_TRUE(at.desk.is_busy());
    const std::weak_ptr<const ReadyModel> model = at.shelf.run(0)->model();
    EXPECT_GT(model.use_count(), 1);
    job->cancel();
    at.desk.drop_over();
    EXPECT_EQ(model.use_count(), 1);
}

// A model that is another one than before makes all vectors anew, and needs the memory for that.
TEST(HostVectors, AskForTheMemoryOfAllThatIsMadeAnew) {
    const test::TestClock clock;
    ADesk at(clock), other(clock);
    const VectorsJobPtr job = at.add({text::Tokens(200, 1), text::Tokens(3, 1)});
    job->begin_with(other.shelf.run(0)->model());
    job->add({1.0F});
    ASSERT_TRUE(at.desk.turn());
    EXPECT_EQ(at.asked_bytes, infer::TextVectors::reading_bytes(test::small_config(), 200));
}

// However quickly they are made: whoever waits for memory to write a text is asked between them.
TEST(HostVectors, LetGoOfMemoryBetweenTexts) {
    const test::TestClock clock;
    ADesk at(clock);
    const VectorsJobPtr job =
        at.add({text::Tokens(200, 1), text::Tokens(200, 1), text::Tokens(200, 1)});
    for (int done = 1; done <= 3; ++done) {
        ASSERT_TRUE(at.desk.turn());
        EXPECT_EQ(at.budget.kv, 0U);
        EXPECT_EQ(job->is_over(), done == 3);
    }
    EXPECT_FALSE(at.desk.turn());
}

}  // namespace
}  // namespace cairn::host
