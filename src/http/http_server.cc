#include "http/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/log.h"
#include "http/session_impl.h"
#include "net/address.h"

namespace cairn::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr auto kAcceptPause = std::chrono::milliseconds(200);
/// While all places are taken: how often to look for one, and how long a connection may then be
/// without a request before it makes room.
constexpr auto kFullPause = std::chrono::milliseconds(5);
constexpr std::uint64_t kSpareAfterUs = 200'000;

using Shared = std::shared_ptr<HttpServer::Impl>;

}  // namespace

tcp::endpoint listening_point(const std::vector<tcp::endpoint>& found) {
    const auto v4 = std::ranges::find_if(
        found, [](const tcp::endpoint& point) { return point.address().is_v4(); });
    return v4 == found.end() ? found.front() : *v4;
}

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

void HttpServer::Impl::bound_bodies(const Session& newest) {
    while (promised > kMaxBodiesAtOnce * options.max_body_bytes) {
        std::shared_ptr<Session> slowest;
        for (const auto& weak : sessions) {
            const auto session = weak.lock();
            if (!session || session.get() == &newest || session->promised() == 0) continue;
            if (!slowest || session->spare_since_us() < slowest->spare_since_us())
                slowest = session;
        }
        if (!slowest) return;
        slowest->close();
    }
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
        log_warn("the HTTP server cannot take a connection: {}; it keeps trying",
                 failure.message());
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
    return listening_point({found.begin(), found.end()});
}

Status listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const std::string& name,
                 const std::string& advice, std::size_t waiting) {
    beast::error_code failure;
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(static_cast<int>(waiting), failure);
    if (!failure) return ok_status();
    return Error{ErrorCode::kRefused,
                 "the API cannot listen at " + name + ": " + failure.message() + advice};
}

}  // namespace

std::size_t connection_bound(std::size_t files, std::size_t wanted) {
    return std::clamp<std::size_t>(files / 4, 1, wanted);
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl, std::string address)
    : impl_(std::move(impl)), address_(std::move(address)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options) {
    auto impl = std::make_shared<Impl>();
    impl->options = std::move(options);
    const std::string& listen = impl->options.listen;
    if (const long files = ::sysconf(_SC_OPEN_MAX); files > 0)
        impl->max_connections =
            connection_bound(static_cast<std::size_t>(files), impl->options.max_connections);
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, resolve(impl->context, listen));
    RETURN_IF_ERROR(listen_on(impl->acceptor, endpoint, listen, impl->options.advice,
                              impl->options.max_connections));
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

Status HttpServer::can_listen(const std::string& listen, const std::string& advice) {
    asio::io_context context;
    tcp::acceptor acceptor(context);
    ASSIGN_OR_RETURN(const tcp::endpoint endpoint, resolve(context, listen));
    return listen_on(acceptor, endpoint, listen, advice, kMaxConnections);
}

std::size_t HttpServer::connections() const { return impl_->open; }

void HttpServer::call_after(std::uint64_t delay_ms, std::function<void()> task) {
    asio::post(impl_->context, [impl = impl_.get(), delay_ms, task = std::move(task)] {
        if (impl->stopping) return;
        std::erase_if(impl->timers, [](const auto& timer) { return timer.expired(); });
        const auto timer = std::make_shared<asio::steady_timer>(
            impl->context, std::chrono::milliseconds(delay_ms));
        impl->timers.push_back(timer);
        timer->async_wait([impl, timer, task](beast::error_code failure) {
            if (!failure && !impl->stopping) task();
        });
    });
}

HttpServer::~HttpServer() {
    impl_->stopping = true;
    // Once everything is closed and the handlers have been told, run() returns.
    asio::post(impl_->context, [impl = impl_] {
        beast::error_code ignored;
        impl->acceptor.close(ignored);
        impl->accept_pause.cancel();
        for (const auto& weak : impl->timers)
            if (const auto timer = weak.lock()) timer->cancel();
        for (const auto& weak : impl->sessions)
            if (const auto session = weak.lock()) session->close();
    });
    impl_->thread.join();
}

}  // namespace cairn::http
