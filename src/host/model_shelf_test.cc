// Proves that models come into memory when they are wanted and leave it for others, that what does
// not load or fit is said with its reason while the others are served, and that memory is waited
// for without anybody being forgotten.
#include "host/model_shelf.h"

#include <deque>

#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;
using test::TestSource;

struct Hosted {
    std::unique_ptr<ModelHost> host;
    std::vector<TestSource*> sources;
};

Hosted host_of(std::vector<std::unique_ptr<TestSource>> sources, HostOptions options) {
    Hosted hosted;
    for (auto& source : sources) {
        hosted.sources.push_back(source.get());
        options.models.push_back(std::move(source));
    }
    options.threads = 2;
    hosted.host = ModelHost::start(std::move(options)).value();
    return hosted;
}

std::unique_ptr<TestSource> source(const std::string& id, bool at_start = false,
                                   std::uint64_t seed = 3) {
    return std::make_unique<TestSource>(id, test::small_model(test::small_config(), seed),
                                        at_start);
}

// Memory of one model of these with nothing running.
std::uint64_t model_bytes() {
    const model::Model model = test::small_model(test::small_config());
    return model::packed_model_bytes(model) +
           run_scratch_bytes(model.config, model.config.context, RunBounds());
}

std::uint64_t kv_bytes(std::size_t positions) {
    const model::ModelConfig config = test::small_config();
    return model::kv_cache_bytes(config, model::all_layers(config), positions, model::KvType::kF32);
}

TextRequest ask(const std::string& id, std::size_t tokens = 8) {
    TextRequest request = test::random_request(0, test::small_config());
    request.model = id;
    request.options.max_tokens = tokens;
    request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
    return request;
}

std::shared_ptr<Recorder> write(ModelHost& host, const TextRequest& request) {
    auto told = std::make_shared<Recorder>(request.answers);
    host.write(request, told);
    return told;
}

ModelState state(const ModelHost& host, std::size_t model) { return host.models()[model].state; }

TEST(ModelShelf, LoadsWhatIsAskedFor) {
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("early", true));
    sources.push_back(source("late"));
    std::promise<void> go;
    sources[0]->hold = go.get_future().share();
    const Hosted hosted = host_of(std::move(sources), {.memory_bytes = 4 * model_bytes()});
    EXPECT_EQ(state(*hosted.host, 0), ModelState::kLoading);
    EXPECT_EQ(state(*hosted.host, 1), ModelState::kAsleep);
    const auto told = write(*hosted.host, ask("early"));
    EXPECT_FALSE(told->has_ended());
    go.set_value();
    told->wait();
    EXPECT_FALSE(told->error.has_value());
    const auto late = write(*hosted.host, ask("late"));
    late->wait();
    EXPECT_FALSE(late->error.has_value());
    const HostedModel model = hosted.host->models()[1];
    EXPECT_EQ(model.state, ModelState::kReady);
    EXPECT_EQ(model.format, "test");
    EXPECT_EQ(model.chat_format, "plain");
    EXPECT_EQ(model.context, 256U);
    EXPECT_TRUE(model.writes);
    EXPECT_GT(model.parameters, 0U);
}

TEST(ModelShelf, SaysWhyAModelFailsAndServesTheOthers) {
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("broken", true));
    sources[0]->failure = "its weights are torn";
    sources.push_back(source("good", true));
    sources.push_back(source("silent"));
    sources[2]->with_tokenizer = false;
    const Hosted hosted = host_of(std::move(sources), {.memory_bytes = 4 * model_bytes()});
    for (int i = 0; i < 2; ++i) {
        const auto told = write(*hosted.host, ask("broken"));
        told->wait();
        ASSERT_TRUE(told->error.has_value());
        EXPECT_EQ(told->error->kind, HostErrorKind::kModelFailed);
        EXPECT_NE(told->error->message.find("its weights are torn"), std::string::npos);
    }
    EXPECT_EQ(hosted.host->models()[0].problem, "its weights are torn");
    EXPECT_EQ(hosted.sources[0]->opened, 1);
    const auto good = write(*hosted.host, ask("good"));
    good->wait();
    EXPECT_FALSE(good->error.has_value());
    const auto silent = write(*hosted.host, ask("silent"));
    silent->wait();
    ASSERT_TRUE(silent->error.has_value());
    EXPECT_NE(silent->error->message.find("its file has none"), std::string::npos);
    const auto nobody = write(*hosted.host, ask("nobody"));
    nobody->wait();
    EXPECT_EQ(nobody->error->kind, HostErrorKind::kNoSuchModel);
    // Whoever names none gets the first that can.
    const auto any = write(*hosted.host, ask(""));
    any->wait();
    EXPECT_EQ(any->prompt.model, "good");
}

TEST(ModelShelf, MakesRoomByTurns) {
    std::vector<std::unique_ptr<TestSource>> sources;
    for (const char* id : {"a", "b", "c"})
        sources.push_back(source(id, false, static_cast<std::uint64_t>(id[0])));
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = 2 * model_bytes() + kv_bytes(64)});
    for (const char* id : {"a", "b", "a", "c", "a", "b", "c"}) {
        const auto told = write(*hosted.host, ask(id));
        told->wait();
        ASSERT_FALSE(told->error.has_value()) << told->error->message;
        EXPECT_EQ(
            test::of(told->answers[0]),
            test::alone(test::small_model(test::small_config(), static_cast<std::uint64_t>(id[0])),
                        ask(id)));
    }
    // The least recently used went: "b" for "c", "c" for "b", "a" for "c".
    EXPECT_EQ(hosted.sources[0]->opened, 1);
    EXPECT_EQ(hosted.sources[1]->opened, 2);
    EXPECT_EQ(hosted.sources[2]->opened, 2);
    EXPECT_EQ(state(*hosted.host, 0), ModelState::kAsleep);
}

// All are asked for at once, and only one fits.
TEST(ModelShelf, EverybodyIsServedWhereOneFits) {
    std::vector<std::unique_ptr<TestSource>> sources;
    for (const char* id : {"a", "b", "c"})
        sources.push_back(source(id, false, static_cast<std::uint64_t>(id[0])));
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = model_bytes() + kv_bytes(64)});
    std::vector<std::shared_ptr<Recorder>> told;
    for (int i = 0; i < 12; ++i)
        told.push_back(write(*hosted.host, ask({static_cast<char>('a' + i % 3)})));
    for (const auto& each : told) {
        each->wait();
        EXPECT_FALSE(each->error.has_value());
    }
}

class Gate {
  public:
    void stop() {
        if (std::exchange(passed_, true)) return;
        reached_.set_value();
        go_.get_future().wait();
    }
    void wait() { reached_.get_future().wait(); }
    void open() { go_.set_value(); }

  private:
    bool passed_ = false;
    std::promise<void> reached_;
    std::promise<void> go_;
};

// "a" is asked for all the time, and both do not fit.
TEST(ModelShelf, WhoWaitsLongIsLetIn) {
    test::TestClock clock;
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("a", true, 'a'));
    sources.push_back(source("b", false, 'b'));
    const Hosted hosted = host_of(
        std::move(sources),
        {.memory_bytes = model_bytes() + kv_bytes(600), .max_sequences = 2, .clock = &clock});
    std::vector<std::shared_ptr<Recorder>> many;
    // The host's thread stops in the first token of two of them until it may go on.
    Gate first;
    Gate second;
    for (int i = 0; i < 30; ++i) {
        many.push_back(std::make_shared<Recorder>());
        if (i == 1) many[1]->on_piece = [&] { first.stop(); };
        if (i == 2) many[2]->on_piece = [&] { second.stop(); };
        // Ever longer, so that two never end at once.
        hosted.host->write(ask("a", static_cast<std::size_t>(100 + 5 * i)), many.back());
    }
    first.wait();
    const auto other = write(*hosted.host, ask("b"));
    first.open();
    second.wait();
    while (hosted.sources[1]->opened == 0) std::this_thread::yield();
    clock.advance_us(30'000'000);
    second.open();
    other->wait();
    EXPECT_FALSE(other->error.has_value());
    EXPECT_FALSE(many.back()->has_ended());
    for (const auto& each : many) {
        each->wait();
        EXPECT_FALSE(each->error.has_value());
    }
}

TEST(ModelShelf, SaysWhatCanNeverFit) {
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("m", true));
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = model_bytes() + kv_bytes(100)});
    const auto fits = write(*hosted.host, ask("m", 95));
    fits->wait();
    EXPECT_FALSE(fits->error.has_value());
    const auto not_memory = write(*hosted.host, ask("m", 96));
    not_memory->wait();
    ASSERT_TRUE(not_memory->error.has_value());
    EXPECT_EQ(not_memory->error->kind, HostErrorKind::kTooLong);
    EXPECT_NE(not_memory->error->message.find("limit"), std::string::npos);
    const auto not_context = write(*hosted.host, ask("m", 252));
    not_context->wait();
    EXPECT_EQ(not_context->error->kind, HostErrorKind::kTooLong);

    std::vector<std::unique_ptr<TestSource>> large;
    large.push_back(source("m"));
    const Hosted small = host_of(std::move(large), {.memory_bytes = model_bytes() - 1});
    const auto never = write(*small.host, ask("m"));
    never->wait();
    EXPECT_EQ(never->error->kind, HostErrorKind::kModelFailed);
}

TEST(ModelShelf, TextsWaitForMemoryInTheirOrder) {
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("m", true));
    const Hosted hosted = host_of(
        std::move(sources), {.memory_bytes = model_bytes() + kv_bytes(150), .prefix_bytes = 0});
    std::vector<std::shared_ptr<Recorder>> told;
    for (int i = 0; i < 12; ++i) told.push_back(write(*hosted.host, ask("m", i % 2 ? 20 : 90)));
    for (const auto& each : told) {
        each->wait();
        EXPECT_FALSE(each->error.has_value());
    }
    const std::string metrics = hosted.host->metrics();
    EXPECT_NE(metrics.find("cairn_host_requests_total{outcome=\"done\"} 12\n"), std::string::npos);
    EXPECT_NE(metrics.find("cairn_host_model{model=\"m\",state=\"ready\"} 1\n"), std::string::npos);
}

// Texts that wait for a model which then fails, and ask again when it can be read.
TEST(ModelShelf, TriesAgainWhatFailedLongAgo) {
    test::TestClock clock;
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(source("m"));
    sources[0]->failure = "it is not there yet";
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = 4 * model_bytes(), .clock = &clock});
    const auto embed = [&] {
        std::promise<bool> ok;
        hosted.host->embed({"m", {text::Tokens{1, 2}}, "e"}, [&](const auto& answer) {
            ok.set_value(std::holds_alternative<Vectors>(answer));
        });
        return ok.get_future().get();
    };
    write(*hosted.host, ask("m"))->wait();
    EXPECT_FALSE(embed());
    EXPECT_EQ(hosted.sources[0]->opened, 1);
    hosted.sources[0]->failure.clear();
    clock.advance_us(20'000'000);
    EXPECT_TRUE(embed());
    const auto again = write(*hosted.host, ask("m"));
    again->wait();
    EXPECT_FALSE(again->error.has_value());
    EXPECT_EQ(hosted.sources[0]->opened, 2);
}

TEST(ModelShelf, AnAnswerWithoutALimitGetsItsShareOfTheMemory) {
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(
        std::make_unique<TestSource>("m", test::small_model(test::small_config(4096))));
    const RunBounds bounds{.max_sequences = 4};
    const std::uint64_t own =
        model::packed_model_bytes(test::small_model(test::small_config(4096))) +
        run_scratch_bytes(test::small_config(4096), 4096, bounds);
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = own + kv_bytes(4400), .max_sequences = 4});
    const auto open = write(*hosted.host, ask("m", 0));
    open->wait();
    ASSERT_FALSE(open->error.has_value()) << open->error->message;
    EXPECT_EQ(open->answers[0].done->end, AnswerEnd::kContext);
    EXPECT_EQ(open->answers[0].done->tokens, 4400U / 4 - 5);
    // Whoever says how much he wants gets it, as far as there is room for one.
    const auto limited = write(*hosted.host, ask("m", 2000));
    limited->wait();
    EXPECT_EQ(limited->answers[0].done->tokens, 2000U);
}

TEST(ModelShelf, RefusesOptionsThatMakeNoSense) {
    EXPECT_FALSE(ModelHost::start({}).ok());
    HostOptions twice;
    twice.models.push_back(source("a"));
    twice.models.push_back(source("a"));
    EXPECT_FALSE(ModelHost::start(std::move(twice)).ok());
    HostOptions none;
    none.models.push_back(source("a"));
    none.max_sequences = 0;
    EXPECT_FALSE(ModelHost::start(std::move(none)).ok());
}

// Somebody reads a prompt, or makes vectors, with a model that makes room for another: its memory
// is not free before he has ended.
TEST(ModelShelf, WeightsCountForAsLongAsSomebodyComputesWithThem) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    test::TestClock clock;
    HostCounters counters;
    MemoryBudget budget{.limit = 2 * model_bytes() + kv_bytes(64)};
    PrefixMemory prefixes(budget, 0);
    TaskThread loading;
    std::mutex mutex;
    std::deque<std::function<void()>> tasks;
    std::vector<std::size_t> ready;
    std::vector<std::unique_ptr<ModelSource>> sources;
    for (const char* id : {"a", "b", "c"}) sources.push_back(source(id));
    ModelShelf shelf(std::move(sources), {}, 0,
                     {machine.compute, clock, counters, budget, prefixes}, machine.compute, loading,
                     [&](std::function<void()> task) {
                         const std::lock_guard lock(mutex);
                         tasks.push_back(std::move(task));
                     },
                     {[&](std::size_t model) { ready.push_back(model); },
                      [](std::size_t, const HostError& why) { FAIL() << why.message; }});
    const auto run_until = [&](const auto& done) {
        while (!done()) {
            std::function<void()> task;
            {
                const std::lock_guard lock(mutex);
                if (!tasks.empty()) {
                    task = std::move(tasks.front());
                    tasks.pop_front();
                }
            }
            if (task) task();
            std::this_thread::yield();
        }
    };
    for (const std::size_t model : {std::size_t{0}, std::size_t{1}}) {
        shelf.add_user(model);
        ASSERT_TRUE(shelf.want(model));
        run_until([&] { return ready.size() == model + 1; });
        shelf.remove_user(model);
    }
    std::shared_ptr<const ReadyModel> in_use = shelf.run(0)->model();
    EXPECT_EQ(budget.weights, 2 * model_bytes());
    shelf.add_user(2);
    ASSERT_TRUE(shelf.want(2));
    run_until([&] { return shelf.run(0) == nullptr; });
    EXPECT_EQ(budget.weights, 2 * model_bytes());
    shelf.place_waiting(false);
    EXPECT_NE(shelf.run(1), nullptr) << "what is coming suffices, nobody else has to go";
    EXPECT_EQ(ready.size(), 2U);
    in_use.reset();
    shelf.drop_older();
    EXPECT_EQ(budget.weights, model_bytes());
    shelf.place_waiting(false);
    run_until([&] { return ready.size() == 3; });
    EXPECT_EQ(budget.weights, 2 * model_bytes());
    loading.stop();
}

// The newest version made room and does not come back; who writes with an older one writes on.
TEST(ModelShelf, AnOlderVersionWritesOnThoughTheNewestCannotBeLoaded) {
    test::TestClock clock;
    const auto large = [](std::uint64_t seed) {
        return test::small_model(test::small_config(2048), seed);
    };
    const std::uint64_t bytes = model::packed_model_bytes(large(1)) +
                                run_scratch_bytes(test::small_config(2048), 2048, RunBounds());
    std::vector<std::unique_ptr<TestSource>> sources;
    sources.push_back(std::make_unique<TestSource>("m", large(1)));
    sources.push_back(std::make_unique<TestSource>("n", large(7), false));
    sources[0]->versioned = true;
    sources[0]->become(large(1), "m@1");
    const Hosted hosted =
        host_of(std::move(sources), {.memory_bytes = 2 * bytes + kv_bytes(2100), .clock = &clock});
    std::atomic<bool> hurry = false;
    const auto slow = std::make_shared<Recorder>();
    slow->on_piece = [&] {
        if (!hurry) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    };
    const TextRequest long_one = ask("m", 1900);
    hosted.host->write(long_one, slow);
    while (!slow->was_read) std::this_thread::yield();
    hosted.sources[0]->become(large(2), "m@2");
    hosted.host->refresh("m");
    while (hosted.host->models()[0].versions.size() < 2) std::this_thread::yield();
    hosted.sources[0]->failure = "its weights are torn";
    const auto other = write(*hosted.host, ask("n"));
    while (hosted.sources[1]->opened == 0) std::this_thread::yield();
    clock.advance_us(30'000'000);
    other->wait();
    EXPECT_FALSE(other->error.has_value());
    const auto newest = write(*hosted.host, ask("m"));
    newest->wait();
    ASSERT_TRUE(newest->error.has_value());
    EXPECT_FALSE(slow->has_ended());
    hurry = true;
    slow->wait();
    ASSERT_FALSE(slow->error.has_value()) << slow->error->message;
    EXPECT_EQ(test::of(slow->answers[0]), test::alone(large(1), long_one));
}

}  // namespace
}  // namespace cairn::host
