// Proves that a node answers OpenAI's API and its page with the chain's own model, only to those
// who may ask; that the model is fetched when it is asked for, and followed from then on; and that
// a node may stop at any moment of it.
#include "api/chain_models.h"

#include <nlohmann/json.hpp>

#include "api/chain_model_source.h"
#include "api/test_api.h"
#include "http/client.h"

namespace cairn::api {
namespace {

using Json = nlohmann::json;

constexpr const char* kChat =
    R"({"model": "three books", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4})";

class ChainModelsTest : public ApiFixture {
  protected:
    http::Answer ask(const std::string& path, const std::string& json = "",
                     const std::string& token = "") {
        auto answer = http::ask({.address = server_->address(),
                                 .path = path,
                                 .json = json,
                                 .token = token,
                                 .timeout_ms = 60'000});
        EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().message);
        return answer.ok() ? *std::move(answer) : http::Answer();
    }
    /// Which model answers.
    std::string answered_by() {
        const http::Answer answer = ask("/v1/chat/completions", kChat);
        EXPECT_EQ(answer.status, 200U) << answer.body;
        return Json::parse(answer.body, nullptr, false).value("model", "");
    }
    std::uint64_t asked_for_model() {
        std::uint64_t asked = 0;
        on_loop([&] { asked = node_.asked_for_model; });
        return asked;
    }
};

TEST_F(ChainModelsTest, ThePageAndTheEndpointsAreThere) {
    const Json models = Json::parse(ask("/v1/models").body);
    ASSERT_EQ(models["data"].size(), 1U);
    EXPECT_EQ(models["data"][0]["id"], "three books");
    EXPECT_NE(ask("/chat").body.find("chat.js"), std::string::npos);
    EXPECT_NE(ask("/chat").head.find("script-src 'self'"), std::string::npos);
    EXPECT_EQ(ask("/chat.js").status, 200U);
    EXPECT_EQ(ask("/chat.css").status, 200U);
    EXPECT_NE(ask("/").body.find("href=\"chat\""), std::string::npos);
    EXPECT_NE(ask("/metrics").body.find("cairn_host_model"), std::string::npos);
    EXPECT_EQ(ask("/v1/cairn/status").status, 200U);
    const http::Answer unknown = ask("/v1/nothing");
    EXPECT_EQ(unknown.status, 404U);
    EXPECT_EQ(Json::parse(unknown.body)["error"]["code"], "unknown_url");
    EXPECT_EQ(asked_for_model(), 0U) << "nobody has asked the model anything";
}

TEST_F(ChainModelsTest, AnswersNameTheHeightAndFollowTheChain) {
    EXPECT_EQ(answered_by(), "three books@160");
    EXPECT_EQ(answered_by(), "three books@160");
    EXPECT_EQ(Json::parse(ask("/v1/models").body)["data"][0]["created"], 1'790'000'000);
    on_loop([this] { node_.grow(); });
    for (int i = 0; i < 300 && answered_by() != "three books@164"; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(answered_by(), "three books@164");
    const Json completion =
        Json::parse(ask("/v1/completions", R"({"prompt": "the", "max_tokens": 3})").body);
    EXPECT_EQ(completion["model"], "three books@164");
    const Json vectors = Json::parse(ask("/v1/embeddings", R"({"input": "the cat"})").body);
    ASSERT_TRUE(vectors.contains("data")) << vectors;
    EXPECT_EQ(vectors["data"][0]["embedding"].size(), 32U);
}

TEST_F(ChainModelsTest, WithoutATokenizerItSaysSo) {
    node_.has_tokenizer = false;
    const http::Answer answer = ask("/v1/chat/completions", kChat);
    EXPECT_GE(answer.status, 400U);
    EXPECT_NE(answer.body.find("no tokenizer"), std::string::npos) << answer.body;
}

TEST_F(ChainModelsTest, StopsWhileSomebodyWaitsForAModel) {
    node_.has_model = false;
    const std::string address = server_->address();
    std::thread asker([address] {
        (void)http::ask({.address = address, .path = "/v1/chat/completions", .json = kChat}).ok();
    });
    while (asked_for_model() == 0) std::this_thread::yield();
    stop();
    asker.join();
}

TEST_F(ChainModelsTest, BeyondThisMachineOnlyWithTheToken) {
    std::unique_ptr<Server> open;
    on_loop([&] {
        ServerOptions options;
        options.listen = "0.0.0.0:0";
        open = *Server::start(node_, loop_, options);
    });
    const std::string& address = open->address();
    const std::string reached = "127.0.0.1" + address.substr(address.rfind(':'));
    const auto status = [&](const std::string& path, const std::string& json,
                            const std::string& token) {
        const auto answer =
            http::ask({.address = reached, .path = path, .json = json, .token = token});
        return answer.ok() ? answer->status : 0;
    };
    EXPECT_EQ(status("/v1/models", "", ""), 401U);
    EXPECT_EQ(status("/v1/chat/completions", kChat, ""), 401U);
    EXPECT_EQ(status("/v1/chat/completions", kChat, "wrong"), 401U);
    EXPECT_EQ(status("/v1/chat/completions", kChat, open->token()), 200U);
    EXPECT_EQ(status("/metrics", "", ""), 401U);
    EXPECT_EQ(status("/chat", "", ""), 200U);
    EXPECT_EQ(status("/v1/cairn/status", "", ""), 200U) << "as before";
    EXPECT_EQ(status("/v1/cairn/generate", R"({"prompt": "the"})", ""), 401U);
    on_loop([&] { open.reset(); });
}

TEST(ChainModelSource, WhatIsRefusedOrStoppedEndsAWait) {
    ChainModelSource* given = nullptr;
    ChainModelSource source("m", [&] { given->refuse(invalid("no model")); });
    given = &source;
    EXPECT_FALSE(source.is_wanted());
    EXPECT_EQ(source.open().error().message, "no model");
    EXPECT_TRUE(source.is_wanted());
    EXPECT_FALSE(source.is_awaited());
    node::ServedModel model;
    model.height = 7;
    model.block = fake_hash("seven");
    EXPECT_TRUE(source.give(model)) << "nobody waits, so the host must be told";
    EXPECT_EQ(source.known(), model.block);
    EXPECT_EQ(source.open()->answers_as, "m@7");
    source.stop();
    EXPECT_FALSE(source.open().ok());
}

}  // namespace
}  // namespace cairn::api
