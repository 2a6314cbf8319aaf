// Proves that those who ask share a host fairly: equal streams get equal shares, a client who asks
// much does not hold up others, too much is refused at once, and who leaves frees his place.
#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;

TextRequest endless(const std::string& client, std::size_t tokens) {
    TextRequest request;
    request.model = "m";
    request.prompt = text::Tokens{1, 2, 3};
    request.options.max_tokens = tokens;
    request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
    request.client = client;
    return request;
}

// Judged by the tokens that each stream had when the first of them ended. All ask before the model
// is there, or the first would have ended before the last has asked.
TEST(Sharing, EqualStreamsGetEqualShares) {
    auto source = std::make_unique<test::TestSource>("m", test::small_model(test::small_config()));
    std::promise<void> all_have_asked;
    source->hold = all_have_asked.get_future().share();
    HostOptions options{.threads = 2, .memory_bytes = std::uint64_t{64} << 20, .max_sequences = 32};
    options.models.push_back(std::move(source));
    const auto host = ModelHost::start(std::move(options)).value();
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::size_t i = 0; i < 32; ++i) {
        TextRequest request = endless("client " + std::to_string(i), 200);
        request.options.logprobs = true;
        told.push_back(std::make_shared<Recorder>());
        host->write(request, told.back());
    }
    all_have_asked.set_value();
    for (const auto& each : told) each->wait();
    std::uint64_t first_end = ~std::uint64_t{0};
    for (const auto& each : told) first_end = std::min(first_end, each->answers[0].times_us.back());
    std::size_t least = 200;
    std::size_t most = 0;
    for (const auto& each : told) {
        const auto& times = each->answers[0].times_us;
        const auto count = static_cast<std::size_t>(
            std::ranges::count_if(times, [&](std::uint64_t t) { return t <= first_end; }));
        least = std::min(least, count);
        most = std::max(most, count);
    }
    EXPECT_GE(static_cast<double>(least), 0.8 * static_cast<double>(most)) << least << ' ' << most;
}

TEST(Sharing, WhoAsksOnceIsNotBehindWhoAskedForty) {
    auto source = std::make_unique<test::TestSource>("m", test::small_model(test::small_config()));
    std::promise<void> all_have_asked;
    source->hold = all_have_asked.get_future().share();
    HostOptions options{.threads = 2, .memory_bytes = std::uint64_t{64} << 20, .max_sequences = 2};
    options.models.push_back(std::move(source));
    const auto host = ModelHost::start(std::move(options)).value();
    std::vector<std::shared_ptr<Recorder>> many;
    for (std::size_t i = 0; i < 40; ++i) {
        many.push_back(std::make_shared<Recorder>());
        host->write(endless("greedy", 200), many.back());
    }
    const auto one = std::make_shared<Recorder>();
    std::ptrdiff_t before = -1;
    one->on_piece = [&] {
        if (before < 0)
            before =
                std::ranges::count_if(many, [](const auto& each) { return each->has_ended(); });
    };
    host->write(endless("modest", 50), one);
    all_have_asked.set_value();
    one->wait();
    EXPECT_LT(before, 8);
    for (const auto& each : many) each->wait();
}

TEST(Sharing, TooMuchIsRefusedAtOnce) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model, {.max_sequences = 1, .max_waiting = 6});
    std::vector<std::shared_ptr<Recorder>> told;
    const auto write = [&](const std::string& client) {
        told.push_back(std::make_shared<Recorder>());
        return host->write(endless(client, 250), told.back());
    };
    const RequestId running = write("a");
    while (!told[0]->was_read) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) write("a");
    write("a");
    ASSERT_TRUE(told.back()->error.has_value());
    EXPECT_EQ(told.back()->error->kind, HostErrorKind::kFull);
    for (int i = 0; i < 3; ++i) write("b");
    EXPECT_FALSE(told.back()->has_ended());
    write("c");
    ASSERT_TRUE(told.back()->error.has_value());
    EXPECT_EQ(told.back()->error->kind, HostErrorKind::kFull);
    host->cancel(running);
    for (const auto& each : told) each->wait();
    // All places are free again.
    write("c");
    told.back()->wait();
    EXPECT_FALSE(told.back()->error.has_value());
}

TEST(Sharing, WhoLeavesIsToldSoAndFreesHisPlace) {
    const model::Model model = test::small_model(test::small_config(2048));
    const auto host = test::one_model_host(model, {.max_sequences = 2});
    const auto gone = std::make_shared<Recorder>(4);
    TextRequest four = endless("a", 2000);
    four.answers = 4;
    const RequestId id = host->write(four, gone);
    const auto waits = std::make_shared<Recorder>();
    const RequestId waiting = host->write(endless("b", 2000), waits);
    const auto next = std::make_shared<Recorder>();
    host->write(endless("c", 3), next);
    host->cancel(waiting);
    waits->wait();
    EXPECT_EQ(waits->answers[0].done->end, AnswerEnd::kCancelled);
    host->cancel(id);
    gone->wait();
    for (const auto& answer : gone->answers) EXPECT_EQ(answer.done->end, AnswerEnd::kCancelled);
    next->wait();
    EXPECT_EQ(next->answers[0].done->end, AnswerEnd::kMaxTokens);
    host->cancel(id);
    host->cancel(9999);
    EXPECT_NE(host->metrics().find("cairn_host_requests_total{outcome=\"cancelled\"} 2\n"),
              std::string::npos);
}

TEST(Sharing, AListenerMayCancelFromInside) {
    const model::Model model = test::small_model(test::small_config(2048));
    const auto host = test::one_model_host(model);
    const auto told = std::make_shared<Recorder>();
    std::atomic<RequestId> id = 0;
    told->on_piece = [&] {
        if (id != 0) host->cancel(id);
    };
    id = host->write(endless("a", 2000), told);
    told->wait();
    EXPECT_EQ(told->answers[0].done->end, AnswerEnd::kCancelled);
    EXPECT_LT(told->answers[0].done->tokens, 2000U);
}

TEST(Sharing, AHostThatEndsTellsEverybody) {
    const model::Model model = test::small_model(test::small_config(2048));
    std::vector<std::shared_ptr<Recorder>> told;
    std::atomic<int> vectors = 0;
    {
        const auto host = test::one_model_host(model, {.max_sequences = 3, .prefill_rows = 4});
        for (std::size_t i = 0; i < 30; ++i) {
            TextRequest request = endless("client " + std::to_string(i % 4), 0);
            if (i % 3 == 0) request.prompt = model::random_tokens(2000, model.config.vocab, i);
            told.push_back(std::make_shared<Recorder>());
            host->write(request, told.back());
            host->embed({"m", {std::string("the cat"), std::string("the hat")}, "e"},
                        [&](const auto&) { ++vectors; });
        }
        while (!told[1]->was_read) std::this_thread::yield();
    }
    for (const auto& each : told) {
        ASSERT_TRUE(each->has_ended());
        EXPECT_EQ(each->answers[0].done->end, AnswerEnd::kCancelled);
    }
    EXPECT_EQ(vectors, 30);
}

}  // namespace
}  // namespace cairn::host
