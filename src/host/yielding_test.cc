// Proves that nobody holds places or memory for as long as he likes to write: who has nothing gets
// some after a turn, whoever gave it up goes on later, and everybody gets the bits that he would
// have got alone.
#include "host/yielding.h"

#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;

constexpr std::uint64_t kAll = ~std::uint64_t{0};

TEST(Yielding, AClientGivesUpPlacesUntilBothHaveAsMany) {
    EXPECT_TRUE(yields_place(16, 0, kPlaceTurn_us));
    EXPECT_TRUE(yields_place(9, 7, kPlaceTurn_us));
    EXPECT_FALSE(yields_place(8, 7, kAll));
    EXPECT_FALSE(yields_place(16, 0, kPlaceTurn_us - 1));
    // One place each: whoever has none waits for a longer turn.
    EXPECT_FALSE(yields_place(1, 0, kLongTurn_us - 1));
    EXPECT_TRUE(yields_place(1, 0, kLongTurn_us));
    EXPECT_FALSE(yields_place(1, 1, kAll));
}

TEST(Yielding, MemoryIsGivenUpAfterTurnsThatDouble) {
    MemoryHeld held{.bytes = 10, .client_bytes = 40, .worked_us = kPlaceTurn_us};
    EXPECT_TRUE(yields_memory(held, 0, 30));
    EXPECT_FALSE(yields_memory(held, 1, 30));
    EXPECT_FALSE(yields_memory(held, 0, 31));
    held.worked_us = kLongTurn_us;
    EXPECT_TRUE(yields_memory(held, 0, 1000));  // who has nothing has his turn
    EXPECT_FALSE(yields_memory(held, 1, 1000));
    EXPECT_TRUE(yields_to_model(held));
    held.evictions = 3;
    EXPECT_FALSE(yields_memory(held, 0, 30));
    held.worked_us = kPlaceTurn_us << 3;
    EXPECT_TRUE(yields_memory(held, 0, 30));
    EXPECT_FALSE(yields_to_model(held));
}

class HostYields : public testing::Test {
  protected:
    static constexpr std::size_t kContext = 2048;

    static TextRequest request(const std::string& client, std::size_t tokens, std::uint64_t seed) {
        TextRequest request;
        request.model = "m";
        request.prompt = model::random_tokens(40, config().vocab, seed);
        request.options.max_tokens = tokens;
        request.options.logprobs = true;
        request.options.sampling = {.temperature = 1.1F,
                                    .repetition_penalty = 1.1F,
                                    .presence_penalty = 0.5F,
                                    .frequency_penalty = 0.5F,
                                    .seed = seed};
        request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
        request.client = client;
        return request;
    }
    static model::ModelConfig config() { return test::small_config(kContext); }
    static std::uint64_t model_bytes(const HostOptions& options) {
        return model::packed_model_bytes(test::small_model(config())) +
               run_scratch_bytes(config(), kContext, {.max_sequences = options.max_sequences});
    }
    static std::uint64_t kv_bytes(std::size_t positions) {
        return model::kv_cache_bytes(config(), model::all_layers(config()), positions,
                                     model::KvType::kF32);
    }
    std::unique_ptr<ModelHost> start(HostOptions options) {
        options.clock = &clock_;
        options.threads = 2;
        if (options.memory_bytes == 0) options.memory_bytes = std::uint64_t{256} << 20;
        auto source = std::make_unique<test::TestSource>("m", model_);
        source->version = "1";
        options.models.push_back(std::move(source));
        return ModelHost::start(std::move(options)).value();
    }
    static std::shared_ptr<Recorder> write(ModelHost& host, const TextRequest& asked) {
        auto told = std::make_shared<Recorder>(asked.answers);
        host.write(asked, told);
        return told;
    }
    /// Until it has been read, so that it has its place.
    static void await_begin(const Recorder& told) {
        while (!told.was_read) std::this_thread::yield();
    }
    void expect_alone(const TextRequest& asked, Recorder& told) {
        told.wait();
        ASSERT_FALSE(told.error.has_value()) << told.error->message;
        for (std::size_t k = 0; k < told.answers.size(); ++k)
            EXPECT_EQ(test::of(told.answers[k]), test::alone(model_, asked, k)) << k;
    }
    static bool counts(const ModelHost& host, const std::string& name, bool any) {
        const bool none = host.metrics().find(name + " 0\n") != std::string::npos;
        return none != any;
    }

    test::TestClock clock_;
    const model::Model model_ = test::small_model(config());
};

TEST_F(HostYields, PlacesToWhoHasNone) {
    const auto host = start({.max_sequences = 4});
    TextRequest much = request("greedy", 1200, 1);
    much.answers = 4;
    const auto greedy = write(*host, much);
    // All four have their places; the later ones wait for the first one's prompt.
    while (host->metrics().find("cairn_host_running 4\n") == std::string::npos)
        std::this_thread::yield();
    clock_.advance_us(kPlaceTurn_us);
    const TextRequest little = request("modest", 5, 2);
    const auto modest = write(*host, little);
    modest->wait();
    EXPECT_FALSE(greedy->has_ended());
    EXPECT_TRUE(counts(*host, "cairn_host_yields_total", true));
    expect_alone(little, *modest);
    expect_alone(much, *greedy);
    EXPECT_TRUE(counts(*host, "cairn_host_evictions_total", false));
}

// A place that is taken for the second time goes on in the same words, however often, also where
// places are fewer than those who ask.
TEST_F(HostYields, OnePlaceGoesRound) {
    const auto host = start({.max_sequences = 1});
    std::vector<TextRequest> asked;
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::uint64_t i = 0; i < 3; ++i) {
        asked.push_back(request("client " + std::to_string(i), 300, i));
        told.push_back(write(*host, asked.back()));
    }
    while (!std::ranges::all_of(told, [](const auto& each) { return each->has_ended(); })) {
        clock_.advance_us(kLongTurn_us);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (std::size_t i = 0; i < told.size(); ++i) expect_alone(asked[i], *told[i]);
    EXPECT_TRUE(counts(*host, "cairn_host_yields_total", true));
}

// With and without a cache of what was computed: what was given up is found there, or read again.
TEST_F(HostYields, MemoryToWhoHasNone) {
    for (const std::uint64_t prefixes : {std::uint64_t{0}, std::uint64_t{64} << 20}) {
        HostOptions options{.prefix_bytes = prefixes, .max_sequences = 8};
        options.memory_bytes = model_bytes(options) + kv_bytes(5 * (1000 + 40) / 2);
        const auto host = start(std::move(options));
        const std::vector<TextRequest> much = {request("greedy", 1000, 1),
                                               request("greedy", 1000, 2)};
        std::vector<std::shared_ptr<Recorder>> greedy;
        for (const TextRequest& each : much) greedy.push_back(write(*host, each));
        for (const auto& each : greedy) await_begin(*each);
        clock_.advance_us(kPlaceTurn_us);
        const TextRequest own = request("modest", 1000, 3);
        const auto modest = std::make_shared<Recorder>(own.answers);
        std::ptrdiff_t ended_before = -1;
        modest->on_piece = [&] {
            if (ended_before < 0)
                ended_before = std::ranges::count_if(
                    greedy, [](const auto& each) { return each->has_ended(); });
        };
        host->write(own, modest);
        expect_alone(own, *modest);
        EXPECT_EQ(ended_before, 0);
        EXPECT_TRUE(counts(*host, "cairn_host_evictions_total", true));
        for (std::size_t i = 0; i < greedy.size(); ++i) expect_alone(much[i], *greedy[i]);
    }
}

// Whoever leaves while his answer waits to go on frees what it held.
TEST_F(HostYields, WhoLeavesMeanwhileFreesWhatHeHeld) {
    const auto host = start({.max_sequences = 1});
    const auto gone = std::make_shared<Recorder>();
    const RequestId id = host->write(request("a", 1900, 1), gone);
    await_begin(*gone);
    clock_.advance_us(kLongTurn_us);
    const auto next = write(*host, request("b", 1900, 2));
    await_begin(*next);
    host->cancel(id);
    gone->wait();
    EXPECT_EQ(gone->answers[0].done->end, AnswerEnd::kCancelled);
    next->wait();
    while (host->metrics().find("cairn_host_kv_bytes 0\n") == std::string::npos)
        std::this_thread::yield();
}

// A model that has no room beside one that writes gets its turn too; what was being written goes on
// when the other has come back.
TEST_F(HostYields, AModelToAnother) {
    HostOptions options{.prefix_bytes = 0, .max_sequences = 2};
    options.memory_bytes = model_bytes(options) + kv_bytes(kContext);
    options.clock = &clock_;
    options.threads = 2;
    for (const char* id : {"m", "other"}) {
        auto source = std::make_unique<test::TestSource>(id, model_, false);
        source->version = "1";
        options.models.push_back(std::move(source));
    }
    const auto host = ModelHost::start(std::move(options)).value();
    const TextRequest first = request("a", 1900, 1);
    const auto told = write(*host, first);
    await_begin(*told);
    TextRequest second = request("b", 5, 2);
    second.model = "other";
    const auto other = write(*host, second);
    while (!other->has_ended() && !told->has_ended()) {
        clock_.advance_us(kLongTurn_us / 4);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_FALSE(told->has_ended());
    expect_alone(second, *other);
    std::atomic<bool> ended = false;
    std::thread time([&] {
        while (!ended) {
            clock_.advance_us(kLongTurn_us / 4);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    expect_alone(first, *told);
    ended = true;
    time.join();
    EXPECT_TRUE(counts(*host, "cairn_host_unloads_total", true));
}

// A model that was loaded for somebody serves him before it makes room again for what waits for
// memory; otherwise it would be loaded in vain, time and again.
TEST_F(HostYields, ToVectorsWhoseModelHasJustBeenLoaded) {
    model::ModelConfig encoder = model::families().back().config;
    encoder.vocab = test::small_tokenizer()->vocab_size();
    HostOptions options{.prefix_bytes = 0, .max_sequences = 2};
    options.memory_bytes = model_bytes(options) + kv_bytes(kContext);
    options.clock = &clock_;
    options.threads = 2;
    auto writer = std::make_unique<test::TestSource>("m", model_, false);
    auto reader = std::make_unique<test::TestSource>("vectors", test::small_model(encoder), false);
    writer->version = reader->version = "1";
    const test::TestSource& loaded = *reader;
    options.models.push_back(std::move(writer));
    options.models.push_back(std::move(reader));
    const auto host = ModelHost::start(std::move(options)).value();
    const TextRequest asked = request("a", 1900, 1);
    const auto text = write(*host, asked);
    await_begin(*text);
    std::promise<std::variant<Vectors, HostError>> promise;
    auto vectors = promise.get_future();
    host->embed({"vectors", {text::Tokens{1, 2, 3}}, "b"},
                [&](auto result) { promise.set_value(std::move(result)); });
    while (vectors.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready &&
           !text->has_ended())
        clock_.advance_us(kLongTurn_us / 4);
    EXPECT_FALSE(text->has_ended());
    EXPECT_TRUE(std::holds_alternative<Vectors>(vectors.get()));
    EXPECT_EQ(loaded.opened, 1);
    expect_alone(asked, *text);
}

}  // namespace
}  // namespace cairn::host
