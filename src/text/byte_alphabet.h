// GPT-2's alphabet: files of byte-level vocabularies spell each byte as one printable character
// (blank as U+0120, newline as U+010A), so that pieces are readable text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cairn::text {

/// Bytes in the alphabet's spelling, which is valid UTF-8.
std::string spell_bytes(std::string_view bytes);
/// The way back; nothing if a character is not of the alphabet.
std::optional<std::string> unspell_bytes(std::string_view spelling);

}  // namespace cairn::text
