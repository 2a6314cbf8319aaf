// Proves that whoever has a name of several addresses is found at whichever of them he listens, by
// those who ask and by those who are to listen.
#include "http/connect.h"

#include <gtest/gtest.h>

#include <memory>

#include "http/http_server.h"
#include "http/session_impl.h"
#include "net/address.h"

namespace cairn::http {
namespace {

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

Addresses addresses(const char* host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    EXPECT_EQ(::getaddrinfo(host, std::to_string(port).c_str(), &hints, &found), 0);
    return {found, ::freeaddrinfo};
}

std::unique_ptr<HttpServer> serve() {
    HttpServerOptions options;
    options.handler = [](const Request&, const std::shared_ptr<Reply>& reply) {
        reply->send({200, "text/plain", "here"});
    };
    return HttpServer::start(std::move(options)).value();
}

TEST(Connect, AllAddressesOfANameAreTried) {
    auto server = serve();
    const std::uint16_t open = net::parse_address(server->address())->port;
    auto gone = serve();
    const std::uint16_t closed = net::parse_address(gone->address())->port;
    gone.reset();
    Question question;
    question.address = "localhost:1";
    for (const char* first : {"::1", "127.0.0.1"}) {
        const Addresses found = addresses(first, closed);
        EXPECT_FALSE(connect_first(found.get(), question).ok());
        const Addresses next = addresses("127.0.0.1", open);
        found->ai_next = next.get();
        EXPECT_TRUE(connect_first(found.get(), question).ok()) << first;
        found->ai_next = nullptr;
    }
    // Of several that do not answer, "nobody listens" is what helps.
    const Addresses refuses = addresses("127.0.0.1", closed);
    const Addresses strange = addresses("255.255.255.255", closed);
    refuses->ai_next = strange.get();
    const auto none = connect_first(refuses.get(), question);
    refuses->ai_next = nullptr;
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().code, ErrorCode::kRefused) << none.error().message;
    EXPECT_NE(none.error().message.find("localhost:1"), std::string::npos);
}

TEST(Connect, ANameIsListenedAtWhereEverybodyComes) {
    const auto point = [](const char* address) {
        return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(address), 8432);
    };
    EXPECT_EQ(listening_point({point("::1"), point("127.0.0.1"), point("127.0.0.2")}),
              point("127.0.0.1"));
    EXPECT_EQ(listening_point({point("::1")}), point("::1"));
}

}  // namespace
}  // namespace cairn::http
