// Proves that who asks reads answers of every kind, however they are cut, and waits for none that
// never comes whole.
#include "http/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "http/answer_reader.h"

namespace cairn::http {
namespace {

// Answers whoever connects with `first`, and then with `piece` every 20 ms for as long as he
// listens, 150 times at most.
class TricklingServer {
  public:
    TricklingServer(std::string first, std::string piece) {
        fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof own;
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&own), size), 0);
        EXPECT_EQ(::listen(fd_, 1), 0);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
        address_ = "127.0.0.1:" + std::to_string(::ntohs(own.sin_port));
        thread_ = std::thread([this, first = std::move(first), piece = std::move(piece)] {
            const int fd = ::accept(fd_, nullptr, nullptr);
            char asked[4096];
            (void)::recv(fd, asked, sizeof asked, 0);
            (void)::send(fd, first.data(), first.size(), MSG_NOSIGNAL);
            for (; said_ < 150 && ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0; ++said_)
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            ::close(fd);
        });
    }
    ~TricklingServer() {
        thread_.join();
        ::close(fd_);
    }
    const std::string& address() const { return address_; }
    int said() const { return said_; }

  private:
    int fd_ = -1;
    std::atomic<int> said_{0};
    std::string address_;
    std::thread thread_;
};

TEST(Ask, AByteNowAndThenHoldsNobody) {
    const std::string stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& first :
         {std::string("HTTP/1.1 200 OK\r\nX: "),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), stream + "ffff\r\n"}) {
        TricklingServer server(first, "x");
        Question question;
        question.address = server.address();
        question.timeout_ms = 500;
        question.piece = [](std::string_view) {};
        const auto answer = ask(question);
        ASSERT_FALSE(answer.ok()) << first;
        EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << answer.error().message;
    }
    // Chunks are messages of their own where they are wanted one by one, and one where they are
    // not.
    for (const bool wanted : {true, false}) {
        TricklingServer server(stream, "1\r\nx\r\n");
        Question question;
        question.address = server.address();
        question.timeout_ms = 1'000;
        std::size_t heard = 0;
        if (wanted) question.piece = [&](std::string_view piece) { heard += piece.size(); };
        question.cancelled = [&] { return server.said() > 140; };
        const auto answer = ask(question);
        if (!wanted) {
            ASSERT_FALSE(answer.ok());
            EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << answer.error().message;
        } else if (answer.ok()) {
            EXPECT_EQ(heard, 150u);
        } else {
            EXPECT_EQ(answer.error().code, ErrorCode::kCancelled) << answer.error().message;
        }
    }
}

TEST(AnswerReader, ReadsChunksHoweverTheyAreCut) {
    const std::string bytes =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n"
        "0\r\n\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        AnswerReader reader({});
        for (std::size_t at = 0; at < bytes.size(); at += step)
            ASSERT_TRUE(reader.take(std::string_view(bytes).substr(at, step)));
        const Answer answer = reader.finish();
        EXPECT_TRUE(answer.complete) << step;
        EXPECT_EQ(answer.body, "hello, world") << step;
    }
}

TEST(AnswerReader, WhatIsCutShortOrNoHttpIsNotComplete) {
    for (const char* bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "SSH-2.0-x\r\n\r\n", ""}) {
        AnswerReader reader({});
        ASSERT_TRUE(reader.take(bytes));
        EXPECT_FALSE(reader.finish().complete) << bytes;
    }
}

}  // namespace
}  // namespace cairn::http
