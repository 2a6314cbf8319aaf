// Proves that answers have OpenAI's shapes, whole and in a stream: texts, reasons to end, usage,
// log-probabilities of both forms, vectors of both encodings; and that the host is asked for what
// the request says.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "openai/answer_json.h"
#include "openai/base64.h"
#include "openai/test_api.h"

namespace cairn::openai {
namespace {

using Json = nlohmann::json;
using Answers = ApiFixture;

TEST_F(Answers, AChatIsAnsweredWhole) {
    const auto reply = chat("");
    EXPECT_EQ(reply->response.status, 200u);
    EXPECT_EQ(reply->ends, 1);
    const Json json = reply->json();
    EXPECT_EQ(json["object"], "chat.completion");
    EXPECT_TRUE(json["id"].get<std::string>().starts_with("chatcmpl-"));
    EXPECT_EQ(json["created"], 1'700'000'000);
    EXPECT_EQ(json["model"], "tiny");
    EXPECT_EQ(json["system_fingerprint"], "cairn_numerics_1_kv_f16");
    EXPECT_EQ(json["choices"],
              Json::parse(R"([{"index":0,"message":{"role":"assistant","content":"Hé llo!",)"
                          R"("refusal":null},"logprobs":null,"finish_reason":"stop"}])"));
    EXPECT_EQ(json["usage"],
              Json::parse(R"({"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,)"
                          R"("prompt_tokens_details":{"cached_tokens":4}})"));
    ASSERT_EQ(noted_.size(), 1u);
    EXPECT_EQ(noted_[0].status, 200u);
    EXPECT_EQ(noted_[0].completion_tokens, 5u);
    EXPECT_EQ(noted_[0].waited_us, 1500u);
}

TEST(AnswerHead, NamesAllThatDecidesItsBits) {
    const auto fingerprint = [](tensor::KvType kv, tensor::StateType states) {
        return Json::parse(whole_answer({Form::kChat, "id", 0, "tiny", kv, states}, {}, {}))
            .at("system_fingerprint")
            .get<std::string>();
    };
    using tensor::KvType, tensor::StateType;
    EXPECT_EQ(fingerprint(KvType::kF32, StateType::kF32), "cairn_numerics_1");
    EXPECT_EQ(fingerprint(KvType::kDigits, StateType::kF32), "cairn_numerics_1_kv_digits");
    EXPECT_EQ(fingerprint(KvType::kF16, StateType::kI8), "cairn_numerics_1_kv_f16_wire_i8");
}

TEST_F(Answers, AChatIsAnsweredInEvents) {
    const auto reply = chat(R"("stream":true,"stream_options":{"include_usage":true})");
    EXPECT_TRUE(reply->streamed);
    EXPECT_EQ(reply->ends, 1);
    EXPECT_TRUE(reply->response.content_type.starts_with("text/event-stream"));
    const auto events = reply->events();
    ASSERT_EQ(events.size(), 7u);
    EXPECT_EQ(events[0]["object"], "chat.completion.chunk");
    EXPECT_EQ(events[0]["choices"][0]["delta"]["role"], "assistant");
    EXPECT_TRUE(events[0]["usage"].is_null() && events[0].contains("usage"));
    std::string text;
    for (std::size_t i = 1; i < 4; ++i) {
        EXPECT_EQ(events[i]["id"], events[0]["id"]);
        EXPECT_TRUE(events[i]["choices"][0]["finish_reason"].is_null());
        text += events[i]["choices"][0]["delta"]["content"];
    }
    EXPECT_EQ(text, "Hé llo!");
    EXPECT_EQ(events[4]["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(events[4]["choices"][0]["delta"], Json::object());
    EXPECT_EQ(events[5]["choices"], Json::array());
    EXPECT_EQ(events[5]["usage"]["total_tokens"], 12);
    EXPECT_EQ(events[6], "[DONE]");
    for (const Json& event : chat(R"("stream":true)")->events())
        EXPECT_FALSE(event.is_object() && event.contains("usage"));
}

TEST_F(Answers, CompletionsOfSeveralPromptsHaveTheirPlaces) {
    const auto reply = completion(R"("prompt":["a","b"],"n":2,"echo":true,"best_of":2)");
    const Json json = reply->json();
    EXPECT_EQ(json["object"], "text_completion");
    ASSERT_EQ(json["choices"].size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(json["choices"][i]["index"], i);
        EXPECT_EQ(json["choices"][i]["text"], i < 2 ? "aHé llo!" : "bHé llo!");
        EXPECT_EQ(json["choices"][i]["finish_reason"], "stop");
    }
    EXPECT_EQ(json["usage"]["prompt_tokens"], 14);
    EXPECT_EQ(json["usage"]["completion_tokens"], 20);
    const auto streamed = completion(R"("prompt":["a","b"],"stream":true,"echo":true)")->events();
    std::string texts[2];
    for (const Json& event : streamed)
        if (event.is_object())
            texts[event["choices"][0]["index"].get<std::size_t>()] +=
                event["choices"][0]["text"].get<std::string>();
    EXPECT_EQ(texts[0], "aHé llo!");
    EXPECT_EQ(texts[1], "bHé llo!");
}

TEST_F(Answers, LogprobsOfAChatHaveBytes) {
    const Json content =
        chat(R"("logprobs":true,"top_logprobs":2)")->json()["choices"][0]["logprobs"]["content"];
    ASSERT_EQ(content.size(), 4u);
    EXPECT_EQ(content[0]["token"], "H");
    EXPECT_EQ(content[0]["logprob"], -0.5);
    EXPECT_EQ(content[1]["token"], "\\xc3");
    EXPECT_EQ(content[1]["bytes"], Json::parse("[195]"));
    EXPECT_EQ(content[2]["bytes"], Json::parse("[169,32,108,108,111]"));
    ASSERT_EQ(content[0]["top_logprobs"].size(), 2u);
    EXPECT_EQ(content[0]["top_logprobs"][1]["token"], "other");
    EXPECT_EQ(content[0]["top_logprobs"][1]["logprob"], -9999.0);
    // In a stream a token without text is an event of its own.
    const auto events = chat(R"("logprobs":true,"stream":true)")->events();
    ASSERT_EQ(events.size(), 7u);
    EXPECT_EQ(events[2]["choices"][0]["delta"]["content"], "");
    EXPECT_EQ(events[2]["choices"][0]["logprobs"]["content"][0]["bytes"], Json::parse("[195]"));
}

TEST_F(Answers, LogprobsOfACompletionHaveOffsets) {
    const Json logprobs =
        completion(R"("prompt":"x","logprobs":2)")->json()["choices"][0]["logprobs"];
    EXPECT_EQ(logprobs["tokens"],
              Json::parse(R"(["H","bytes:\\xc3","bytes:\\xa9\\x20\\x6c\\x6c\\x6f","!"])"));
    EXPECT_EQ(logprobs["text_offset"], Json::parse("[0,1,1,6]"));
    EXPECT_EQ(logprobs["token_logprobs"], Json::parse("[-0.5,-0.5,-0.5,-0.5]"));
    EXPECT_EQ(logprobs["top_logprobs"][0], Json::parse(R"({"H":-0.5,"other":-9999.0})"));
    const Json none = completion(R"("prompt":"x","logprobs":0)")->json()["choices"][0]["logprobs"];
    EXPECT_EQ(none["top_logprobs"][0], Json::object());
}

// Text that is held back, since it may become a stop string, is before the next token all the same.
TEST_F(Answers, OffsetsCountWhatIsNotShownYet) {
    for (const char* stream : {"false", "true"}) {
        host_.held = true;
        const auto reply =
            completion(std::string(R"("prompt":"x","logprobs":0,"stream":)") + stream);
        const auto listener = std::exchange(host_.waiting, {}).begin()->second;
        listener->read(FakeHost::read());
        const host::TextRequest& asked = host_.asked.back();
        FakeHost::piece(asked, *listener, 0, "", "a", 0);
        FakeHost::piece(asked, *listener, 0, "", "b", 1);
        FakeHost::piece(asked, *listener, 0, "abc", "c", 2);
        listener->done({0, host::AnswerEnd::kMaxTokens, 3});
        Json offsets = Json::array();
        for (const Json& json : reply->streamed ? reply->events() : std::vector{reply->json()})
            if (json.is_object() && json["choices"][0]["logprobs"].is_object())
                for (const Json& offset : json["choices"][0]["logprobs"]["text_offset"])
                    offsets.push_back(offset);
        EXPECT_EQ(offsets, Json::parse("[0,1,2]")) << stream;
    }
}

TEST_F(Answers, TheHostIsAskedForWhatTheRequestSays) {
    (void)ask("POST", "/v1/chat/completions",
              R"({"model":"tiny","messages":[{"role":"developer","content":"Be"},)"
              R"({"role":"system","content":[{"type":"text","text":"brief"},)"
              R"({"type":"text","text":"."}]},{"role":"user","content":"Hi","name":"Ann"}],)"
              R"("temperature":0.5,"top_p":0.75,"top_k":40,"min_p":0.125,)"
              R"("repetition_penalty":1.5,"presence_penalty":0.25,"frequency_penalty":-0.25,)"
              R"("seed":-1,"n":2,"stop":["a","b"],"max_completion_tokens":9,)"
              R"("logit_bias":{"5":-100,"7":1.5},"logprobs":true,"top_logprobs":3})");
    ASSERT_EQ(host_.asked.size(), 1u);
    const host::TextRequest& asked = host_.asked[0];
    const auto& messages = std::get<host::Conversation>(asked.prompt);
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].role, "system");
    EXPECT_EQ(messages[0].content, "Be\n\nbrief\n.");
    EXPECT_EQ(messages[1].content, "Hi");
    const tensor::SampleSettings& sampling = asked.options.sampling;
    EXPECT_EQ(sampling.temperature, 0.5F);
    EXPECT_EQ(sampling.top_p, 0.75F);
    EXPECT_EQ(sampling.top_k, 40u);
    EXPECT_EQ(sampling.min_p, 0.125F);
    EXPECT_EQ(sampling.repetition_penalty, 1.5F);
    EXPECT_EQ(sampling.presence_penalty, 0.25F);
    EXPECT_EQ(sampling.frequency_penalty, -0.25F);
    EXPECT_EQ(sampling.seed, ~std::uint64_t{0});
    EXPECT_EQ(asked.options.max_tokens, 9u);
    EXPECT_TRUE(asked.options.logprobs);
    EXPECT_EQ(asked.options.top_logprobs, 3u);
    ASSERT_EQ(asked.options.logit_bias.size(), 2u);
    EXPECT_EQ(asked.options.logit_bias[0].token, 5u);
    EXPECT_EQ(asked.options.logit_bias[1].bias, 1.5F);
    EXPECT_EQ(asked.stops, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(asked.answers, 2u);
    EXPECT_EQ(asked.client, "connection 1");
}

TEST_F(Answers, DefaultsAreOpenAIs) {
    (void)chat("");
    (void)chat(R"("top_p":0,"top_k":-1)", "");
    (void)completion(R"("prompt":[[1,2],[3]])");
    ASSERT_EQ(host_.asked.size(), 4u);
    EXPECT_EQ(host_.asked[0].options.sampling.temperature, 1.0F);
    EXPECT_EQ(host_.asked[0].options.sampling.top_p, 1.0F);
    EXPECT_EQ(host_.asked[0].options.max_tokens, 0u);
    EXPECT_NE(host_.asked[0].options.sampling.seed, host_.asked[1].options.sampling.seed);
    EXPECT_EQ(host_.asked[1].options.sampling.top_k, 1u);
    EXPECT_EQ(host_.asked[1].options.sampling.top_p, 1.0F);
    EXPECT_EQ(host_.asked[1].model, "tiny");  // the first that writes
    EXPECT_EQ(host_.asked[2].options.max_tokens, 16u);
    EXPECT_EQ(std::get<text::Tokens>(host_.asked[3].prompt), text::Tokens{3});
}

TEST_F(Answers, WithoutANameWhatCanDoItAnswersThoughItSleeps) {
    host_.state = host::ModelState::kAsleep;
    host_.encoder_first = true;
    (void)chat("", "");
    ASSERT_EQ(host_.asked.size(), 1u);
    EXPECT_EQ(host_.asked[0].model, "tiny") << "not the encoder, which comes first";
    host_.encoder_first = false;
    (void)ask("POST", "/v1/embeddings", R"({"input":"x"})");
    ASSERT_EQ(host_.asked_vectors.size(), 1u);
    EXPECT_EQ(host_.asked_vectors[0].model, "org/vectors");
}

TEST_F(Answers, ReasonsToEndHaveTheirNames) {
    host_.held = true;
    const auto finish = [&](host::AnswerEnd end) {
        const auto reply = chat("");
        const auto listener = host_.waiting.begin()->second;
        host_.waiting.clear();
        listener->read(FakeHost::read());
        listener->done({0, end, 1});
        return reply;
    };
    using enum host::AnswerEnd;
    EXPECT_EQ(finish(kStopString)->json()["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(finish(kMaxTokens)->json()["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(finish(kContext)->json()["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(finish(kCancelled)->response.status, 503u);
}

TEST_F(Answers, WhoLeavesIsCancelled) {
    host_.held = true;
    const auto reply = completion(R"("prompt":["a","b"],"stream":true)");
    ASSERT_EQ(host_.waiting.size(), 2u);
    const auto listener = host_.waiting.begin()->second;
    listener->read(FakeHost::read());
    reply->gone();
    EXPECT_EQ(host_.cancelled, (std::vector<host::RequestId>{1, 2}));
    const std::string before = reply->response.body;
    listener->piece({0, "late", std::nullopt, {}, 0});
    listener->done({0, host::AnswerEnd::kCancelled, 1});
    EXPECT_EQ(reply->response.body, before);
    ASSERT_EQ(noted_.size(), 1u);
    EXPECT_EQ(noted_[0].status, kAskerLeft);
}

TEST_F(Answers, WhoLeavesWantsNoVectors) {
    host_.held = true;
    const auto reply = ask("POST", "/v1/embeddings", R"({"model":"org/vectors","input":"a"})");
    ASSERT_EQ(host_.waiting_vectors.size(), 1u);
    reply->gone();
    EXPECT_EQ(host_.cancelled, std::vector<host::RequestId>{1});
    host_.waiting_vectors[1](host::Vectors{"org/vectors", {{1.0F}}, 1});
    EXPECT_EQ(reply->ends, 0);
    ASSERT_EQ(noted_.size(), 1u);
    EXPECT_EQ(noted_[0].status, kAskerLeft);
}

TEST_F(Answers, AFailureInAStreamIsItsLastEvent) {
    host_.held = true;
    const auto reply = completion(R"("prompt":["a","b"],"stream":true)");
    const auto listener = host_.waiting.begin()->second;
    listener->read(FakeHost::read());
    listener->failed({host::HostErrorKind::kInternal, "a kernel failed", ""});
    const auto events = reply->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0]["error"]["message"], "a kernel failed");
    EXPECT_EQ(reply->ends, 1);
    EXPECT_EQ(host_.cancelled.size(), 2u);  // the other prompt's, too
}

TEST_F(Answers, AFailedPromptEndsTheOthers) {
    expect_error(*completion(R"("prompt":["a","long","b"])"), 400, "prompt",
                 "context_length_exceeded");
    EXPECT_EQ(host_.asked.size(), 2u);
}

TEST_F(Answers, ModelsAreListed) {
    const Json json = ask("GET", "/v1/models")->json();
    EXPECT_EQ(json["object"], "list");
    ASSERT_EQ(json["data"].size(), 3u);
    EXPECT_EQ(json["data"][0]["id"], "tiny");
    EXPECT_EQ(json["data"][0]["object"], "model");
    EXPECT_EQ(json["data"][0]["cairn"]["state"], "ready");
    EXPECT_EQ(json["data"][2]["cairn"]["problem"], "broken.gguf is not whole");
    EXPECT_EQ(ask("GET", "/v1/models/org/vectors")->json()["id"], "org/vectors");
    EXPECT_EQ(ask("GET", "/v1/models/org%2Fvectors")->json()["id"], "org/vectors");
}

TEST_F(Answers, VectorsComeAsNumbersOrBase64) {
    const auto reply = ask("POST", "/v1/embeddings",
                           R"({"model":"org/vectors","input":["a",[1,2]],"dimensions":3})");
    const Json json = reply->json();
    EXPECT_EQ(json["object"], "list");
    EXPECT_EQ(json["model"], "org/vectors");
    ASSERT_EQ(json["data"].size(), 2u);
    EXPECT_EQ(json["data"][1]["index"], 1);
    EXPECT_EQ(json["data"][1]["object"], "embedding");
    EXPECT_EQ(json["data"][1]["embedding"], Json::parse("[1.0,0.0,-0.5]"));
    EXPECT_EQ(json["usage"], Json::parse(R"({"prompt_tokens":6,"total_tokens":6})"));
    EXPECT_EQ(std::get<text::Tokens>(host_.asked_vectors[0].texts[1]), (text::Tokens{1, 2}));
    const Json base64 = ask("POST", "/v1/embeddings",
                            R"({"model":"org/vectors","input":[1,2],"encoding_format":"base64"})")
                            ->json();
    EXPECT_EQ(base64["data"][0]["embedding"], "AACAPwAAAAAAAAC/");
}

TEST_F(Answers, Base64IsTheStandards) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) EXPECT_EQ(to_base64(as_bytes(plain)), coded);
}

TEST_F(Answers, HealthAndMetricsSayHowItIs) {
    EXPECT_EQ(ask("GET", "/healthz")->response.body, "ok\n");
    host_.state = host::ModelState::kAsleep;
    EXPECT_EQ(ask("GET", "/healthz")->response.status, 200u);
    (void)chat("");
    (void)ask("GET", "/strange");
    const std::string metrics = ask("GET", "/metrics")->response.body;
    for (const char* line :
         {"cairn_host_fake 1\n", "cairn_http_requests_under_way 1\n",
          "cairn_http_requests_total{path=\"/v1/chat/completions\",status=\"200\"} 1\n",
          "cairn_http_requests_total{path=\"other\",status=\"404\"} 1\n",
          "cairn_http_request_seconds_count{path=\"/healthz\"} 2\n"})
        EXPECT_NE(metrics.find(line), std::string::npos) << line << metrics;
}

TEST_F(Answers, WhoNamesNoModelGetsTheFirstThatCan) {
    EXPECT_EQ(ask("POST", "/v1/embeddings", R"({"input":"a"})")->json()["model"], "org/vectors");
    host_.state = host::ModelState::kLoading;
    (void)chat("", "");
    EXPECT_EQ(host_.asked.back().model, "tiny");  // which it will be able to
}

TEST_F(Answers, WhileItStopsTheHostIsNotAsked) {
    context_.is_stopping = true;
    EXPECT_EQ(chat("")->response.status, 503u);
    EXPECT_EQ(ask("GET", "/v1/models")->response.status, 503u);
    EXPECT_TRUE(host_.asked.empty());
}

TEST_F(Answers, ThePageMayLoadItsOwnFilesOnly) {
    const auto page = ask("GET", "/");
    EXPECT_TRUE(page->response.content_type.starts_with("text/html"));
    EXPECT_NE(page->response.body.find("chat.js"), std::string::npos);
    EXPECT_NE(page->response.content_security_policy.find("script-src 'self';"), std::string::npos);
    EXPECT_EQ(page->response.content_security_policy.find("unsafe"), std::string::npos);
    EXPECT_TRUE(ask("GET", "/chat.js")->response.content_type.starts_with("text/javascript"));
    EXPECT_TRUE(ask("GET", "/chat.css")->response.content_type.starts_with("text/css"));
}

}  // namespace
}  // namespace cairn::openai
