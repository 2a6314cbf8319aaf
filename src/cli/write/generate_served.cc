#include "cli/write/generate_served.h"

#include <ostream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/serve/serve_address.h"
#include "console/json_line.h"
#include "http/client.h"
#include "openai/chat_events.h"
#include "openai/paths.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kPatienceMs = 600'000;  // a place may be long in coming

std::string question(const GenerateRequest& request, std::size_t most) {
    const tensor::SampleSettings& sampling = request.sampling.settings;
    Json body = {{"prompt", request.prompt},
                 {"stream", true},
                 {"stream_options", {{"include_usage", true}}},
                 {"max_tokens", most},
                 {"temperature", sampling.temperature},
                 {"top_p", sampling.top_p},
                 {"top_k", sampling.top_k},
                 {"min_p", sampling.min_p},
                 {"repetition_penalty", sampling.repetition_penalty},
                 {"presence_penalty", sampling.presence_penalty},
                 {"frequency_penalty", sampling.frequency_penalty},
                 {"seed", static_cast<std::int64_t>(sampling.seed)}};
    if (!request.sampling.stops.empty()) body["stop"] = request.sampling.stops;
    return console::json_text(body);
}

struct Told {
    Result<http::Answer> answer;
    openai::ChatFacts facts;

    bool is_too_long() const {
        return answer.ok() && answer->status == 400 &&
               openai::error_code(answer->body) == "context_length_exceeded";
    }
};

/// An answer of at most so many tokens, shown as it comes unless it is only asked for what it
/// tells.
Told ask(const GenerateRequest& request, const ServerAddress& node, std::size_t most, bool shown,
         std::ostream& out) {
    openai::ChatEvents events([&](const std::string& piece) {
        if (shown) out << piece << std::flush;
    });
    bool first = true;
    http::Question asked;
    asked.address = node.address;
    asked.path = openai::kCompletionsPath;
    asked.token = node.token;
    asked.json = question(request, most);
    asked.timeout_ms = kPatienceMs;
    asked.who = "node";
    asked.piece = [&](std::string_view piece) {
        if (std::exchange(first, false) && shown) out << request.prompt;
        events.take(piece);
    };
    asked.cancelled = [&] { return !out.good(); };
    auto answer = http::ask(asked);
    return {std::move(answer), events.facts()};
}

/// For how many tokens the node's model has room, prompt and answer together; 0: it does not say.
std::size_t room_of(const ServerAddress& node) {
    http::Question asked;
    asked.address = node.address;
    asked.path = openai::kModelsPath;
    asked.token = node.token;
    const auto answer = http::ask(asked);
    if (!answer.ok()) return 0;
    const Json models = openai::read_answer(answer->body);
    const Json::json_pointer context("/data/0/cairn/context");
    return models.contains(context) && models[context].is_number_unsigned()
               ? models[context].get<std::size_t>()
               : 0;
}

/// --steps is what is written at most, so a model with less room writes less. How long the prompt
/// is for that model says an answer of one token.
Told ask_what_fits(const GenerateRequest& request, const ServerAddress& node, std::ostream& out) {
    Told told = ask(request, node, request.steps, !request.json, out);
    if (!told.is_too_long()) return told;
    Told shortest = ask(request, node, 1, false, out);
    const std::size_t used = shortest.facts.prompt_tokens;
    if (shortest.facts.finish_reason.empty() || used == 0) return shortest;
    const std::size_t room = room_of(node);
    return room > used ? ask(request, node, room - used, !request.json, out) : told;
}

}  // namespace

Status run_generate_served(const GenerateRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ServerAddress node,
                     server_address(request.dir, request.node, "", request.token_file));
    const SystemClock clock;
    const std::uint64_t started = clock.monotonic_us();
    const Told told = ask_what_fits(request, node, out);
    const auto& [answer, facts] = told;
    if (!answer.ok()) return nobody_answers(answer.error(), node);
    if (answer->status == 401)
        return Error{ErrorCode::kRefused, "the node wants its token: --token-file FILE"};
    std::string problem =
        answer->status == 200 ? facts.problem : openai::error_message(answer->body);
    if (answer->status != 200 && problem.empty())
        problem = "what answers there is no node of this version";
    if (!problem.empty()) return Error{ErrorCode::kRefused, "the node says: " + problem};
    if (facts.finish_reason.empty()) return io_error("the node's answer broke off");
    if (!request.json) {
        out << '\n';
        return ok_status();
    }
    const double seconds = static_cast<double>(clock.monotonic_us() - started) / 1e6;
    const auto tokens = static_cast<double>(facts.completion_tokens);
    out << console::json_line(Json{{"prompt", request.prompt},
                                   {"text", facts.text},
                                   {"model", facts.model},
                                   {"tokens", facts.completion_tokens},
                                   {"stop", facts.finish_reason},
                                   {"tokens_per_second", seconds > 0 ? tokens / seconds : 0.0}});
    return ok_status();
}

}  // namespace cairn::cli
