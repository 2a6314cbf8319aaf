#include "api/server.h"

#include "api/api_file.h"
#include "api/http_server.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/random.h"
#include "net/address.h"

namespace cairn::api {

struct Server::State {
    ServerOptions options;
    std::shared_ptr<ApiContext> context = std::make_shared<ApiContext>();
    std::unique_ptr<HttpServer> http;
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
    ASSIGN_OR_RETURN(
        state->http,
        HttpServer::start(state->options.listen, [&loop, shared = state->context](
                                                     HttpRequest request, Respond respond) {
            loop.post([shared, request = std::move(request), respond = std::move(respond)] {
                route(shared, request, respond);
            });
        }));
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
