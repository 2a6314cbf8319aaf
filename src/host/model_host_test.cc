// Proves that many requests at once get what each would get alone, whoever comes and goes, and that
// ends, cancels and errors are told as the seam says.
#include "host/model_host.h"

#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;

TEST(ModelHost, EverybodyGetsWhatHeWouldGetAlone) {
    for (const std::uint64_t prefix_bytes : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
        const model::Model model = test::small_model(test::small_config());
        const auto host = test::one_model_host(
            model, {.prefix_bytes = prefix_bytes, .max_sequences = 5, .prefill_rows = 16});
        test::expect_all_as_alone(*host, model, 40);
    }
}

TEST(ModelHost, AnswersAreSampledWithSeedsOfTheirOwn) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model, {.max_sequences = 3});
    TextRequest request = test::random_request(8, model.config);
    request.options.sampling = {.temperature = 1.0F, .seed = 77};
    request.answers = 7;
    const auto told = std::make_shared<Recorder>(7);
    host->write(request, told);
    told->wait();
    ASSERT_FALSE(told->error.has_value());
    for (std::size_t k = 0; k < 7; ++k)
        EXPECT_EQ(test::of(told->answers[k]), test::alone(model, request, k)) << k;
}

TEST(ModelHost, StopStringsEndATextBetweenAndInsideTokens) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model);
    TextRequest request = test::random_request(2, model.config);
    request.options.max_tokens = 40;
    request.options.sampling = {.temperature = 1.5F, .seed = 5};
    request.options.logprobs = false;
    const auto whole = std::make_shared<Recorder>();
    host->write(request, whole);
    whole->wait();
    const std::string text = whole->answers[0].text;
    ASSERT_GT(text.size(), 20U);
    for (const auto& [at, length] : {std::pair{5, 1}, {7, 6}, {11, 3}}) {
        const std::string stop =
            text.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(length));
        TextRequest stopped = request;
        stopped.stops = {stop, "no such text"};
        const auto told = std::make_shared<Recorder>();
        host->write(stopped, told);
        told->wait();
        EXPECT_EQ(told->answers[0].text, text.substr(0, text.find(stop)));
        EXPECT_EQ(told->answers[0].done->end, AnswerEnd::kStopString);
    }
}

// What is held back since it may become a stop string is text before the next token all the same.
TEST(ModelHost, ATokensPlaceIsNotMovedByStopStrings) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model);
    TextRequest request = test::random_request(2, model.config);
    request.options.max_tokens = 40;
    request.options.sampling = {.temperature = 1.5F, .seed = 5};
    request.options.logprobs = true;
    const auto plain = std::make_shared<Recorder>();
    host->write(request, plain);
    plain->wait();
    for (std::size_t at = 0; at < 8; ++at)  // each begins like the text somewhere
        request.stops.push_back(plain->answers[0].text.substr(at, 9) + "no such text");
    const auto held = std::make_shared<Recorder>();
    host->write(request, held);
    held->wait();
    EXPECT_EQ(held->answers[0].text, plain->answers[0].text);
    ASSERT_EQ(plain->answers[0].offsets.size(), 40U);
    EXPECT_GT(plain->answers[0].offsets.back(), plain->answers[0].offsets.front() + 20);
    EXPECT_EQ(held->answers[0].offsets, plain->answers[0].offsets);
}

TEST(ModelHost, TellsHowATextEnds) {
    const model::Model model = test::small_model(test::small_config(64));
    const auto host = test::one_model_host(model);
    TextRequest request = test::random_request(0, model.config);
    const auto limited = std::make_shared<Recorder>();
    request.options.max_tokens = 3;
    host->write(request, limited);
    const auto open = std::make_shared<Recorder>();
    request.options.max_tokens = 0;
    request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
    host->write(request, open);
    limited->wait();
    open->wait();
    EXPECT_EQ(limited->answers[0].done->end, AnswerEnd::kMaxTokens);
    EXPECT_EQ(limited->answers[0].done->tokens, 3U);
    EXPECT_EQ(open->answers[0].done->end, AnswerEnd::kContext);
    EXPECT_EQ(open->answers[0].done->tokens, 64U - 5U);
    EXPECT_EQ(open->prompt.tokens, 5U);
}

}  // namespace
}  // namespace cairn::host
