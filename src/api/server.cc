#include "api/server.h"

#include "api/api_file.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/random.h"
#include "http/http_server.h"
#include "net/address.h"

namespace cairn::api {

struct Server::State {
    ServerOptions options;
    std::shared_ptr<ApiContext> context = std::make_shared<ApiContext>();
    std::unique_ptr<http::HttpServer> http;
};

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(node::NodeApi& node, Loop& loop,
                                              ServerOptions options) {
    auto state = std::make_shared<State>();
    state->options = std::move(options);
    ApiContext& context = *state->context;
    context.node = &node;
    context.loop = &loop;
    FixedBytes<16> token;
    SystemRandom().fill(token.bytes);
    context.token = to_hex(token);
    context.sample_prompt = state->options.sample_prompt;
    context.sample_tokens = state->options.sample_tokens;
    http::HttpServerOptions web;
    web.listen = state->options.listen;
    web.refusal = refusal;
    web.advice = kAdvice;
    web.handler = [&loop, shared = state->context](http::Request request,
                                                   std::shared_ptr<http::Reply> reply) {
        loop.post([shared, request = std::move(request), reply = std::move(reply)] {
            route(shared, request,
                  [reply](http::Response response) { reply->send(std::move(response)); });
        });
    };
    ASSIGN_OR_RETURN(state->http, http::HttpServer::start(std::move(web)));
    // Decided by the numeric address that was bound: a name may resolve to any address.
    ASSIGN_OR_RETURN(const net::Address bound, net::parse_address(state->http->address()));
    context.only_loopback_names = net::is_loopback(bound.host);
    if (!context.only_loopback_names)
        log_warn("the API listens on {}: everyone who reaches that address can read this node",
                 state->http->address());
    if (!state->options.directory.empty())
        RETURN_IF_ERROR(
            write_api_file(state->options.directory, {state->http->address(), context.token}));
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
    // Requests that are still on their way to the loop are answered "the node is stopping".
    state_->context->node = nullptr;
    state_->http.reset();
    if (!state_->options.directory.empty()) remove_api_file(state_->options.directory);
}

const std::string& Server::address() const { return state_->http->address(); }

const std::string& Server::token() const { return state_->context->token; }

}  // namespace cairn::api
