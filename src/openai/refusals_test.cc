// Proves that whatever would change an answer and is not done is refused by name, in the shape of
// OpenAI's errors and with the status that its clients act on; and that what changes nothing is
// passed over.
#include <nlohmann/json.hpp>

#include "openai/request.h"
#include "openai/test_api.h"

namespace cairn::openai {
namespace {

using Refusals = ApiFixture;

TEST_F(Refusals, AChatsFieldsAreRefusedByName) {
    const std::pair<const char*, const char*> wrong[] = {
        {R"("temperature":3)", "temperature"},
        {R"("temperature":"hot")", "temperature"},
        {R"("top_p":-0.1)", "top_p"},
        {R"("min_p":2)", "min_p"},
        {R"("top_k":-2)", "top_k"},
        {R"("top_k":1.5)", "top_k"},
        {R"("repetition_penalty":0)", "repetition_penalty"},
        {R"("presence_penalty":9)", "presence_penalty"},
        {R"("frequency_penalty":-9)", "frequency_penalty"},
        {R"("n":0)", "n"},
        {R"("n":17)", "n"},
        {R"("seed":1.5)", "seed"},
        {R"("seed":18446744073709551615)", "seed"},
        {R"("max_tokens":0)", "max_tokens"},
        {R"("max_completion_tokens":-1)", "max_completion_tokens"},
        {R"("stop":5)", "stop"},
        {R"("stop":[5])", "stop"},
        {R"("stop":"")", "stop"},
        {R"("logit_bias":[1])", "logit_bias"},
        {R"("logit_bias":{"word":1})", "logit_bias"},
        {R"("logit_bias":{"5":101})", "logit_bias"},
        {R"("logit_bias":{"4294967296":1})", "logit_bias"},
        {R"("logprobs":5)", "logprobs"},
        {R"("top_logprobs":3)", "top_logprobs"},
        {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
        {R"("stream":"yes")", "stream"},
        {R"("stream_options":{"include_usage":true})", "stream_options"},
        {R"("stream":true,"stream_options":{"usage":true})", "stream_options.usage"},
        {R"("tools":[{"type":"function","function":{"name":"f"}}])", "tools"},
        {R"("tool_choice":"required")", "tool_choice"},
        {R"("tool_choice":{"type":"function"})", "tool_choice"},
        {R"("functions":[{"name":"f"}])", "functions"},
        {R"("function_call":{"name":"f"})", "function_call"},
        {R"("response_format":{"type":"json_object"})", "response_format"},
        {R"("response_format":{"type":"json_schema","json_schema":{}})", "response_format"},
        {R"("modalities":["text","audio"])", "modalities"},
        {R"("audio":{"voice":"x"})", "audio"},
        {R"("reasoning_effort":"high")", "reasoning_effort"},
        {R"("verbosity":"low")", "verbosity"},
        {R"("web_search_options":{"a":1})", "web_search_options"},
        {R"("grammar":"root ::= x")", "grammar"},
        {R"("prompt":"x")", "prompt"},
    };
    for (const auto& [field, param] : wrong) {
        SCOPED_TRACE(field);
        expect_error(*chat(field), 400, param);
    }
    EXPECT_TRUE(host_.asked.empty());
}

// What is kept until an answer is whole is bounded before the work, where that can be known.
TEST_F(Refusals, MoreLogprobsThanAnAnswerHoldsAreRefused) {
    const std::string most = std::to_string(kMaxHeldLogprobs / (16 * 21));
    const std::string more = std::to_string(kMaxHeldLogprobs / (16 * 21) + 1);
    const std::string chats = R"("n":16,"logprobs":true,"top_logprobs":20,"max_tokens":)";
    EXPECT_EQ(chat(chats + most)->response.status, 200u);
    EXPECT_EQ(chat(chats + more + R"(,"stream":true)")->response.status, 200u);
    expect_error(*chat(chats + more), 400, "logprobs");
    const std::string texts = R"("prompt":["a","b"],"n":2,"logprobs":3,"max_tokens":)" +
                              std::to_string(kMaxHeldLogprobs / 16);
    EXPECT_EQ(completion(texts)->response.status, 200u);
    expect_error(*completion(texts + "0"), 400, "logprobs");
}

// It would cut off every reader, however quick.
TEST_F(Refusals, MoreEchoThanAStreamTakesAtOnceIsRefused) {
    const std::string prompt = R"("prompt":")" + std::string(20'000, 'x') + R"(","echo":true)";
    expect_error(*completion(prompt + R"(,"n":16,"stream":true)"), 400, "echo");
    EXPECT_EQ(completion(prompt + R"(,"n":16)")->response.status, 200u);
    EXPECT_EQ(completion(prompt + R"(,"n":6,"stream":true)")->response.status, 200u);
    std::string escaped;
    while (escaped.size() < 140'000) escaped += R"(\")";
    expect_error(*completion(R"("stream":true,"echo":true,"prompt":")" + escaped + R"(")"), 400,
                 "echo");
    // Kept with an answer in one piece.
    const std::string large =
        R"("echo":true,"n":16,"prompt":")" + std::string(kMaxHeldBytes / 16 + 1, 'x');
    expect_error(*completion(large + R"(")"), 400, "echo");
}

TEST_F(Refusals, MessagesAreRefusedByTheirPlace) {
    const std::pair<const char*, const char*> wrong[] = {
        {R"([])", "messages"},
        {R"("hi")", "messages"},
        {R"(["hi"])", "messages[0]"},
        {R"([{"content":"x"}])", "messages[0].role"},
        {R"([{"role":"oracle","content":"x"}])", "messages[0].role"},
        {R"([{"role":"user"}])", "messages[0].content"},
        {R"([{"role":"user","content":null}])", "messages[0].content"},
        {R"([{"role":"user","content":7}])", "messages[0].content"},
        {R"([{"role":"user","content":[]}])", "messages[0].content"},
        {R"([{"role":"user","content":["x"]}])", "messages[0].content[0]"},
        {R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
        {R"([{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"x"},)"
         R"({"type":"image_url","image_url":{"url":"x"}}]}])",
         "messages[1].content[1].type"},
        {R"([{"role":"tool","content":"x","tool_call_id":"1"}])", "messages[0].role"},
        {R"([{"role":"assistant","content":"x","tool_calls":[{"id":"1"}]}])",
         "messages[0].tool_calls"},
        {R"([{"role":"user","content":"x","colour":"red"}])", "messages[0].colour"},
    };
    for (const auto& [messages, param] : wrong) {
        SCOPED_TRACE(messages);
        expect_error(*ask("POST", "/v1/chat/completions",
                          std::string(R"({"model":"tiny","messages":)") + messages + "}"),
                     400, param);
    }
    expect_error(*ask("POST", "/v1/chat/completions", R"({"model":"tiny"})"), 400, "messages");
}

TEST_F(Refusals, ACompletionsFieldsAreRefusedByName) {
    const std::pair<const char*, const char*> wrong[] = {
        {R"("max_tokens":5)", "prompt"},
        {R"("prompt":5)", "prompt"},
        {R"("prompt":[])", "prompt"},
        {R"("prompt":[true])", "prompt[0]"},
        {R"("prompt":[1,-2])", "prompt"},
        {R"("prompt":[[1],["x"]])", "prompt[1]"},
        {R"("prompt":"x","logprobs":true)", "logprobs"},
        {R"("prompt":"x","logprobs":6)", "logprobs"},
        {R"("prompt":"x","echo":true,"logprobs":1)", "echo"},
        {R"("prompt":[1,2],"echo":true)", "echo"},
        {R"("prompt":"x","best_of":2)", "best_of"},
        {R"("prompt":"x","suffix":"end")", "suffix"},
        {R"("prompt":"x","max_completion_tokens":5)", "max_completion_tokens"},
        {R"("prompt":"x","messages":[])", "messages"},
    };
    for (const auto& [fields, param] : wrong) {
        SCOPED_TRACE(fields);
        expect_error(*completion(fields), 400, param);
    }
    std::string many = R"("n":3,"prompt":["x")";
    for (int i = 0; i < 63; ++i) many += R"(,"x")";
    expect_error(*completion(many + "]"), 400, "n");
}

TEST_F(Refusals, AnEmbeddingsFieldsAreRefusedByName) {
    const std::pair<const char*, const char*> wrong[] = {
        {R"("user":"x")", "input"},
        {R"("input":{})", "input"},
        {R"("input":[])", "input"},
        {R"("input":[null])", "input[0]"},
        {R"("input":"x","encoding_format":"hex")", "encoding_format"},
        {R"("input":"x","dimensions":0)", "dimensions"},
        {R"("input":"x","dimensions":2)", "dimensions"},
        {R"("input":"x","truncate":true)", "truncate"},
    };
    for (const auto& [fields, param] : wrong) {
        SCOPED_TRACE(fields);
        expect_error(*ask("POST", "/v1/embeddings",
                          std::string(R"({"model":"org/vectors",)") + fields + "}"),
                     400, param);
    }
}

TEST_F(Refusals, WhatChangesNothingIsPassedOver) {
    const auto reply = chat(
        R"("user":"me","store":true,"metadata":{"a":"b"},"service_tier":"auto","tools":[],)"
        R"("tool_choice":"auto","parallel_tool_calls":true,"response_format":{"type":"text"},)"
        R"("modalities":["text"],"functions":null,"stop":null,"seed":null,"logit_bias":null,)"
        R"("prediction":{"type":"content","content":"x"},"prompt_cache_key":"k","unheard_of":null,)"
        R"("safety_identifier":"s","verbosity":"medium","reasoning_effort":"none","n":null)");
    EXPECT_EQ(reply->response.status, 200u) << reply->response.body;
}

TEST_F(Refusals, WhatIsNoJsonIsRefused) {
    for (const char* body : {"", "{", "[]", "5", R"({"model":"tiny","model":"tiny"})", "\xff"})
        expect_error(*ask("POST", "/v1/chat/completions", body), 400, "", "invalid_json");
    const std::string deep =
        R"({"messages":)" + std::string(200, '[') + std::string(200, ']') + "}";
    expect_error(*ask("POST", "/v1/chat/completions", deep), 400, "", "invalid_json");
    for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"})
        expect_error(*ask("POST", "/v1/chat/completions", "{}", type), 415, "");
}

TEST_F(Refusals, PathsAndMethodsAreRefused) {
    expect_error(*ask("GET", "/v1/chat/completions"), 405, "");
    expect_error(*ask("DELETE", "/v1/models/tiny"), 405, "");
    expect_error(*ask("OPTIONS", "/v1/chat/completions"), 405, "");
    expect_error(*ask("GET", "/v1/unheard-of"), 404, "", "unknown_url");
    const auto responses = ask("POST", "/v1/responses", "{}");
    expect_error(*responses, 404, "", "unknown_url");
    EXPECT_NE(responses->response.body.find("/v1/chat/completions"), std::string::npos);
    expect_error(*ask("GET", "/v1/models/none"), 404, "model", "model_not_found");
}

TEST_F(Refusals, WhatTheHostRefusesHasItsStatus) {
    expect_error(*chat("", "none"), 404, "model", "model_not_found");
    expect_error(*chat("", "org/vectors"), 400, "model", "model_not_supported");
    expect_error(*chat("", "broken"), 500, "model", "model_failed");
    expect_error(*completion(R"("prompt":"long")"), 400, "prompt", "context_length_exceeded");
    expect_error(*completion(R"("prompt":"odd")"), 400, "prompt");
    expect_error(*completion(R"("prompt":"crash")"), 500, "");
    const auto soon = completion(R"("prompt":"soon")");
    expect_error(*soon, 503, "model");
    EXPECT_GT(soon->response.retry_after_s, 1u) << "a model that is not there yet takes a while";
    const auto full = completion(R"("prompt":"full","stream":true)");
    expect_error(*full, 429, "", "rate_limit_exceeded");
    EXPECT_GT(full->response.retry_after_s, 0u);
    expect_error(*ask("POST", "/v1/embeddings", R"({"model":"tiny","input":"x"})"), 400, "model");
    EXPECT_EQ(noted_.back().problem, "tiny writes text and makes no vectors");
}

TEST_F(Refusals, StrangersAreKeptOut) {
    http::Request request;
    request.method = "GET";
    request.path = "/v1/models";
    const auto status = [&] {
        const auto response = refused(context_, request);
        return response ? response->status : 200;
    };
    request.host = "attacker.example";
    EXPECT_EQ(status(), 403u);
    request.host = "127.0.0.1";
    EXPECT_EQ(status(), 200u);
    request.authority = "127.0.0.1:8432";
    request.origin = "http://attacker.example";
    EXPECT_EQ(status(), 403u);
    request.origin = "http://127.0.0.1:8432";
    EXPECT_EQ(status(), 200u);
    request.origin.clear();
    request.fetch_site = "cross-site";
    EXPECT_EQ(status(), 403u) << "a picture or a script of a page of another site";
    request.is_for_a_window = true;
    EXPECT_EQ(status(), 403u);
    request.path = "/";
    EXPECT_EQ(status(), 200u) << "a link to the page";
    request.path = "/v1/models";
    request.fetch_site.clear();
    context_.token = "secret";
    EXPECT_EQ(status(), 401u);
    request.authorization = "Bearer secret";
    EXPECT_EQ(status(), 200u);
    request.authorization.clear();
    for (const char* path : {"/v1/chat/completions", "/metrics", "/v1/models/tiny", "/other"}) {
        request.path = path;
        EXPECT_EQ(status(), 401u) << path;
    }
    for (const char* path : {"/", "/chat.js", "/chat.css", "/healthz"}) {
        request.path = path;
        EXPECT_EQ(status(), 200u) << path;
    }
    context_.only_loopback_names = false;
    request.host = "models.example";
    EXPECT_EQ(status(), 200u);
}

}  // namespace
}  // namespace cairn::openai
