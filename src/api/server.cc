#include "api/server.h"

#include "api/api_file.h"
#include "api/chain_models.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/random.h"
#include "http/access.h"
#include "http/http_server.h"
#include "net/address.h"
#include "openai/paths.h"
#include "openai/request.h"
#include "openai/routes.h"

namespace cairn::api {

namespace {

constexpr std::string_view kOwnPaths = "/v1/cairn/";
constexpr std::string_view kPagePath = "/chat";

/// What openai/ answers, and not this room.
bool is_of_models(const std::string& path) {
    if (path.starts_with(kOwnPaths)) return false;
    return path.starts_with("/v1/") || path == kPagePath || path == "/chat.js" ||
           path == "/chat.css" || path == openai::kMetricsPath;
}

/// There the page is at "/", which here is the dashboard.
http::Request for_models(http::Request request) {
    if (request.path == kPagePath) request.path = "/";
    return request;
}

/// Before memory is spent on a body. The rest is asked again by route().
std::optional<http::Response> refused(const openai::ApiContext& models, const std::string& token,
                                      const http::Request& head) {
    if (is_of_models(head.path)) return openai::refused(models, for_models(head));
    if (head.method != "POST") return std::nullopt;
    return refused_command(head, token, models.only_loopback_names);
}

}  // namespace

struct Server::State {
    ~State() {
        http.reset();                              // its handlers use the rest
        if (models.bodies) models.bodies->stop();  // so do its tasks
    }
    ServerOptions options;
    std::shared_ptr<ApiContext> context = std::make_shared<ApiContext>();
    SystemRandom random;
    openai::ApiContext models;  ///< used on the HTTP server's thread
    std::unique_ptr<ChainModels> chain_models;
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
    ASSIGN_OR_RETURN(state->chain_models, ChainModels::start(node, loop, state->options.threads,
                                                             state->options.memory_bytes));
    static const SystemClock clock;  // answers, which hold the journal, outlive servers
    openai::ApiContext& models = state->models;
    models.host = &state->chain_models->host();
    models.random = &state->random;
    models.bodies = std::make_shared<openai::BodyDesk>();
    models.journal = std::make_shared<openai::Journal>(clock, nullptr);
    ASSIGN_OR_RETURN(const net::Address asked, net::parse_address(state->options.listen));
    if (!net::is_loopback(asked.host)) models.token = context.token;
    http::HttpServerOptions web;
    web.listen = state->options.listen;
    web.max_body_bytes = openai::kMaxBodyBytes;
    web.refusal = [](unsigned status, const std::string& why, const http::Request& head) {
        return is_of_models(head.path) ? openai::refusal(status, why) : refusal(status, why);
    };
    web.advice = kAdvice;
    web.admit = [&models, secret = context.token](const http::Request& head) {
        return refused(models, secret, head);
    };
    web.handler = [&loop, &models, shared = state->context](http::Request request,
                                                            std::shared_ptr<http::Reply> reply) {
        if (is_of_models(request.path))
            return openai::route(models, for_models(std::move(request)), reply);
        loop.post([shared, request = std::move(request), reply = std::move(reply)] {
            route(shared, request,
                  [reply](http::Response response) { reply->send(std::move(response)); });
        });
    };
    ASSIGN_OR_RETURN(state->http, http::HttpServer::start(std::move(web)));
    // Decided by the numeric address that was bound: a name may resolve to any address.
    ASSIGN_OR_RETURN(const net::Address bound, net::parse_address(state->http->address()));
    context.only_loopback_names = net::is_loopback(bound.host);
    models.only_loopback_names = context.only_loopback_names;
    if (!context.only_loopback_names && models.token.empty())
        return invalid("--api names an address beyond this machine by a name of this machine");
    if (!context.only_loopback_names)
        log_warn(
            "the API listens on {}: everyone who reaches that address can read this node, and talk "
            "with its model by the token of api.json; nothing is encrypted",
            state->http->address());
    if (!state->options.directory.empty())
        RETURN_IF_ERROR(
            write_api_file(state->options.directory, {state->http->address(), context.token}));
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
    // Requests that are still on their way to the loop are answered "the node is stopping".
    state_->context->node = nullptr;
    state_->models.is_stopping = true;
    state_->http.reset();
    { const MutexLock lock(state_->models.asking); }  // from now on nobody asks the models
    state_->chain_models.reset();
    if (!state_->options.directory.empty()) remove_api_file(state_->options.directory);
}

const std::string& Server::address() const { return state_->http->address(); }

const std::string& Server::token() const { return state_->context->token; }

}  // namespace cairn::api
