// The names by which GGUF files call the rules of cutting text (tokenizer.ggml.pre). Every name
// that llama.cpp knows is here: with its rule, or with the reason why it is not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/word_rules.h"

namespace cairn::text {

struct PreTokenizer {
    std::string_view name;
    WordRule rule = WordRule::kGpt2;
    bool whole_words = false;  ///< a word that is a piece is that token, whatever merges say
    bool add_bos = false;      ///< unless the file says otherwise
    bool characters = false;   ///< merges of characters, not of bytes: no rule
    std::string_view refused{};
};

/// kUnsupported, naming it, for a name that is not known or not read.
Result<PreTokenizer> pre_tokenizer(std::string_view name);
/// The name that files are written with.
std::string_view pre_tokenizer_name(WordRule rule, bool whole_words);
/// All of them, for tests and documentation.
std::span<const PreTokenizer> pre_tokenizers();

}  // namespace cairn::text
