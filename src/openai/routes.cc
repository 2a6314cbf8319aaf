#include "openai/routes.h"

#include <algorithm>

#include <fmt/core.h>

#include "http/access.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "openai/chat_page.h"
#include "openai/paths.h"
#include "openai/text_answer.h"
#include "openai/vectors_answer.h"

namespace cairn::openai {

namespace {

constexpr std::uint64_t kMsPerSecond = 1000;
constexpr std::size_t kIdBytes = 12;

// The page is three files of this server that talk to it; nothing else may be loaded.
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

http::Response json_response(std::string json) {
    return {200, "application/json", std::move(json)};
}

std::optional<http::Response> page_part(const std::string& path) {
    const auto part = [](const char* type, const std::string& text) {
        return http::Response{200, type, text, 0, kPagePolicy};
    };
    if (path == "/") return part("text/html; charset=utf-8", chat_html());
    if (path == "/chat.js") return part("text/javascript; charset=utf-8", chat_js());
    if (path == "/chat.css") return part("text/css; charset=utf-8", chat_css());
    return std::nullopt;
}

bool is_open(const std::string& path) { return path == kHealthPath || page_part(path).has_value(); }

/// The first model that can do what is asked, as far as is known before it is loaded, those that
/// are ready first; empty if none can. For vectors an encoder comes before models that write.
std::string first_model(const host::TextHost& host, bool writes) {
    std::string asleep, otherwise;
    for (const host::HostedModel& model : host.models()) {
        if (model.state == host::ModelState::kFailed) continue;
        const bool ready = model.state == host::ModelState::kReady;
        if (model.writes == writes && ready) return model.id;
        if (model.writes == writes && asleep.empty()) asleep = model.id;
        if (!writes && otherwise.empty()) otherwise = model.id;
    }
    return asleep.empty() ? otherwise : asleep;
}

/// A request whose body is to be read, and then the host asked.
struct Job {
    const ApiContext& context;
    std::string body;
    std::string client;
    std::unique_ptr<Exchange> exchange;
};

// One request with its way back.
class Route {
  public:
    Route(const ApiContext& context, http::Request request,
          const std::shared_ptr<http::Reply>& reply)
        : context_(context),
          request_(std::move(request)),
          exchange_(std::make_unique<Exchange>(request_, reply, context.journal)) {}

    void answer() {
        if (context_.is_stopping) return send(stopping());
        const std::string& path = request_.path;
        const bool get = request_.method == "GET";
        const bool post = request_.method == "POST";
        if (const auto part = page_part(path)) return get ? send(*part) : wrong_method();
        if (path == kHealthPath) return get ? send(health()) : wrong_method();
        if (path == kMetricsPath) return get ? send(metrics()) : wrong_method();
        if (path == kModelsPath)
            return get ? send(json_response(models_json(context_.host->models()))) : wrong_method();
        if (path.starts_with(kModelsPath) && path[kModelsPath.size()] == '/')
            return get ? model(path.substr(kModelsPath.size() + 1)) : wrong_method();
        if (path == kChatPath) return post ? text(Form::kChat) : wrong_method();
        if (path == kCompletionsPath) return post ? text(Form::kCompletion) : wrong_method();
        if (path == kEmbeddingsPath) return post ? embeddings() : wrong_method();
        not_there();
    }

  private:
    void send(http::Response response) { exchange_->send(std::move(response)); }
    static void fail(Exchange& exchange, const ApiError& error) {
        exchange.entry().problem = error.message;
        exchange.send(error_response(error));
    }
    void fail(const ApiError& error) { fail(*exchange_, error); }
    void wrong_method() {
        fail({405, fmt::format("{} does not take {}", request_.path, request_.method), "",
              "method_not_supported", 0});
    }
    void not_there() {
        if (request_.path == kResponsesPath)
            return fail({404, "this server has no /v1/responses; use /v1/chat/completions", "",
                         "unknown_url", 0});
        fail({404,
              fmt::format("nothing is at {} {}; there are /v1/models, /v1/chat/completions, "
                          "/v1/completions and /v1/embeddings",
                          request_.method, request_.path),
              "", "unknown_url", 0});
    }

    http::Response health() const {
        bool loading = false;
        for (const host::HostedModel& model : context_.host->models()) {
            if (model.state == host::ModelState::kReady || model.state == host::ModelState::kAsleep)
                return {200, "text/plain", "ok\n"};
            loading = loading || model.state == host::ModelState::kLoading;
        }
        http::Response response{503, "text/plain",
                                loading ? "loading\n" : "no model could be loaded\n"};
        if (loading) response.retry_after_s = 1;
        return response;
    }

    http::Response metrics() const {
        std::string text = context_.host->metrics() + context_.journal->metrics();
        if (context_.http_metrics) text += context_.http_metrics();
        return {200, "text/plain; version=0.0.4", std::move(text)};
    }

    void model(const std::string& id) {
        for (const host::HostedModel& model : context_.host->models())
            if (model.id == id || std::ranges::count(model.versions, id) > 0)
                return send(json_response(model_json(model)));
        fail(no_such_model(id));
    }

    static ApiError no_such_model(const std::string& id) {
        return {
            404,
            fmt::format("no model is called '{}'; GET /v1/models lists those that are here", id),
            "model", "model_not_found", 0};
    }

    /// Whether the body says that it is JSON. A page of another site may send nothing that does
    /// without asking this server first (OPTIONS), which never agrees.
    bool is_json() {
        if (request_.content_type.starts_with("application/json")) return true;
        fail({415, "send Content-Type: application/json", "", "unsupported_content_type", 0});
        return false;
    }

    AnswerHead head(Form form) const {
        FixedBytes<kIdBytes> id;
        context_.random->fill(id.bytes);
        const Clock& clock = context_.journal->clock();
        return {form, (form == Form::kChat ? "chatcmpl-" : "cmpl-") + to_hex(id),
                static_cast<std::int64_t>(clock.wall_ms() / kMsPerSecond), ""};
    }

    /// Reads the body, if it is long on a thread of its own, and asks the host by `ask_host(ask,
    /// client, exchange)`.
    template <typename Ask, typename AskHost>
    void read_and_ask(Checked<Ask> (*read)(std::string_view), AskHost ask_host) {
        if (!is_json()) return;
        const std::size_t bytes = request_.body.size();
        const std::string client = request_.client;
        const auto job = std::make_shared<Job>(
            Job{context_, std::move(request_.body), client, std::move(exchange_)});
        const auto work = [job, read, ask_host] {
            // Perhaps it has waited for others' bodies.
            Checked<Ask> ask =
                job->context.is_stopping ? Checked<Ask>(ApiError{}) : read(job->body);
            const MutexLock lock(job->context.asking);
            if (job->context.is_stopping) return job->exchange->send(stopping());
            if (const auto* problem = std::get_if<ApiError>(&ask))
                return fail(*job->exchange, *problem);
            ask_host(*job, std::move(std::get<Ask>(ask)));
        };
        if (context_.bodies == nullptr || bytes <= BodyDesk::kShortBytes) return work();
        if (!context_.bodies->add(client, bytes, work))
            fail(*job->exchange, {429, "too many long requests wait to be read; ask again later",
                                  "", "rate_limit_exceeded", 1});
    }

    void text(Form form) {
        const std::uint64_t seed = context_.random->u64();
        read_and_ask<TextAsk>(form == Form::kChat ? read_chat : read_completion,
                              [seed, begun = head(form)](Job& job, TextAsk ask) {
                                  host::TextHost& host = *job.context.host;
                                  if (ask.model.empty()) ask.model = first_model(host, true);
                                  if (!ask.seeded) ask.options.sampling.seed = seed;
                                  AnswerHead answer = begun;
                                  answer.model = ask.model;
                                  TextAnswer::start(host, std::move(ask), std::move(answer),
                                                    job.client, std::move(job.exchange),
                                                    job.context.bodies);
                              });
    }

    void embeddings() {
        read_and_ask<VectorsAsk>(read_embeddings, [](Job& job, VectorsAsk ask) {
            host::TextHost& host = *job.context.host;
            if (ask.model.empty()) ask.model = first_model(host, false);
            VectorsAnswer::start(host, std::move(ask), job.client, std::move(job.exchange),
                                 job.context.bodies);
        });
    }

    const ApiContext& context_;
    http::Request request_;
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace

std::optional<http::Response> refused(const ApiContext& context, const http::Request& head) {
    if (context.only_loopback_names && !http::asks_by_loopback_name(head))
        return refusal(403, "ask by the name 127.0.0.1 or localhost");
    if (http::comes_from_another_site(head) && !http::is_link_to_page(head, head.path == "/"))
        return refusal(403, "pages of other sites may not ask this server");
    if (context.token.empty() || is_open(head.path) || http::has_token(head, context.token))
        return std::nullopt;
    return error_response(
        {401, "send this server's token: Authorization: Bearer TOKEN", "", "invalid_api_key", 0});
}

void route(const ApiContext& context, http::Request request,
           const std::shared_ptr<http::Reply>& reply) {
    Route(context, std::move(request), reply).answer();
}

http::Response stopping() {
    return error_response({503, "the server is stopping", "", "stopping", 0});
}

http::Response refusal(unsigned status, const std::string& why) {
    return error_response({status, why, "", status == 413 ? "request_too_large" : "", 0});
}

}  // namespace cairn::openai
