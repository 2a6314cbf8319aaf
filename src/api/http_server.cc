#include "api/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "net/address.h"

namespace cairn::api {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto kPatience = std::chrono::seconds(30);  // to receive a request or send an answer
constexpr auto kAcceptPause = std::chrono::milliseconds(200);
/// While all places are taken: how often to look for one, and how long a connection may then be
/// without a request before it makes room.
constexpr auto kFullPause = std::chrono::milliseconds(5);
constexpr std::uint64_t kSpareAfterUs = 200'000;

}  // namespace

class Session;

// Shared by the server, its sessions, and the node's answers that are still to come.
struct HttpServer::Impl {
    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    asio::steady_timer accept_pause{context};
    bool accept_fails = false;  // and the log has said so
    Handler handler;
    std::list<std::weak_ptr<Session>> sessions;
    std::thread thread;
    std::atomic<bool> stopping = false;
    std::size_t max_connections = kMaxConnections;
    const SystemClock clock{};

    bool full() const { return sessions.size() >= max_connections; }
    /// Whether there is a place, once a connection has made room if need be.
    bool find_place();
};

using Shared = std::shared_ptr<HttpServer::Impl>;

namespace {

HttpRequest plain(const http::request<http::string_body>& from) {
    HttpRequest request;
    request.method = std::string(from.method_string());
    if (auto host = net::parse_host_field(std::string(from[http::field::host])); host.ok())
        request.host = *std::move(host);
    request.content_type = std::string(from[http::field::content_type]);
    request.authorization = std::string(from[http::field::authorization]);
    request.body = from.body();
    return request;
}

}  // namespace

// One connection: reads a request, waits for the answer, writes it, and so on.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(const std::shared_ptr<HttpServer::Impl>& server, tcp::socket socket)
        : server_(server), stream_(std::move(socket)) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(kMaxRequestBytes);
        parser_->header_limit(kMaxRequestHeaderBytes);
        stream_.expires_after(kPatience);
        reading_since_us_ = server_->clock.monotonic_us();
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](beast::error_code failure, std::size_t) {
                             self->on_read(failure);
                         });
    }

    /// Since when there is no request; nothing while one is being answered.
    std::optional<std::uint64_t> spare_since_us() const { return reading_since_us_; }

    void close() {
        beast::error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.close();
    }

  private:
    void on_read(beast::error_code failure) {
        keep_alive_ = false;
        reading_since_us_.reset();
        if (failure == http::error::body_limit)
            return write({413, "application/json", R"({"error": "the request is too large"})"});
        if (failure) return close();
        keep_alive_ = parser_->get().keep_alive();
        HttpRequest request = plain(parser_->get());
        if (const Status parsed = parse_target(std::string(parser_->get().target()), request);
            !parsed.ok())
            return write({400, "application/json", R"({"error": "a malformed address"})"});
        stream_.expires_never();
        server_->handler(std::move(request), [self = shared_from_this()](HttpResponse response) {
            if (self->server_->stopping || self->answered_.exchange(true)) return;
            asio::post(self->stream_.get_executor(),
                       [self, response = std::move(response)] { self->write(response); });
        });
    }

    void write(const HttpResponse& from) {
        if (server_->stopping) return;
        // Where others wait for a place, whoever was answered queues again.
        keep_alive_ = keep_alive_ && !server_->full();
        response_ = {};
        response_.version(11);
        response_.result(from.status);
        response_.set(http::field::content_type, from.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.set("X-Content-Type-Options", "nosniff");
        // The page is one file that talks to its own origin; nothing else may be loaded.
        response_.set("Content-Security-Policy",
                      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                      "img-src data:; connect-src 'self'; frame-ancestors 'none'");
        if (from.retry_after_s != 0)
            response_.set(http::field::retry_after, std::to_string(from.retry_after_s));
        response_.keep_alive(keep_alive_);
        response_.body() = from.body;
        response_.prepare_payload();
        stream_.expires_after(kPatience);
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code failure, std::size_t) {
                              self->answered_ = false;
                              if (failure || !self->keep_alive_) return self->close();
                              self->read();
                          });
    }

    std::shared_ptr<HttpServer::Impl> server_;  // destroyed last: the stream needs its context
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{kMaxRequestBytes + kMaxRequestHeaderBytes};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    std::atomic<bool> answered_ = false;
    bool keep_alive_ = false;
    std::optional<std::uint64_t> reading_since_us_;
};

bool HttpServer::Impl::find_place() {
    std::erase_if(sessions, [](const auto& session) { return session.expired(); });
    if (!full()) return true;
    const std::uint64_t now_us = clock.monotonic_us();
    auto oldest = sessions.end();
    std::uint64_t since_us = now_us - std::min(now_us, kSpareAfterUs);
    for (auto it = sessions.begin(); it != sessions.end(); ++it) {
        const auto session = it->lock();
        const auto spare = session ? session->spare_since_us() : std::nullopt;
        if (!spare || *spare > since_us) continue;
        oldest = it;
        since_us = *spare;
    }
    if (oldest == sessions.end()) return false;
    if (const auto session = oldest->lock()) session->close();
    sessions.erase(oldest);
    return true;
}

namespace {

void accept(const Shared& impl);

void accept_after(const Shared& impl, std::chrono::milliseconds pause) {
    impl->accept_pause.expires_after(pause);
    impl->accept_pause.async_wait([impl](beast::error_code) {
        if (!impl->stopping) accept(impl);
    });
}

void take_connection(const Shared& impl) {
    beast::error_code failure;
    tcp::socket socket = impl->acceptor.accept(failure);
    if (failure == asio::error::would_block) return accept(impl);
    if (!failure) {
        impl->accept_fails = false;
        auto session = std::make_shared<Session>(impl, std::move(socket));
        impl->sessions.push_back(session);
        session->read();
        return accept(impl);
    }
    // Most likely there are no file descriptors left: accepting again at once would fail again.
    if (!std::exchange(impl->accept_fails, true))
        log_warn("the API cannot take a connection: {}; it keeps trying", failure.message());
    accept_after(impl, kAcceptPause);
}

void accept(const Shared& impl) {
    impl->acceptor.async_wait(tcp::acceptor::wait_read, [impl](beast::error_code failure) {
        if (impl->stopping || failure == asio::error::operation_aborted) return;
        // Whoever finds no place waits in the system's queue until there is one.
        if (!impl->find_place()) return accept_after(impl, kFullPause);
        take_connection(impl);
    });
}

Result<tcp::endpoint> resolve(asio::io_context& context, const std::string& listen) {
    ASSIGN_OR_RETURN(const net::Address address, net::parse_address(listen));
    beast::error_code failure;
    tcp::resolver resolver(context);
    const auto found = resolver.resolve(address.host, std::to_string(address.port),
                                        tcp::resolver::passive, failure);
    if (failure || found.empty())
        return invalid("cannot find the address " + listen + ": " + failure.message());
    return found.begin()->endpoint();
}

Status listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const std::string& name) {
    beast::error_code failure;
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(static_cast<int>(kMaxConnections), failure);
    if (!failure) return ok_status();
    return Error{ErrorCode::kRefused,
                 "the API cannot listen at " + name + ": " + failure.message() +
                     "; choose another place with --api HOST:PORT (port 0: any that is free)"};
}

}  // namespace

std::size_t connection_bound(std::size_t files) {
    return std::clamp<std::size_t>(files / 4, 1, kMaxConnections);
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl, std::string address)
    : impl_(std::move(impl)), address_(std::move(address)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, Handler handler) {
    auto impl = std::make_shared<Impl>();
    impl->handler = std::move(handler);
    if (const long files = ::sysconf(_SC_OPEN_MAX); files > 0)
        impl->max_connections = connection_bound(static_cast<std::size_t>(files));
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, resolve(impl->context, listen));
    RETURN_IF_ERROR(listen_on(impl->acceptor, endpoint, listen));
    beast::error_code failure;
    const tcp::endpoint bound = impl->acceptor.local_endpoint(failure);
    if (failure) return io_error("cannot tell where the API listens: " + failure.message());
    const std::string address = net::to_string({bound.address().to_string(), bound.port()});
    impl->acceptor.non_blocking(true, failure);
    if (failure) return io_error("cannot prepare the API's socket: " + failure.message());
    accept(impl);
    impl->thread = std::thread([context = &impl->context] { context->run(); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl), address));
}

Status HttpServer::can_listen(const std::string& listen) {
    asio::io_context context;
    tcp::acceptor acceptor(context);
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, resolve(context, listen));
    return listen_on(acceptor, endpoint, listen);
}

HttpServer::~HttpServer() {
    impl_->stopping = true;
    // Once everything is closed and the handlers have been told, run() returns.
    asio::post(impl_->context, [impl = impl_] {
        beast::error_code ignored;
        impl->acceptor.close(ignored);
        impl->accept_pause.cancel();
        for (const auto& weak : impl->sessions)
            if (const auto session = weak.lock()) session->close();
    });
    impl_->thread.join();
}

}  // namespace cairn::api
