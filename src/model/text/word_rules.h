// The rules by which byte-level vocabularies cut text into words; merges never cross a border.
// Their authors wrote them as regular expressions; here each is a scanner by hand, which is
// faster, bounded, and needs no library. \p{L}, \p{N} and \s are those of model/unicode.h.
//
//   kGpt2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   kDigits  each \p{N} alone, kGpt2 between them (StarCoder, SmolLM)
//   kLlama3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//            ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   kQwen2   the same with \p{N} instead of \p{N}{1,3}
//
// (The last line of kLlama3's begins with a blank.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn::model {

enum class WordRule : std::uint8_t { kGpt2 = 0, kDigits = 1, kLlama3 = 2, kQwen2 = 3 };
inline constexpr std::uint8_t kWordRules = 4;

/// The length of the first word of a text that is not empty. The words, joined, are the text.
using WordScanner = std::size_t (*)(std::string_view text);
WordScanner scanner_of(WordRule rule);

/// GGUF's name for a rule (tokenizer.ggml.pre), and the rule for any name that means it.
std::string_view word_rule_name(WordRule rule);
std::optional<WordRule> word_rule_named(std::string_view name);

/// The rule written as a regular expression in a tokenizer.json, and the way back. kDigits has
/// none of its own.
std::string_view word_rule_pattern(WordRule rule);
std::optional<WordRule> word_rule_of_pattern(std::string_view pattern);

}  // namespace cairn::model
