// Proves over real sockets that a stream arrives piece by piece, that whoever hangs up frees the
// host, that a large body is taken and one beyond the bound refused, and that nobody can serve
// beyond this machine without a token.
#include "openai/server.h"

#include <gtest/gtest.h>

#include <thread>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "http/client.h"
#include "openai/fake_host.h"
#include "openai/request.h"

namespace cairn::openai {
namespace {

// Used by two threads, where FakeHost is of one.
class SharedHost final : public host::TextHost {
  public:
    std::vector<host::HostedModel> models() const override { return FakeHost().models(); }
    host::RequestId write(host::TextRequest request,
                          std::shared_ptr<host::TextListener> listener) override {
        MutexLock lock(mutex_);
        if (!held_) FakeHost::answer(request, *listener);
        if (held_) listener->read(FakeHost::read());
        listeners_.push_back(std::move(listener));
        return listeners_.size();
    }
    void cancel(host::RequestId id) override {
        MutexLock lock(mutex_);
        cancelled_ = id;
        changed_.notify_all();
    }
    host::RequestId embed(host::VectorsRequest request, host::VectorsDone done) override {
        return FakeHost().embed(std::move(request), std::move(done));
    }
    std::string metrics() const override { return ""; }

    void hold() {
        MutexLock lock(mutex_);
        held_ = true;
    }
    bool is_asked() {
        MutexLock lock(mutex_);
        return !listeners_.empty();
    }
    host::RequestId wait_for_cancel() {
        MutexLock lock(mutex_);
        while (cancelled_ == 0) changed_.wait(mutex_);
        return cancelled_;
    }

  private:
    Mutex mutex_;
    Condition changed_;
    bool held_ GUARDED_BY(mutex_) = false;
    host::RequestId cancelled_ GUARDED_BY(mutex_) = 0;
    std::vector<std::shared_ptr<host::TextListener>> listeners_ GUARDED_BY(mutex_);
};

class ServerTest : public testing::Test {
  protected:
    void serve(ServerOptions options = {}) {
        auto started = Server::start(host_, std::move(options));
        ASSERT_TRUE(started.ok()) << started.error().message;
        server_ = *std::move(started);
    }
    http::Question question(const std::string& path, const std::string& json = "") {
        http::Question question;
        question.address = server_->address();
        question.path = path;
        question.json = json;
        question.timeout_ms = 60'000;  // a body of 64 MiB takes long to read under a sanitizer
        return question;
    }

    SharedHost host_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AStreamArrives) {
    serve();
    std::string heard;
    auto ask = question("/v1/completions", R"({"prompt":"x","stream":true})");
    ask.piece = [&](std::string_view piece) { heard += piece; };
    const auto answer = http::ask(ask);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, 200u);
    EXPECT_TRUE(answer->complete);
    EXPECT_TRUE(heard.ends_with("data: [DONE]\n\n")) << heard;
}

// As much as may be asked for, all at once.
TEST_F(ServerTest, AStreamThatBeginsWithItsPromptsArrives) {
    serve();
    const std::string prompt(kMaxStreamedEcho / 16 - 520, 'x');
    std::string heard;
    auto ask = question("/v1/completions",
                        R"({"n":16,"echo":true,"stream":true,"prompt":")" + prompt + R"("})");
    ask.piece = [&](std::string_view piece) { heard += piece; };
    const auto answer = http::ask(ask);
    ASSERT_TRUE(answer.ok());
    EXPECT_TRUE(answer->complete);
    EXPECT_GT(heard.size(), 16 * prompt.size());
    EXPECT_TRUE(heard.ends_with("data: [DONE]\n\n"));
}

TEST_F(ServerTest, WhoHangsUpFreesTheHost) {
    serve();
    host_.hold();
    auto ask = question("/v1/completions", R"({"prompt":"x"})");
    ask.cancelled = [&] { return host_.is_asked(); };
    EXPECT_FALSE(http::ask(ask).ok());
    EXPECT_EQ(host_.wait_for_cancel(), 1u);
    server_.reset();
}

TEST_F(ServerTest, BodiesAreBounded) {
    serve();
    const std::string fits(kMaxBodyBytes - 100, 'x');
    auto answer = http::ask(question("/v1/completions", R"({"prompt":")" + fits + R"("})"));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 200u) << answer->body;
    answer = http::ask(question("/v1/completions", std::string(kMaxBodyBytes + 1, ' ')));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 413u);
    EXPECT_EQ(nlohmann::json::parse(answer->body)["error"]["code"], "request_too_large");
}

TEST_F(ServerTest, ATokenIsAskedForBeforeTheBody) {
    ServerOptions options;
    options.token = "secret";
    serve(options);
    auto ask = question("/v1/models");
    EXPECT_EQ(http::ask(ask)->status, 401u);
    ask.token = "secret";
    EXPECT_EQ(http::ask(ask)->status, 200u);
    EXPECT_EQ(http::ask(question("/healthz"))->status, 200u);
    EXPECT_NE(http::ask([&] {
                  auto metrics = question("/metrics");
                  metrics.token = "secret";
                  return metrics;
              }())
                  ->body.find("cairn_http_connections 1\n"),
              std::string::npos);
}

TEST_F(ServerTest, NobodyServesBeyondThisMachineWithoutAToken) {
    ServerOptions options;
    options.listen = "0.0.0.0:0";
    const auto started = Server::start(host_, options);
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace cairn::openai
