#include "cli/serve/served_models.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "openai/chat_events.h"
#include "openai/paths.h"

namespace cairn::cli {

using Json = nlohmann::json;

Result<Json> served_models(const ServerAddress& asked) {
    http::Question question;
    question.address = asked.address;
    question.path = openai::kModelsPath;
    question.token = asked.token;
    const auto answer = http::ask(question);
    if (!answer.ok()) return nobody_answers(answer.error(), asked);
    const Json json = openai::read_answer(answer->body);
    if (answer->status != 200 || !json.is_object() || !json.contains("data") ||
        !json["data"].is_array())
        return refused_by_server(*answer);
    return json["data"];
}

Error refused_by_server(const http::Answer& answer) {
    if (answer.status == 401)
        return {ErrorCode::kRefused, "the server wants its token: --token-file FILE"};
    const std::string said = openai::error_message(answer.body);
    if (!said.empty()) return {ErrorCode::kRefused, "the server says: " + said};
    return {ErrorCode::kRefused,
            fmt::format("what answers there is no server of models (status {})", answer.status)};
}

}  // namespace cairn::cli
