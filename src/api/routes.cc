#include "api/routes.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/json_views.h"
#include "api/page.h"
#include "api/protocol.h"
#include "base/files.h"
#include "base/outputs.h"
#include "http/access.h"

namespace cairn::api {

namespace {

using Json = nlohmann::json;

// The page is one file that talks to its own origin; nothing else may be loaded.
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; frame-ancestors 'none'";

http::Response json_response(std::string json) {
    return {200, "application/json", std::move(json)};
}

Result<std::uint64_t> number_of(const http::Request& request, const std::string& name,
                                std::uint64_t otherwise) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) return otherwise;
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size())
        return invalid(name + " wants a whole number, not '" + text + "'");
    return value;
}

Result<Hash256> hash_of(const http::Request& request, const std::string& name) {
    const auto found = request.query.find(name);
    if (found == request.query.end())
        return invalid("give ?" + name + "= and 64 hexadecimal digits");
    return fixed_from_hex<32>(found->second);
}

/// One, or several with commas between.
Result<std::vector<Hash256>> hashes_of(const http::Request& request, const std::string& name) {
    const auto found = request.query.find(name);
    if (found == request.query.end())
        return invalid("give ?" + name + "= and 64 hexadecimal digits");
    std::vector<Hash256> hashes;
    std::string_view rest = found->second;
    for (;;) {
        const std::size_t comma = rest.find(',');
        ASSIGN_OR_RETURN(const Hash256 hash, fixed_from_hex<32>(rest.substr(0, comma)));
        hashes.push_back(hash);
        if (comma == std::string_view::npos) return hashes;
        rest.remove_prefix(comma + 1);
    }
}

Result<Json> object_of(const http::Request& request) {
    Json json = Json::parse(request.body, nullptr, false);
    if (!json.is_object()) return invalid("the request's body is not a JSON object");
    return json;
}

Result<std::string> text_of(const Json& object, const std::string& name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string())
        return invalid("the request wants a text named " + name);
    return found->get<std::string>();
}

Result<std::uint64_t> number_of(const Json& object, const std::string& name,
                                std::uint64_t otherwise) {
    const auto found = object.find(name);
    if (found == object.end()) return otherwise;
    if (!found->is_number_unsigned()) return invalid(name + " wants a whole number");
    return found->get<std::uint64_t>();
}

Result<bool> truth_of(const Json& object, const std::string& name) {
    const auto found = object.find(name);
    if (found == object.end()) return false;
    if (!found->is_boolean()) return invalid(name + " wants true or false");
    return found->get<bool>();
}

http::Response stopping() { return refusal(503, "the node is stopping"); }

void next_turn(const std::shared_ptr<ApiContext>& context) {
    context->answering = !context->waiting.empty();
    if (!context->answering) return;
    const auto turn = std::move(context->waiting.front());
    context->waiting.pop_front();
    turn();
}

/// Asks the node by `ask(node, callback)` when it is this request's turn, and has the answer
/// written by `write` beside the loop: thousands of records take longer to write than a block may
/// wait. One at a time, so bodies for peers, which are read on the same lane, wait for one at most.
template <typename T, typename Ask, typename Write>
void answer_in_turn(const std::shared_ptr<ApiContext>& context, const http::Respond& respond,
                    Ask ask, Write write) {
    if (context->waiting.size() >= kMaxWaitingRequests) {
        http::Response busy =
            refusal(503, "too many long answers are asked for at once; try again");
        busy.retry_after_s = 1;
        return respond(std::move(busy));
    }
    const auto on_found = [context, respond, write](Result<T> found) {
        if (context->node == nullptr) {
            respond(stopping());
            return next_turn(context);
        }
        offload(
            *context->loop, Lane::kRead,
            [write, found = std::move(found)] {
                return found.ok() ? write(*found) : error_response(found.error());
            },
            [context, respond](http::Response response) {
                respond(std::move(response));
                next_turn(context);
            });
    };
    context->waiting.push_back([context, respond, ask, on_found] {
        if (context->node != nullptr) return ask(*context->node, node::Callback<T>(on_found));
        respond(stopping());
        next_turn(context);
    });
    if (!context->answering) next_turn(context);
}

/// For the node to call: responds with the value as `write` puts it into JSON, or with the error.
template <typename T, typename Write>
node::Callback<T> answer_by(const http::Respond& respond, Write write) {
    return [respond, write](Result<T> result) {
        respond(result.ok() ? json_response(write(*result)) : error_response(result.error()));
    };
}

Status blocks(const std::shared_ptr<ApiContext>& context, const http::Request& request,
              const http::Respond& respond) {
    ASSIGN_OR_RETURN(const std::uint64_t from, number_of(request, "from", 0));
    ASSIGN_OR_RETURN(const std::uint64_t asked, number_of(request, "max", kMaxBlocksPerAnswer));
    const auto max = static_cast<std::size_t>(std::min<std::uint64_t>(asked, kMaxBlocksPerAnswer));
    using Merges = std::vector<node::MergeView>;
    answer_in_turn<Merges>(
        context, respond,
        [from, max](node::NodeApi& node, node::Callback<Merges> answer) {
            node.merges(from, max, std::move(answer));
        },
        [](const Merges& merges) { return json_response(blocks_json(merges)); });
    return ok_status();
}

Status explain_path(const std::shared_ptr<ApiContext>& context, const http::Request& request,
                    const http::Respond& respond) {
    if (!request.query.contains("height")) {
        ASSIGN_OR_RETURN(const Hash256 id, hash_of(request, "id"));
        using Records = std::vector<store::ContributionRecord>;
        answer_in_turn<Records>(
            context, respond,
            [id](node::NodeApi& node, node::Callback<Records> answer) {
                node.explain(id, kMaxRecordsPerAnswer, std::move(answer));
            },
            [](const Records& records) { return json_response(records_json(records)); });
        return ok_status();
    }
    ASSIGN_OR_RETURN(const std::uint64_t height, number_of(request, "height", 0));
    using Merges = std::vector<node::MergeView>;
    answer_in_turn<Merges>(
        context, respond,
        [height](node::NodeApi& node, node::Callback<Merges> answer) {
            node.merges(height, 1, std::move(answer));
        },
        [height](const Merges& found) {
            if (found.empty() || found.front().merge.height != height)
                return error_response(not_found("block " + std::to_string(height) +
                                                " is not a merge block of the chain"));
            return json_response(records_json(found.front().contributions));
        });
    return ok_status();
}

// The model writes a sample only when somebody asks for samples, at most one for each merge block.
void take_sample(const std::shared_ptr<ApiContext>& context) {
    if (context->sampling) return;
    context->sampling = true;
    const auto on_text = [context](std::uint64_t height, Result<std::string> text) {
        context->sampling = false;
        if (!text.ok()) return;
        context->samples.emplace_back(height, *std::move(text));
        if (context->samples.size() > kMaxSamples) context->samples.erase(context->samples.begin());
    };
    const std::uint64_t after = context->samples.empty() ? 0 : context->samples.back().first;
    context->node->merges(
        after + 1, kMaxBlocksPerAnswer,
        [context, on_text](const Result<std::vector<node::MergeView>>& fresh) {
            if (!fresh.ok() || fresh->empty() || context->node == nullptr) {
                context->sampling = false;
                return;
            }
            const std::uint64_t height = fresh->back().merge.height;
            context->node->generate(
                context->sample_prompt, context->sample_tokens, 1,
                [on_text, height](Result<std::string> text) { on_text(height, std::move(text)); });
        });
}

Status coins(const std::shared_ptr<ApiContext>& context, const http::Request& request,
             const http::Respond& respond) {
    ASSIGN_OR_RETURN(const std::vector<crypto::PublicKey> keys, hashes_of(request, "key"));
    using Coins = std::vector<node::CoinView>;
    answer_in_turn<Coins>(
        context, respond,
        [keys](node::NodeApi& node, node::Callback<Coins> answer) {
            node.coins_of(keys, std::move(answer));
        },
        [](const Coins& found) { return json_response(coins_json(found)); });
    return ok_status();
}

void servers(const std::shared_ptr<ApiContext>& context, const http::Respond& respond) {
    using Servers = std::vector<node::ServerView>;
    answer_in_turn<Servers>(
        context, respond,
        [](node::NodeApi& node, node::Callback<Servers> answer) { answer(node.servers()); },
        [](const Servers& found) { return json_response(servers_json(found)); });
}

Result<chain::OutPoint> outpoint_of(const http::Request& request) {
    const auto found = request.query.find("coin");
    if (found == request.query.end()) return invalid("give ?coin=ID:N");
    return chain::parse_outpoint(found->second);
}

Result<proof::Question> question_of(const http::Request& request) {
    proof::Question question;
    question.searched_blocks = kMaxSearchedBlocks;
    question.max_headers = kMaxHeadersPerAnswer;
    ASSIGN_OR_RETURN(const std::uint64_t height, number_of(request, "height", 0));
    ASSIGN_OR_RETURN(const std::uint64_t from, number_of(request, "from", 0));
    if (height > 0xFFFFFFFF || from > 0xFFFFFFFF) return invalid("there is no such height");
    question.height = static_cast<std::uint32_t>(height);
    question.first_height = static_cast<std::uint32_t>(from);
    if (height == 0) {
        ASSIGN_OR_RETURN(question.id, hash_of(request, "id"));
    }
    const auto kind = request.query.find("kind");
    if (kind == request.query.end()) return question;
    const auto* const name = std::ranges::find(proof::kKindNames, kind->second);
    if (name == std::end(proof::kKindNames)) return invalid("there is no such kind");
    question.kind = static_cast<proof::Kind>(name - std::begin(proof::kKindNames));
    return question;
}

Status prove(const std::shared_ptr<ApiContext>& context, const http::Request& request,
             const http::Respond& respond) {
    ASSIGN_OR_RETURN(const proof::Question question, question_of(request));
    answer_in_turn<Bytes>(
        context, respond,
        [question](node::NodeApi& node, node::Callback<Bytes> answer) {
            node.prove(question, std::move(answer));
        },
        [](const Bytes& bytes) { return json_response(field_json("proof", to_hex(bytes))); });
    return ok_status();
}

Status trace(const std::shared_ptr<ApiContext>& context, const http::Request& request,
             const http::Respond& respond) {
    ASSIGN_OR_RETURN(const chain::OutPoint coin, outpoint_of(request));
    ASSIGN_OR_RETURN(const std::uint64_t asked, number_of(request, "max", kMaxTracedPerAnswer));
    const auto max =
        static_cast<std::size_t>(std::clamp<std::uint64_t>(asked, 1, kMaxTracedPerAnswer));
    answer_in_turn<proof::CoinTrace>(
        context, respond,
        [coin, max](node::NodeApi& node, node::Callback<proof::CoinTrace> answer) {
            node.trace_coin(coin, max, kMaxTraceBytes, std::move(answer));
        },
        [](const proof::CoinTrace& found) { return json_response(trace_json(found)); });
    return ok_status();
}

Status pooled(ApiContext& context, const http::Request& request, const http::Respond& respond) {
    ASSIGN_OR_RETURN(const Hash256 id, hash_of(request, "id"));
    context.node->pooled_payment(id, answer_by<node::PooledView>(respond, pooled_json));
    return ok_status();
}

Status submit_payment(ApiContext& context, const http::Request& request,
                      const http::Respond& respond) {
    ASSIGN_OR_RETURN(const Json object, object_of(request));
    ASSIGN_OR_RETURN(const std::string hex, text_of(object, "payment"));
    ASSIGN_OR_RETURN(Bytes payment, from_hex(hex));
    context.node->submit_payment(std::move(payment),
                                 answer_by<Hash256>(respond, [](const Hash256& id) {
                                     return field_json("id", to_hex(id));
                                 }));
    return ok_status();
}

Status generate(ApiContext& context, const http::Request& request, const http::Respond& respond) {
    ASSIGN_OR_RETURN(const Json object, object_of(request));
    ASSIGN_OR_RETURN(std::string prompt, text_of(object, "prompt"));
    ASSIGN_OR_RETURN(const std::uint64_t tokens, number_of(object, "max_tokens", 64));
    ASSIGN_OR_RETURN(const std::uint64_t seed, number_of(object, "seed", 0));
    if (tokens == 0 || tokens > kMaxGeneratedTokens)
        return invalid("max_tokens wants 1 to " + std::to_string(kMaxGeneratedTokens));
    context.node->generate(std::move(prompt), static_cast<std::uint32_t>(tokens), seed,
                           answer_by<std::string>(respond, [](const std::string& text) {
                               return field_json("text", text);
                           }));
    return ok_status();
}

Status export_model(ApiContext& context, const http::Request& request,
                    const http::Respond& respond) {
    ASSIGN_OR_RETURN(const Json object, object_of(request));
    ASSIGN_OR_RETURN(std::string path, text_of(object, "folder"));
    ASSIGN_OR_RETURN(const bool replace, truth_of(object, "replace"));
    if (path.empty()) return invalid("folder wants the path of the file to write");
    RETURN_IF_ERROR(check_outputs({{"folder", path}}, {}));
    if (!replace && exists(path))
        return Error{ErrorCode::kRefused,
                     path + " exists already: name another file, or send \"replace\": true"};
    context.node->export_model(std::move(path),
                               answer_by<Hash256>(respond, [](const Hash256& root) {
                                   return field_json("state_root", to_hex(root));
                               }));
    return ok_status();
}

void answer_get(const std::shared_ptr<ApiContext>& context, const http::Request& request,
                const http::Respond& respond) {
    if (request.path == "/")
        return respond({200, "text/html; charset=utf-8", page_html(), 0, kPagePolicy});
    if (request.path == "/healthz") return respond({200, "text/plain", "ok\n"});
    if (request.path == kStatusPath)
        return respond(json_response(status_json(context->node->status())));
    if (request.path == kServersPath) return servers(context, respond);
    if (request.path == kSamplesPath) {
        take_sample(context);
        return respond(json_response(samples_json(context->samples)));
    }
    Status asked = not_found("nothing is at " + request.path + "; see API.md for the paths");
    if (request.path == kBlocksPath) asked = blocks(context, request, respond);
    if (request.path == kExplainPath) asked = explain_path(context, request, respond);
    if (request.path == kCoinsPath) asked = coins(context, request, respond);
    if (request.path == kProofPath) asked = prove(context, request, respond);
    if (request.path == kTracePath) asked = trace(context, request, respond);
    if (request.path == kPooledPath) asked = pooled(*context, request, respond);
    if (!asked.ok()) respond(error_response(asked.error()));
}

void answer_post(const std::shared_ptr<ApiContext>& context, const http::Request& request,
                 const http::Respond& respond) {
    if (auto why = refused_command(request, context->token, context->only_loopback_names))
        return respond(*std::move(why));
    if (!request.content_type.starts_with("application/json"))
        return respond(refusal(400, "send Content-Type: application/json"));
    Status asked = not_found("nothing takes a POST at " + request.path);
    if (request.path == kPaymentsPath) asked = submit_payment(*context, request, respond);
    if (request.path == kGeneratePath) asked = generate(*context, request, respond);
    if (request.path == kExportPath) asked = export_model(*context, request, respond);
    if (!asked.ok()) respond(error_response(asked.error()));
}

}  // namespace

std::optional<http::Response> refused_command(const http::Request& head, const std::string& token,
                                              bool only_loopback_names) {
    if (only_loopback_names && !http::asks_by_loopback_name(head))
        return refusal(403, "ask by the name 127.0.0.1 or localhost");
    // A page of another site can send neither this header nor the content type of JSON unless we
    // allow it when the browser asks us first (OPTIONS), which we never do.
    if (http::has_token(head, token)) return std::nullopt;
    return refusal(401, "this needs the token from the node's api.json");
}

http::Response refusal(unsigned status, const std::string& why) {
    return {status, "application/json", field_json("error", why)};
}

http::Response error_response(const Error& error) {
    switch (error.code) {
        case ErrorCode::kInvalid:
        case ErrorCode::kMisused:
        case ErrorCode::kRefused:
            return refusal(400, error.message);
        case ErrorCode::kNotFound:
            return refusal(404, error.message);
        case ErrorCode::kUnsupported:
            return refusal(501, error.message);
        case ErrorCode::kFull: {
            http::Response busy = refusal(503, error.message);
            busy.retry_after_s = 1;
            return busy;
        }
        default:
            return refusal(503, error.message);
    }
}

void route(const std::shared_ptr<ApiContext>& context, const http::Request& request,
           const http::Respond& respond) {
    if (context->node == nullptr) return respond(stopping());
    if (context->only_loopback_names && !http::asks_by_loopback_name(request))
        return respond(refusal(403, "ask by the name 127.0.0.1 or localhost"));
    if (http::comes_from_another_site(request) &&
        !http::is_link_to_page(request, request.path == "/"))
        return respond(refusal(403, "pages of other sites may not ask this node"));
    if (request.method == "GET") return answer_get(context, request, respond);
    if (request.method == "POST") return answer_post(context, request, respond);
    respond(refusal(405, "only GET and POST are understood"));
}

}  // namespace cairn::api
