// Proves that the command reports in one clear line if some other program listens where a node did.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "api/api_file.h"
#include "base/files.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

// Gives everybody the same answer, until it goes.
class Listener {
  public:
    explicit Listener(std::string answer) : answer_(std::move(answer)) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in place{};
        place.sin_family = AF_INET;
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof place;
        auto* address = reinterpret_cast<sockaddr*>(&place);
        EXPECT_EQ(::bind(fd_, address, size), 0);
        EXPECT_EQ(::listen(fd_, 4), 0);
        EXPECT_EQ(::getsockname(fd_, address, &size), 0);
        address_ = "127.0.0.1:" + std::to_string(ntohs(place.sin_port));
        thread_ = std::thread([this] { serve(); });
    }
    ~Listener() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    const std::string& address() const { return address_; }

  private:
    void serve() const {
        for (int peer = 0; (peer = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(peer)) {
            char asked[4096];
            (void)!::recv(peer, asked, sizeof asked, 0);
            (void)!::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        }
    }
    std::string answer_, address_;
    int fd_ = -1;
    std::thread thread_;
};

std::string http(const std::string& body, const std::string& status = "200 OK") {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

TEST(PeersCommand, AForeignProgramOnAStalePortIsNamed) {
    const std::string dir = *make_temporary_folder("cairn-foreign");
    for (const std::string& answer :
         {http("{}"), http("[1]"), http("hello"), http(R"({"peers":[]})"),
          http("<html>", "404 Not Found"), std::string("220 mail ready\r\n")}) {
        const Listener listener(answer);
        ASSERT_TRUE(api::write_api_file(dir, {listener.address(), "token"}).ok());
        for (const bool json : {false, true}) {
            std::vector<std::string> line = {"peers", "--dir", dir};
            if (json) line.push_back("--json");
            const Outcome outcome = run(line);
            EXPECT_EQ(outcome.code, 1) << answer;
            EXPECT_NE(outcome.errors.find("what answers at " + listener.address()),
                      std::string::npos)
                << outcome.errors;
            EXPECT_NE(outcome.errors.find("api.json"), std::string::npos);
        }
    }
    EXPECT_TRUE(remove_tree(dir).ok());
}

}  // namespace
}  // namespace cairn::cli
