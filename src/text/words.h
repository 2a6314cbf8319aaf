// Cutting text into words for our own BPE, which merges byte pairs only within a word. The rule is
// simple and works on bytes: a word is a run of one class (letters, digits up to three,
// punctuation, space), and one blank before letters, digits or punctuation belongs to them. Bytes
// of non-ASCII characters count as letters. The words, joined, are the text.
#pragma once

#include <cstddef>
#include <string_view>

namespace cairn::text {

/// No word is longer; a longer run is cut, at a character's border where there is one.
inline constexpr std::size_t kMaxWordBytes = 128;

/// The length of the first word of `text`, which must not be empty.
std::size_t next_word(std::string_view text);

}  // namespace cairn::text
