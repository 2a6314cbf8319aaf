// Proves that requests which begin alike compute the beginning once, also when they come at the
// same time, that answers of one request share its prompt, and that the bits are the same as
// without.
#include "host/test_host.h"

namespace cairn::host {
namespace {

using test::Recorder;

constexpr std::size_t kShared = 4 * PrefixCache::kBlock;

// Begins as all others do and ends in its own way.
TextRequest request_number(std::size_t i, const model::ModelConfig& config) {
    TextRequest request = test::random_request(2 * i + 1, config);
    text::Tokens prompt = model::random_tokens(kShared + 7, config.vocab, 1);
    const text::Tokens own = model::random_tokens(i % 5 * 9 + 1, config.vocab, 50 + i);
    prompt.insert(prompt.end(), own.begin(), own.end());
    request.prompt = prompt;
    return request;
}

void expect_alone(const model::Model& model, const TextRequest& request, const Recorder& told) {
    ASSERT_FALSE(told.error.has_value()) << told.error->message;
    for (std::size_t k = 0; k < told.answers.size(); ++k)
        EXPECT_EQ(test::of(told.answers[k]), test::alone(model, request, k));
}

TEST(PrefixSharing, ASecondRequestFindsWhatTheFirstComputed) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model);
    for (std::size_t i = 0; i < 4; ++i) {
        const TextRequest request = request_number(i, model.config);
        const auto told = std::make_shared<Recorder>();
        host->write(request, told);
        told->wait();
        EXPECT_EQ(told->prompt.cached, i == 0 ? 0 : kShared);
        EXPECT_EQ(told->prompt.tokens, std::get<text::Tokens>(request.prompt).size());
        expect_alone(model, request, *told);
    }
}

TEST(PrefixSharing, RequestsThatComeTogetherComputeItOnce) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model, {.prefill_rows = 16});
    std::vector<std::shared_ptr<Recorder>> told;
    for (std::size_t i = 0; i < 12; ++i) {
        told.push_back(std::make_shared<Recorder>());
        host->write(request_number(i, model.config), told.back());
    }
    std::size_t without = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
        told[i]->wait();
        expect_alone(model, request_number(i, model.config), *told[i]);
        without += told[i]->prompt.cached >= kShared ? 0 : 1;
    }
    EXPECT_EQ(without, 1U);
}

// Whoever shares little of a long prompt waits for that little only.
TEST(PrefixSharing, WhoSharesABeginningWaitsForNoMore) {
    const model::Model model = test::small_model(test::small_config(2048));
    const auto host = test::one_model_host(model, {.prefill_rows = 8});
    TextRequest slow = request_number(0, model.config);
    text::Tokens prompt = std::get<text::Tokens>(slow.prompt);
    const text::Tokens more = model::random_tokens(1800, model.config.vocab, 9);
    prompt.insert(prompt.end(), more.begin(), more.end());
    slow.prompt = prompt;
    const auto first = std::make_shared<Recorder>();
    const auto second = std::make_shared<Recorder>();
    std::atomic<bool> slow_was_later = false;
    second->on_piece = [&] { slow_was_later = first->answers[0].times_us.empty(); };
    TextRequest quick = request_number(1, model.config);
    quick.options.max_tokens = 1;
    host->write(slow, first);
    host->write(quick, second);
    second->wait();
    EXPECT_TRUE(slow_was_later);
    EXPECT_EQ(second->prompt.cached, kShared);
    first->wait();
    expect_alone(model, slow, *first);
    expect_alone(model, quick, *second);
}

TEST(PrefixSharing, AnswersToOnePromptShareIt) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model, {.prefill_rows = 16});
    TextRequest request = request_number(3, model.config);
    request.answers = 6;
    const auto told = std::make_shared<Recorder>(6);
    host->write(request, told);
    told->wait();
    expect_alone(model, request, *told);
    const std::string metrics = host->metrics();
    // Told of the first answer, which found nothing.
    EXPECT_EQ(told->prompt.cached, 0U);
    const auto again = std::make_shared<Recorder>(6);
    host->write(request, again);
    again->wait();
    EXPECT_GE(again->prompt.cached, kShared);
    expect_alone(model, request, *again);
}

// The next turn of a conversation begins with the last answer, too.
TEST(PrefixSharing, WhatWasWrittenIsKeptAsWell) {
    const model::Model model = test::small_model(test::small_config());
    const auto host = test::one_model_host(model);
    TextRequest request = request_number(0, model.config);
    request.options.max_tokens = 50;
    request.options.logit_bias = {{test::small_tokenizer()->begin_token(), -100.0F}};
    const auto first = std::make_shared<Recorder>();
    host->write(request, first);
    first->wait();
    text::Tokens prompt = std::get<text::Tokens>(request.prompt);
    const auto written = test::token_ids(first->answers[0]);
    ASSERT_EQ(written.size(), 50U);
    prompt.insert(prompt.end(), written.begin(), written.end());
    const std::size_t known = (prompt.size() - 1) / PrefixCache::kBlock * PrefixCache::kBlock;
    prompt.push_back(7);
    request.prompt = prompt;
    const auto second = std::make_shared<Recorder>();
    host->write(request, second);
    second->wait();
    EXPECT_EQ(second->prompt.cached, known);
    expect_alone(model, request, *second);
}

// Each text pushes the others' beginnings out.
TEST(PrefixSharing, ASmallMemoryChangesNoBit) {
    const model::Model model = test::small_model(test::small_config());
    const std::uint64_t block = model::kv_cache_bytes(model.config, model::all_layers(model.config),
                                                      PrefixCache::kBlock, model::KvType::kF32);
    const auto host = test::one_model_host(model, {.prefix_bytes = 5 * block, .prefill_rows = 16});
    std::vector<std::shared_ptr<Recorder>> told;
    const auto request = [&](std::size_t i) {
        TextRequest r = test::random_request(8, model.config);
        r.prompt = model::random_tokens(100, model.config.vocab, i % 3);
        return r;
    };
    for (std::size_t i = 0; i < 18; ++i) {
        told.push_back(std::make_shared<Recorder>());
        host->write(request(i), told.back());
    }
    for (std::size_t i = 0; i < told.size(); ++i) {
        told[i]->wait();
        expect_alone(model, request(i), *told[i]);
    }
}

}  // namespace
}  // namespace cairn::host
