// Proves that an answer can come in pieces, that whoever leaves or does not read is noticed and cut
// off, and that the next request of a connection is not lost.
#include "http/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <thread>

#include "http/client.h"
#include "net/address.h"

namespace cairn::http {
namespace {

class HttpServerTest : public testing::Test {
  protected:
    void serve(std::function<void(Request, std::shared_ptr<Reply>)> handler,
               HttpServerOptions options = {}) {
        options.handler = std::move(handler);
        options.refusal = [](unsigned status, const std::string& why, const Request&) {
            return Response{status, "text/plain", why};
        };
        auto started = HttpServer::start(std::move(options));
        ASSERT_TRUE(started.ok());
        server_ = *std::move(started);
    }
    int connect_raw(int receive_buffer = 0) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        if (receive_buffer > 0)
            ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        to.sin_port = ::htons(net::parse_address(server_->address())->port);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        return fd;
    }
    static void say(int fd, const std::string& text) {
        EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    static std::string hear(int fd) {
        std::string all;
        char part[4096];
        for (ssize_t got; (got = ::recv(fd, part, sizeof part, 0)) > 0;)
            all.append(part, static_cast<std::size_t>(got));
        return all;
    }

    std::unique_ptr<HttpServer> server_;
};

constexpr const char* kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(HttpServerTest, AnAnswerComesInPieces) {
    serve([](const Request&, const std::shared_ptr<Reply>& reply) {
        reply->begin({200, "text/event-stream"});
        reply->write("one ");
        reply->write("two ");
        reply->write("three");
        reply->end();
    });
    std::string heard;
    Question question;
    question.address = server_->address();
    question.piece = [&](std::string_view piece) { heard += piece; };
    const auto answer = ask(question);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 200u);
    EXPECT_TRUE(answer->complete);
    EXPECT_EQ(heard, "one two three");
    EXPECT_EQ(answer->field("content-type"), "text/event-stream");
    EXPECT_EQ(answer->field("content-security-policy"),
              "default-src 'none'; frame-ancestors 'none'");
}

TEST_F(HttpServerTest, OldHttpGetsThePiecesWithoutChunks) {
    serve([](const Request&, const std::shared_ptr<Reply>& reply) {
        reply->begin({200, "text/plain"});
        reply->write("plain");
        reply->end();
    });
    const int fd = connect_raw();
    say(fd, "GET /a HTTP/1.0\r\n\r\n");
    const std::string heard = hear(fd);
    EXPECT_TRUE(heard.ends_with("\r\n\r\nplain")) << heard;
    ::close(fd);
}

TEST_F(HttpServerTest, WhoeverLeavesIsNoticed) {
    std::promise<void> gone;
    std::shared_ptr<Reply> kept;
    serve([&](const Request&, const std::shared_ptr<Reply>& reply) {
        kept = reply;
        reply->on_gone([&] { gone.set_value(); });
    });
    const int fd = connect_raw();
    say(fd, kGet);
    ::close(fd);
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    kept->send({200, "text/plain", "too late"});
    server_.reset();
}

TEST_F(HttpServerTest, WhoeverDoesNotReadIsCutOff) {
    std::promise<void> gone;
    std::shared_ptr<Reply> kept;
    serve([&](const Request&, const std::shared_ptr<Reply>& reply) {
        kept = reply;
        reply->on_gone([&] { gone.set_value(); });
        reply->begin({200, "text/plain"});
        // More than the buffers of both sides' systems and ours hold together.
        for (int i = 0; i < 1024; ++i) reply->write(std::string(64 * 1024, 'x'));
    });
    const int fd = connect_raw(4096);
    say(fd, kGet);
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    ::close(fd);
    server_.reset();
}

TEST_F(HttpServerTest, WhatIsAskedDuringAnAnswerIsAnsweredNext) {
    std::promise<std::shared_ptr<Reply>> first;
    int asked = 0;
    serve([&](const Request& request, const std::shared_ptr<Reply>& reply) {
        if (++asked == 1) return first.set_value(reply);
        reply->send({200, "text/plain", "second " + request.path});
    });
    const int fd = connect_raw();
    say(fd, kGet);
    const std::shared_ptr<Reply> waiting = first.get_future().get();
    say(fd, "GET /b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    waiting->send({200, "text/plain", "first"});
    const std::string heard = hear(fd);
    EXPECT_NE(heard.find("first"), std::string::npos) << heard;
    EXPECT_TRUE(heard.ends_with("second /b")) << heard;
    ::close(fd);
}

// How many bytes `fd` takes until it has taken none for half a second; at most `most`.
std::size_t push(int fd, std::size_t most) {
    const std::string part(64 * 1024, 'x');
    std::size_t sent = 0;
    while (sent < most) {
        pollfd look{fd, POLLOUT, 0};
        if (::poll(&look, 1, 500) == 0) break;
        const ssize_t took = ::send(fd, part.data(), std::min(part.size(), most - sent),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (took > 0) sent += static_cast<std::size_t>(took);
        if (took < 0 && errno != EAGAIN) break;
    }
    return sent;
}

// What is sent ahead stays with the sender but for a few KiB, and is read when its turn comes.
TEST_F(HttpServerTest, LittleIsReadAheadOfAnAnswer) {
    HttpServerOptions options;
    options.max_body_bytes = std::size_t{256} << 20;
    std::promise<std::shared_ptr<Reply>> first;
    serve(
        [&, asked = 0](const Request& request, const std::shared_ptr<Reply>& reply) mutable {
            if (++asked == 1) return first.set_value(reply);
            reply->send({200, "text/plain", std::to_string(request.body.size())});
        },
        options);
    // More than the buffers of both sides' systems hold.
    constexpr std::size_t kBytes = std::size_t{64} << 20;
    const int fd = connect_raw();
    say(fd, kGet);
    const std::shared_ptr<Reply> waiting = first.get_future().get();
    say(fd, "POST /b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
                std::to_string(kBytes) + "\r\n\r\n");
    const std::size_t ahead = push(fd, kBytes);
    EXPECT_LT(ahead, kBytes / 2);
    waiting->send({200, "text/plain", "first"});
    EXPECT_EQ(ahead + push(fd, kBytes - ahead), kBytes);
    const std::string heard = hear(fd);
    EXPECT_NE(heard.find("first"), std::string::npos) << heard;
    EXPECT_TRUE(heard.ends_with("\r\n\r\n" + std::to_string(kBytes))) << heard;
    ::close(fd);
}

TEST_F(HttpServerTest, WhoeverLeavesBehindWhatHeSentAheadIsNoticed) {
    std::promise<void> gone;
    std::shared_ptr<Reply> kept;
    serve([&](const Request&, const std::shared_ptr<Reply>& reply) {
        kept = reply;
        reply->on_gone([&] { gone.set_value(); });
    });
    const int fd = connect_raw();
    say(fd, kGet + std::string(48 * 1024, 'x'));
    ::close(fd);
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    server_.reset();
}

// A body would be taken for the beginning of the next answer.
TEST_F(HttpServerTest, AHeadIsAnsweredAsAGetWithoutABody) {
    serve([](const Request& request, const std::shared_ptr<Reply>& reply) {
        if (request.path != "/pieces") return reply->send({200, "text/plain", request.method});
        reply->begin({200, "text/plain"});
        reply->write("a piece");
        reply->end();
    });
    for (const char* path : {"/whole", "/pieces"}) {
        const int fd = connect_raw();
        say(fd, std::string("HEAD ") + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                    "POST /b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        const std::string heard = hear(fd);
        const std::size_t end = heard.find("\r\n\r\n");
        ASSERT_NE(end, std::string::npos);
        EXPECT_TRUE(heard.substr(end + 4).starts_with("HTTP/1.1 200")) << heard;
        EXPECT_TRUE(heard.ends_with("\r\n\r\nPOST")) << heard;
        if (std::string_view(path) == "/whole") {
            EXPECT_NE(heard.substr(0, end).find("Content-Length: 3"), std::string::npos) << heard;
        }
        ::close(fd);
    }
}

TEST_F(HttpServerTest, AReplyThatIsDroppedEndsTheConnection) {
    serve([](const Request&, const std::shared_ptr<Reply>&) {});
    const int fd = connect_raw();
    say(fd, kGet);
    EXPECT_EQ(hear(fd), "");
    ::close(fd);
}

TEST_F(HttpServerTest, WhoSendsTooMuchReadsWhy) {
    HttpServerOptions options;
    options.max_body_bytes = 1000;
    serve([](const Request&, const std::shared_ptr<Reply>&) { FAIL() << "never asked"; }, options);
    const int fd = connect_raw();
    say(fd, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
    for (int i = 0; i < 40; ++i) say(fd, std::string(100'000, 'x'));
    const std::string heard = hear(fd);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 413 ")) << heard;
    EXPECT_TRUE(heard.ends_with("may have 1000 bytes")) << heard;
    ::close(fd);
}

TEST_F(HttpServerTest, ARequestCanBeRefusedBeforeItsBodyIsRead) {
    HttpServerOptions options;
    options.admit = [](const Request& head) -> std::optional<Response> {
        if (head.authorization == "Bearer secret") return std::nullopt;
        return Response{401, "text/plain", "who are you?"};
    };
    serve(
        [](const Request& request, const std::shared_ptr<Reply>& reply) {
            reply->send({200, "text/plain", request.body});
        },
        options);
    const std::string head =
        "POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n";
    int fd = connect_raw();
    say(fd, head + "\r\n");  // and no body
    std::string heard = hear(fd);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 401 ") && heard.ends_with("who are you?")) << heard;
    ::close(fd);
    fd = connect_raw();
    say(fd, head + "Authorization: Bearer secret\r\n\r\nbody");
    heard = hear(fd);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("\r\n\r\nbody")) << heard;
    ::close(fd);
}

// However many send large bodies slowly, what they have sent is bounded, and a newcomer is heard.
TEST_F(HttpServerTest, TheSlowestOfTooManyLargeBodiesIsDropped) {
    serve([](const Request& request, const std::shared_ptr<Reply>& reply) {
        reply->send({200, "text/plain", std::to_string(request.body.size())});
    });
    const std::string head = "POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    std::vector<int> slow;
    for (std::size_t i = 0; i < kMaxBodiesAtOnce; ++i) {
        slow.push_back(connect_raw());
        say(slow.back(), head + "Content-Length: 1048576\r\n\r\n" + std::string(1000, 'x'));
    }
    const int fd = connect_raw();
    say(fd, head + "Content-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
    EXPECT_TRUE(hear(fd).ends_with("100000"));
    EXPECT_EQ(hear(slow.front()), "");
    say(slow.back(), std::string(1048576 - 1000, 'x'));
    EXPECT_TRUE(hear(slow.back()).ends_with("1048576"));
    for (const int other : slow) ::close(other);
    ::close(fd);
}

// Neither who was refused and goes on sending nor who does not take his answer keeps a place that
// others wait for.
TEST_F(HttpServerTest, WhoIsOfNoUseMakesRoom) {
    HttpServerOptions options;
    options.max_connections = 2;
    options.admit = [](const Request& head) -> std::optional<Response> {
        if (head.method == "GET") return std::nullopt;
        return Response{401, "text/plain", "who are you?"};
    };
    serve(
        [](const Request& request, const std::shared_ptr<Reply>& reply) {
            // More than the buffers of both sides' systems hold.
            const std::size_t bytes = request.path == "/large" ? std::size_t{64} << 20 : 1;
            reply->send({200, "text/plain", std::string(bytes, 'x')});
        },
        options);
    for (const std::string request :
         {"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
          "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
        const int useless[] = {connect_raw(4096), connect_raw(4096)};
        for (const int fd : useless) say(fd, request);
        const auto began = std::chrono::steady_clock::now();
        const int fd = connect_raw();
        say(fd, kGet);
        EXPECT_TRUE(hear(fd).ends_with("\r\n\r\nx"));
        EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(15))
            << request << " held its place for as long as it may";
        for (const int other : useless) ::close(other);
        ::close(fd);
    }
}

// Time is for each part, as long as the parts come at the pace of a slow line.
TEST_F(HttpServerTest, SteadyAnswersAndBodiesMayTakeLong) {
    constexpr std::size_t kAnswer = std::size_t{64} << 20;  // more than systems' buffers hold
    HttpServerOptions options;
    options.patience_ms = 1500;
    serve(
        [](const Request& request, const std::shared_ptr<Reply>& reply) {
            const bool get = request.method == "GET";
            reply->send({200, "text/plain",
                         get ? std::string(kAnswer, 'x') : std::to_string(request.body.size())});
        },
        options);
    const auto began = std::chrono::steady_clock::now();
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(15)); };
    int fd = connect_raw();
    say(fd, "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::vector<char> part(256 * 1024);
    std::size_t heard = 0;
    for (ssize_t got; (got = ::recv(fd, part.data(), part.size(), 0)) > 0; nap())
        heard += static_cast<std::size_t>(got);
    EXPECT_GT(heard, kAnswer);
    EXPECT_GT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(2000));
    ::close(fd);
    fd = connect_raw();
    say(fd,
        "POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "1048576\r\n\r\n");
    for (int i = 0; i < 256; ++i, nap()) say(fd, std::string(4096, 'x'));
    EXPECT_TRUE(hear(fd).ends_with("\r\n\r\n1048576"));
    ::close(fd);
}

// ... and not for each byte.
TEST_F(HttpServerTest, AByteNowAndThenBuysNoTime) {
    HttpServerOptions options;
    options.patience_ms = 300;
    serve(
        [](const Request&, const std::shared_ptr<Reply>& reply) {
            reply->send({200, "text/plain", std::string(std::size_t{64} << 20, 'x')});
        },
        options);
    int fd = connect_raw(4096);
    say(fd, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
    pollfd look{fd, POLLIN, 0};
    int sent = 0;
    for (; ::poll(&look, 1, 20) == 0 && sent < 500; ++sent) say(fd, "x");
    EXPECT_LT(sent, 500);
    const std::string heard = hear(fd);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 408 ")) << heard;
    ::close(fd);
    while (server_->connections() > 0) nap();
    fd = connect_raw(4096);
    say(fd, kGet);
    char some[64];
    int taken = 0;
    for (; taken < 500 && ::recv(fd, some, sizeof some, 0) > 0; ++taken, nap())
        if (taken > 0 && server_->connections() == 0) break;
    EXPECT_LT(taken, 500) << "it was cut off";
    ::close(fd);
}

// A connection that was kept has waited for its next request; a body's time begins with its head.
TEST_F(HttpServerTest, WaitingForARequestCostsItsBodyNoTime) {
    HttpServerOptions options;
    options.patience_ms = 4'000;
    serve(
        [](const Request& request, const std::shared_ptr<Reply>& reply) {
            reply->send({200, "text/plain", request.body});
        },
        options);
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2'200)); };
    const int fd = connect_raw();
    nap();
    say(fd,
        "POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n\r\n");
    nap();
    say(fd, "body");
    EXPECT_TRUE(hear(fd).ends_with("\r\n\r\nbody"));
    ::close(fd);
}

TEST_F(HttpServerTest, WhoAsksBeforeSendingABodyIsToldToGoOn) {
    serve([](const Request& request, const std::shared_ptr<Reply>& reply) {
        reply->send({200, "text/plain", request.body});
    });
    const int fd = connect_raw();
    say(fd,
        "POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n"
        "Expect: 100-continue\r\n\r\n");
    char words[64];
    const ssize_t got = ::recv(fd, words, sizeof words, 0);
    ASSERT_GT(got, 0);
    EXPECT_TRUE(std::string_view(words, static_cast<std::size_t>(got)).starts_with("HTTP/1.1 100"));
    say(fd, "body");
    EXPECT_TRUE(hear(fd).ends_with("\r\n\r\nbody"));
    ::close(fd);
}

TEST_F(HttpServerTest, AQuestionCanBeTakenBack) {
    std::shared_ptr<Reply> kept;
    serve([&](const Request&, const std::shared_ptr<Reply>& reply) { kept = reply; });
    Question question;
    question.address = server_->address();
    question.cancelled = [] { return true; };
    const auto answer = ask(question);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
    server_.reset();
}

TEST_F(HttpServerTest, TasksRunLaterOnTheServersThread) {
    serve([](const Request&, const std::shared_ptr<Reply>&) {});
    std::promise<void> ran;
    server_->call_after(1, [&] { ran.set_value(); });
    server_->call_after(3'600'000, [] { FAIL() << "the server has ended"; });
    EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

}  // namespace
}  // namespace cairn::http
