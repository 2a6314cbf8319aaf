// What the readers of requests share (request.cc, chat_messages.cc, sampling_fields.cc).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "openai/fields.h"
#include "openai/request.h"

namespace cairn::openai {

/// The messages as the chat formats take them: "developer" is "system", and system messages at the
/// beginning are one. Contents are texts, or lists of parts that are.
host::Conversation read_messages(const nlohmann::json& list, std::optional<ApiError>& problem);

/// All that decides how tokens are chosen, and where the text ends.
void read_sampling(Fields& fields, TextAsk& ask);

/// A list of whole numbers that are no ids of tokens is a problem, named `name`.
text::Tokens read_tokens(const nlohmann::json& list, const std::string& name,
                         std::optional<ApiError>& problem);

}  // namespace cairn::openai
