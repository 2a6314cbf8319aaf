// The API over a fake host, asked without sockets. Only for tests.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json_fwd.hpp>

#include "openai/fake_host.h"
#include "openai/routes.h"

namespace cairn::openai {

/// Keeps what is answered.
class KeptReply final : public http::Reply {
  public:
    void send(http::Response whole) override {
        response = std::move(whole);
        ++ends;
    }
    void begin(http::Response head) override {
        response = std::move(head);
        streamed = true;
    }
    void write(std::string piece) override { response.body += piece; }
    void end() override { ++ends; }
    void on_gone(std::function<void()> told) override { gone = std::move(told); }

    /// Discarded if it is none.
    nlohmann::json json() const;
    /// The events' objects; the last is the string "[DONE]" where the stream ended well.
    std::vector<nlohmann::json> events() const;

    http::Response response;
    bool streamed = false;
    int ends = 0;
    std::function<void()> gone;
};

class ApiFixture : public testing::Test {
  protected:
    ApiFixture() {
        context_.host = &host_;
        context_.random = &random_;
        context_.journal = std::make_shared<Journal>(
            clock_, [this](const JournalEntry& entry) { noted_.push_back(entry); });
    }

    std::shared_ptr<KeptReply> ask(const std::string& method, const std::string& path,
                                   const std::string& body = "",
                                   const std::string& type = "application/json") {
        http::Request request;
        request.method = method;
        EXPECT_TRUE(http::parse_target(path, request).ok());
        request.body = body;
        request.content_type = type;
        request.client = "connection 1";
        auto reply = std::make_shared<KeptReply>();
        route(context_, request, reply);
        return reply;
    }
    std::shared_ptr<KeptReply> chat(const std::string& more, const std::string& model = "tiny") {
        return ask("POST", "/v1/chat/completions",
                   R"({"model":")" + model + R"(","messages":[{"role":"user","content":"Hi"}])" +
                       (more.empty() ? "}" : "," + more + "}"));
    }
    std::shared_ptr<KeptReply> completion(const std::string& more) {
        return ask("POST", "/v1/completions", R"({"model":"tiny",)" + more + "}");
    }

    ManualClock clock_;
    SeededRandom random_{1};
    FakeHost host_;
    std::vector<JournalEntry> noted_;
    ApiContext context_;
};

/// That a reply is an error of OpenAI's shape.
void expect_error(const KeptReply& reply, unsigned status, const std::string& param,
                  const std::string& code = "");

}  // namespace cairn::openai
