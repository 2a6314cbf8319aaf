// The added tokens that Hugging Face's other files name, beside those of tokenizer.json:
// tokenizer_config.json (added_tokens_decoder), or where it has none, added_tokens.json. Two
// descriptions of one token are combined as the transformers library combines them; where they
// contradict each other, or we cannot express the result, the error names the token.
#pragma once

#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "text/json_vocabulary.h"

namespace cairn::text {

/// The flags of an added token (AddedFlag), as a tokenizer.json has them.
std::uint8_t added_flags(const nlohmann::json& token);

/// tokenizer_config.json's "added_tokens_decoder": number to token.
Status merge_added_decoder(const nlohmann::json& decoder, VocabularyParts& parts);
/// added_tokens.json: name to number. `special`: names of tokens that begin, end, pad, ...
Status merge_added_names(const nlohmann::json& names, const std::set<std::string>& special,
                         VocabularyParts& parts);
/// "bos_token" and its like: a piece that is no added token becomes a control token. `ids` are
/// those of `parts`.
void mark_special(const nlohmann::json& token, const PieceIds& ids, VocabularyParts& parts);

}  // namespace cairn::text
