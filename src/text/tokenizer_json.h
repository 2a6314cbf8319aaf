// Hugging Face's tokenizer files as VocabularyParts: tokenizer.json (pieces, merges, how text is
// cut) and tokenizer_config.json (which tokens begin and end a text, the chat template). Of the
// many shapes that tokenizer.json can take, the BPE ones that language models use are understood,
// byte-level and SentencePiece's, and the WordPiece one of encoders. What is not gives kUnsupported
// and says what it was.
//
// An added token's flags mean what they mean to Hugging Face's library (added_tokens.h). One thing
// differs on purpose: that library finds special tokens in users' text, we do not (see Special).
#pragma once

#include <string>
#include <string_view>

#include "text/vocabulary.h"

namespace cairn::text {

/// The texts of the files; those that are absent are empty.
struct TokenizerJson {
    std::string tokenizer;       ///< tokenizer.json
    std::string config;          ///< tokenizer_config.json
    std::string special;         ///< special_tokens_map.json
    std::string chat_template;   ///< chat_template.jinja
    std::string vocab{};         ///< vocab.txt, for encoders that have no tokenizer.json
    std::string added{};         ///< added_tokens.json
    std::string generation{};    ///< generation_config.json, of which only where a text ends
    std::string model_config{};  ///< config.json, of which the same where there is no generation
};

Result<VocabularyParts> read_tokenizer_json(const TokenizerJson& files);

/// The reverse; `special` and `chat_template` stay empty (the config has them). kUnsupported for a
/// vocabulary that tokenizer.json cannot express.
Result<TokenizerJson> write_tokenizer_json(const VocabularyParts& parts);

}  // namespace cairn::text
