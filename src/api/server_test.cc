// Proves that the API answers over real sockets what its node says, only to those who may ask, that
// it bounds what it reads, and that it starts and stops without disturbing the node's loop.
#include "api/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "api/protocol.h"
#include "api/test_api.h"
#include "base/clock.h"
#include "base/sanitizers.h"
#include "http/http_server.h"
#include "net/address.h"
#include "net/asio_loop.h"

namespace cairn::api {
namespace {

using Json = nlohmann::json;

class ApiTest : public ApiFixture {
  protected:
    Json get(const std::string& path) {
        const auto text = client().get(path);
        EXPECT_TRUE(text.ok()) << (text.ok() ? "" : text.error().message);
        return text.ok() ? Json::parse(*text) : Json();
    }
    /// What comes back for raw bytes on a socket, until the server closes.
    std::string raw(const std::string& request) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        const std::string& address = server_->address();
        to.sin_port =
            ::htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        EXPECT_GE(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), 0);
        std::string answer;
        char part[4096];
        for (ssize_t got; (got = ::recv(fd, part, sizeof part, 0)) > 0;)
            answer.append(part, static_cast<std::size_t>(got));
        ::close(fd);
        return answer;
    }
};

TEST_F(ApiTest, TellsTheStatus) {
    const Json status = get("/v1/cairn/status");
    EXPECT_EQ(status["network"], "three books");
    EXPECT_EQ(status["height"], 162);
    EXPECT_EQ(status["genesis_id"], to_hex(fake_hash("genesis")));
    EXPECT_EQ(status["peers"].size(), 2u);
    EXPECT_EQ(status["training"]["steps_wanted"], 30);
    EXPECT_EQ(*client().get("/healthz"), "ok\n");
}

TEST_F(ApiTest, ListsMergeBlocks) {
    const Json blocks = get("/v1/cairn/blocks?from=41&max=3")["blocks"];
    ASSERT_EQ(blocks.size(), 3u);
    EXPECT_EQ(blocks[0]["height"], 44);
    EXPECT_TRUE(blocks[0]["report_loss"].is_number());
    EXPECT_EQ(blocks[0]["contributions"], 2);
    const Json last = get("/v1/cairn/blocks?from=160")["blocks"];
    ASSERT_EQ(last.size(), 1u);
    EXPECT_TRUE(last[0]["report_loss"].is_null()) << "not computed yet is not zero";
    EXPECT_EQ(client().get("/v1/cairn/blocks?from=x").error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client().get("/v1/cairn/blocks?from=1&from=2").error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client().get("/v1/cairn/blocks?from=%zz").error().code, ErrorCode::kInvalid);
}

TEST_F(ApiTest, ExplainsByHeightAndById) {
    const Json by_height = get("/v1/cairn/explain?height=48")["records"];
    ASSERT_EQ(by_height.size(), 3u);
    EXPECT_NE(by_height[2]["sentence"].get<std::string>().find("leads up"), std::string::npos);
    EXPECT_TRUE(by_height[2]["block"].is_null());
    EXPECT_EQ(by_height[0]["score"], "991234567890123");
    const std::string id = by_height[1]["commitment"];
    EXPECT_EQ(get("/v1/cairn/explain?id=" + id)["records"].size(), 1u);
    EXPECT_EQ(client().get("/v1/cairn/explain?height=49").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(client().get("/v1/cairn/explain?id=12").error().code, ErrorCode::kInvalid);
    EXPECT_EQ(client().get("/v1/cairn/explain").error().code, ErrorCode::kInvalid);
}

TEST_F(ApiTest, TakesPaymentsAndCommandsFromItsOwner) {
    EXPECT_EQ(Json::parse(*client().post("/v1/cairn/payments", R"({"payment": "0102"})"))["id"],
              to_hex(crypto::sha256(Bytes{1, 2})));
    EXPECT_EQ(node_.submitted, (Bytes{1, 2}));
    EXPECT_EQ(client().post("/v1/cairn/payments", R"({"payment": ""})").error().message,
              "an empty payment");
    EXPECT_FALSE(client().post("/v1/cairn/payments", R"({"payment": "0"})").ok());
    EXPECT_FALSE(client().post("/v1/cairn/payments", "[").ok());
    EXPECT_FALSE(client().post("/v1/cairn/nothing", "{}").ok());
    const std::string path = folder_ + "/model";
    ASSERT_TRUE(client().post("/v1/cairn/export", Json{{"folder", path}}.dump()).ok());
    EXPECT_EQ(node_.exported_to, path);
    const auto written =
        client().post("/v1/cairn/generate", R"({"prompt": "And ", "max_tokens": 7, "seed": 1})");
    EXPECT_NE(written->find("7 \xEF\xBF\xBD in number"), std::string::npos)
        << "a byte that is no UTF-8 must not break the JSON";
    EXPECT_EQ(client().post("/v1/cairn/generate", R"({"prompt": "nothing"})").error().code,
              ErrorCode::kUnsupported);
    EXPECT_FALSE(
        client().post("/v1/cairn/generate", R"({"prompt": "x", "max_tokens": 99999})").ok());
    const std::string k = to_hex(fake_hash("k")), other = to_hex(fake_hash("other"));
    EXPECT_EQ(get("/v1/cairn/coins?key=" + k)["coins"][0]["amount"], 5000);
    const Json coins = get("/v1/cairn/coins?key=" + k + "," + other)["coins"];
    ASSERT_EQ(coins.size(), 2u);
    EXPECT_EQ(coins[1]["key"], other);
    EXPECT_EQ(coins[1]["spent"], true);
    EXPECT_EQ(coins[1]["pending"], false);
    EXPECT_FALSE(client().get("/v1/cairn/coins?key=" + k + ",").ok());
    EXPECT_FALSE(client().get("/v1/cairn/coins").ok());
}

TEST_F(ApiTest, AnExportOverwritesOnlyWhenAskedTo) {
    const std::string path = folder_ + "/model";
    std::ofstream(path) << "something of worth";
    const auto told = [&](const Json& body) {
        return client().post("/v1/cairn/export", body.dump());
    };
    const auto refused = told({{"folder", path}});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("exists already"), std::string::npos);
    EXPECT_FALSE(told({{"folder", path}, {"replace", false}}).ok());
    EXPECT_FALSE(told({{"folder", path}, {"replace", "yes"}}).ok());
    EXPECT_TRUE(node_.exported_to.empty());
    EXPECT_TRUE(told({{"folder", path}, {"replace", true}}).ok());
    EXPECT_EQ(node_.exported_to, path);
    // A path that cannot be written is refused before the node is asked for the model.
    node_.exported_to.clear();
    for (const std::string& wrong : {folder_, std::string(), std::string("/dev/null"), path + "/x"})
        EXPECT_FALSE(told({{"folder", wrong}, {"replace", true}}).ok()) << wrong;
    EXPECT_TRUE(node_.exported_to.empty());
    ::unlink(path.c_str());
}

TEST_F(ApiTest, RefusesStrangers) {
    const Client stranger({server_->address(), "guessed"}, 5'000);
    EXPECT_FALSE(stranger.post("/v1/cairn/export", R"({"folder": "/tmp/x"})").ok());
    EXPECT_TRUE(node_.exported_to.empty());
    EXPECT_TRUE(stranger.get("/v1/cairn/status").ok());
    // If an attacker's name is made to resolve to 127.0.0.1, the browser still sends that name.
    EXPECT_NE(raw("GET /v1/cairn/status HTTP/1.1\r\nHost: evil.example:80\r\n"
                  "Connection: close\r\n\r\n")
                  .find("403"),
              std::string::npos);
    // The whole name is parsed: beginning like a loopback address is not enough.
    for (const char* name : {"127.attacker.example:8420", "127.0.0.1.attacker.example",
                             "[127.attacker.example]", "127.1", "0x7f.0.0.1", "a@127.0.0.1", ""})
        EXPECT_NE(raw(std::string("GET /v1/cairn/status HTTP/1.1\r\nHost: ") + name +
                      "\r\nConnection: close\r\n\r\n")
                      .find(" 403 "),
                  std::string::npos)
            << name;
    for (const char* name : {"127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]:8420"})
        EXPECT_NE(raw(std::string("GET /v1/cairn/status HTTP/1.1\r\nHost: ") + name +
                      "\r\nConnection: close\r\n\r\n")
                      .find(" 200 "),
                  std::string::npos)
            << name;
    EXPECT_NE(raw("POST /v1/cairn/export HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain"
                  "\r\nAuthorization: Bearer " +
                  server_->token() + "\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                  .find("application/json"),
              std::string::npos);
    struct stat file {};
    ASSERT_EQ(::stat((folder_ + "/api.json").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
}

// A picture in it, say: no browser shows it the answer, and the node would have worked for it.
TEST_F(ApiTest, APageOfAnotherSiteMakesTheNodeDoNothing) {
    const auto asked = [&](const std::string& path, const std::string& fields) {
        return raw("GET " + path + " HTTP/1.1\r\nHost: " + server_->address() + "\r\n" + fields +
                   "Connection: close\r\n\r\n")
            .substr(9, 3);
    };
    for (const char* path :
         {"/v1/cairn/samples", "/v1/cairn/proof?height=40", "/v1/cairn/blocks", "/v1/models"})
        for (const char* fields :
             {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
              "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n",
              "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: "
              "document\r\n",
              "Origin: http://attacker.example\r\n"})
            EXPECT_EQ(asked(path, fields), "403") << path << ' ' << fields;
    EXPECT_EQ(node_.generated, 0U);
    const std::string own = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n";
    EXPECT_EQ(asked("/v1/cairn/samples", own), "200");
    EXPECT_EQ(node_.generated, 1U);
    // A link to the pages still leads there, but no frame.
    const std::string link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    for (const char* path : {"/", "/chat"}) {
        EXPECT_EQ(asked(path, link + "Sec-Fetch-Dest: document\r\n"), "200") << path;
        EXPECT_EQ(asked(path, link + "Sec-Fetch-Dest: iframe\r\n"), "403") << path;
    }
}

TEST_F(ApiTest, ATokenThatOthersCanReadIsNotUsed) {
    ASSERT_EQ(::chmod((folder_ + "/api.json").c_str(), 0644), 0);
    const auto read = Client::of_directory(folder_);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::kRefused);
    EXPECT_NE(read.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(ApiTest, LeavesDescriptorsToItsNode) {
    EXPECT_EQ(http::connection_bound(1024), http::kMaxConnections);
    EXPECT_EQ(http::connection_bound(64), 16u);
    EXPECT_GT(http::connection_bound(1), 0u);
}

// A connection that cannot be taken for want of descriptors must not cost a processor.
TEST_F(ApiTest, WithoutDescriptorsItWaitsInsteadOfSpinning) {
    if (kSanitized) GTEST_SKIP() << "UBSan looks at objects through descriptors of its own";
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const Client asker = client();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    to.sin_port = ::htons(net::parse_address(server_->address())->port);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const rlimit none{static_cast<rlim_t>(fd) + 1, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    const std::clock_t began = std::clock();
    ::usleep(1'000'000);
    const double spent = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    ::setrlimit(RLIMIT_NOFILE, &before);
    ::close(fd);
    EXPECT_LT(spent, 0.1);
    EXPECT_TRUE(asker.get("/healthz").ok()) << "and it answers once there are some again";
}

TEST_F(ApiTest, BoundsWhatItReads) {
    const std::string big(http::kMaxBodyBytes + 1, ' ');
    EXPECT_FALSE(client().post("/v1/cairn/payments", big).ok());
    EXPECT_EQ(raw("GET /" + std::string(2 * http::kMaxRequestHeaderBytes, 'a') +
                  " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                  .find("200"),
              std::string::npos);
    EXPECT_EQ(raw("this is not HTTP\r\n\r\n").find("200"), std::string::npos);
    EXPECT_NE(raw("DELETE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").find("405"),
              std::string::npos);
    EXPECT_EQ(client().get("/nothing/here").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(*client().get("/healthz"), "ok\n") << "and lives on";
}

// Clients of OpenAI's API understand OpenAI's errors only.
TEST_F(ApiTest, ABodyThatIsTooLargeIsRefusedInTheShapeOfItsPath) {
    const auto refused = [&](const std::string& path, const std::string& length) {
        const std::string answer =
            raw("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json" +
                "\r\nConnection: close\r\nContent-Length: " + length + "\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
        return Json::parse(answer.substr(answer.find("\r\n\r\n") + 4), nullptr, false);
    };
    const Json of_models = refused("/v1/chat/completions", "9437184");
    EXPECT_EQ(of_models["error"]["code"], "request_too_large");
    EXPECT_TRUE(of_models["error"]["message"].is_string());
    const Json own = refused("/v1/cairn/payments", "9437184");
    EXPECT_TRUE(own["error"].is_string()) << own;
}

TEST_F(ApiTest, WritesOneSampleForEachMergeBlockThatSomebodyLooksAt) {
    EXPECT_EQ(node_.generated, 0u) << "nobody looked";
    get("/v1/cairn/samples");
    get("/v1/cairn/samples");
    EXPECT_EQ(node_.generated, 1u);
    on_loop([this] { node_.grow(); });
    const Json samples = get("/v1/cairn/samples")["samples"];
    ASSERT_EQ(samples.size(), 2u);
    EXPECT_EQ(samples[1]["height"], 164);
    EXPECT_EQ(samples[0]["text"].get<std::string>().substr(0, 12), "And the king");
}

TEST_F(ApiTest, ServesThePage) {
    const std::string page = *client().get("/");
    EXPECT_NE(page.find("<title>Cairn</title>"), std::string::npos);
    EXPECT_NE(page.find("function draw_chart"), std::string::npos) << "the script is inside";
    EXPECT_NE(page.find("--stone:"), std::string::npos) << "and the style sheet";
    // Nothing on the page turns text of peers, files and models into HTML or code.
    for (const char* sink : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                             "eval(", "new Function", "createContextualFragment", "srcdoc"})
        EXPECT_EQ(page.find(sink), std::string::npos) << sink;
}

TEST_F(ApiTest, AnswersManyAtOnce) {
    std::vector<std::thread> askers;
    std::atomic<int> good = 0;
    for (int i = 0; i < 8; ++i)
        askers.emplace_back([&] {
            for (int k = 0; k < 20; ++k) good += client().get("/v1/cairn/blocks").ok() ? 1 : 0;
        });
    for (std::thread& asker : askers) asker.join();
    EXPECT_EQ(good, 160);
}

TEST_F(ApiTest, ConnectionsWithoutARequestMakeRoom) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    to.sin_port = ::htons(net::parse_address(server_->address())->port);
    std::vector<int> idle;
    for (std::size_t i = 0; i < http::kMaxConnections; ++i) {
        idle.push_back(::socket(AF_INET, SOCK_STREAM, 0));
        ASSERT_EQ(::connect(idle.back(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    const std::string begun = "GET /healthz HTTP/1.1\r\n";  // and no more
    ASSERT_EQ(::send(idle[0], begun.data(), begun.size(), 0), std::ssize(begun));
    for (int i = 0; i < 3; ++i) {
        const auto answer = client().get("/healthz");
        EXPECT_TRUE(answer.ok()) << answer.error().message;
    }
    for (const int fd : idle) ::close(fd);
}

TEST_F(ApiTest, GoesAwayCleanly) {
    const Client before = client();
    stop();
    EXPECT_FALSE(before.get("/healthz").ok());
    EXPECT_EQ(Client::of_directory(folder_).error().code, ErrorCode::kNotFound);
    on_loop([] {});
}

TEST_F(ApiTest, SaysWhenThePortIsTaken) {
    on_loop([this] {
        ServerOptions options;
        options.listen = server_->address();
        const auto taken = Server::start(node_, loop_, options);
        EXPECT_EQ(taken.error().code, ErrorCode::kRefused);
        EXPECT_NE(taken.error().message.find(server_->address()), std::string::npos);
        EXPECT_NE(taken.error().message.find("--api"), std::string::npos) << "how to choose";
        EXPECT_FALSE(http::HttpServer::can_listen(server_->address(), "").ok());
        EXPECT_TRUE(http::HttpServer::can_listen("127.0.0.1:0", "").ok());
        options.listen = "nonsense";
        EXPECT_FALSE(Server::start(node_, loop_, options).ok());
    });
}

// To look at the page: --gtest_also_run_disabled_tests --gtest_filter=*LookAtThePage
TEST(Page, DISABLED_LookAtThePage) {
    const char* seconds = std::getenv("CAIRN_LOOK_SECONDS");
    net::AsioLoop loop;
    FakeNode node(40, SystemClock().wall_ms());
    ServerOptions options;
    options.listen = "127.0.0.1:8421";
    auto server = *Server::start(node, loop, options);
    for (int i = 1; i < 8; ++i)
        loop.call_after(2'000u * static_cast<unsigned>(i), [&] { node.grow(); });
    loop.call_after(1'000 * std::strtoull(seconds ? seconds : "600", nullptr, 10), [&] {
        server.reset();
        loop.stop();
    });
    loop.run();
}

}  // namespace
}  // namespace cairn::api
