#include "openai/server.h"

#include <future>

#include <fmt/core.h>

#include "http/http_server.h"
#include "net/address.h"
#include "openai/request.h"
#include "openai/routes.h"

namespace cairn::openai {

// Answers that are still to come hold the journal, and nothing else of it.
struct Server::State {
    ~State() {
        http.reset();                                // its handlers use the rest
        if (context.bodies) context.bodies->stop();  // so do its tasks
    }
    SystemRandom random;
    ApiContext context;
    std::unique_ptr<http::HttpServer> http;
    /// The same, for its own thread, which may run before start() has returned.
    std::atomic<const http::HttpServer*> running = nullptr;
};

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(host::TextHost& host, ServerOptions options) {
    constexpr const char* kNeedsToken = "whoever serves beyond this machine needs a token";
    ASSIGN_OR_RETURN(const net::Address asked, net::parse_address(options.listen));
    if (!net::is_loopback(asked.host) && options.token.empty()) return invalid(kNeedsToken);
    auto state = std::make_shared<State>();
    ApiContext& context = state->context;
    context.host = &host;
    context.random = &state->random;
    context.bodies = std::make_shared<BodyDesk>();
    static const SystemClock clock;  // answers, which hold the journal, outlive servers
    context.journal = std::make_shared<Journal>(clock, std::move(options.told));
    context.token = std::move(options.token);
    State* const shared = state.get();
    context.http_metrics = [shared] {
        const http::HttpServer* running = shared->running;
        return fmt::format(
            "# HELP cairn_http_connections Connections that are open now.\n"
            "# TYPE cairn_http_connections gauge\ncairn_http_connections {}\n",
            running == nullptr ? 0 : running->connections());
    };
    http::HttpServerOptions web;
    web.listen = std::move(options.listen);
    web.max_connections = kMaxConnections;
    web.max_body_bytes = kMaxBodyBytes;
    web.refusal = [](unsigned status, const std::string& why, const http::Request&) {
        return refusal(status, why);
    };
    web.advice = std::move(options.advice);
    web.admit = [shared](const http::Request& head) { return refused(shared->context, head); };
    web.handler = [shared](http::Request request, const std::shared_ptr<http::Reply>& reply) {
        route(shared->context, std::move(request), reply);
    };
    ASSIGN_OR_RETURN(state->http, http::HttpServer::start(std::move(web)));
    // Decided by the numeric address that was bound: a name may resolve to any address.
    ASSIGN_OR_RETURN(const net::Address bound, net::parse_address(state->http->address()));
    context.only_loopback_names = net::is_loopback(bound.host);
    if (!context.only_loopback_names && context.token.empty()) return invalid(kNeedsToken);
    shared->running = state->http.get();
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::take_no_more() {
    state_->context.is_stopping = true;
    // Whatever the server's thread was about to ask has been asked when it comes to this task.
    std::promise<void> seen;
    state_->http->call_after(0, [&] { seen.set_value(); });
    seen.get_future().wait();
    const MutexLock lock(state_->context.asking);  // nor does anybody ask it for text any more
}

const std::string& Server::address() const { return state_->http->address(); }

}  // namespace cairn::openai
