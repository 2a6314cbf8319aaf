// Building blocks for the scanners of word rules: a coarse kind for each character (for ASCII from
// a table), runs of one kind, and the short expressions that many rules share.
#pragma once

#include <array>

#include "text/unicode.h"

namespace cairn::text {

enum class Kind : std::uint8_t { kOther, kLetter, kNumber, kSpace };

constexpr std::array<Kind, 128> kAsciiKinds = [] {
    std::array<Kind, 128> kinds{};
    for (unsigned c = 0; c < 128; ++c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool space = c == ' ' || (c >= '\t' && c <= '\r');
        kinds[c] = letter                 ? Kind::kLetter
                   : c >= '0' && c <= '9' ? Kind::kNumber
                   : space                ? Kind::kSpace
                                          : Kind::kOther;
    }
    return kinds;
}();

inline Kind simplified(CharClass c) {
    if (is_letter(c)) return Kind::kLetter;
    if (is_number(c)) return Kind::kNumber;
    return c == CharClass::kSpace ? Kind::kSpace : Kind::kOther;
}

struct ScannedChar {
    Kind kind;
    std::uint32_t length;
};

inline ScannedChar scan_char(std::string_view text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return {kAsciiKinds[byte], 1};
    const Character character = first_character(text.substr(at));
    return {simplified(character.kind), character.length};
}

/// The end of the run of `kind` that begins at or after `at`.
inline std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
    while (at < text.size()) {
        const ScannedChar next = scan_char(text, at);
        if (next.kind != kind) break;
        at += next.length;
    }
    return at;
}

/// The end of the run of at most `limit` characters that `belongs` accepts.
template <typename Belongs>
std::size_t run_of(std::string_view text, std::size_t at, const Belongs& belongs,
                   std::size_t limit = static_cast<std::size_t>(-1)) {
    for (; limit > 0 && at < text.size(); --limit) {
        const Character character = first_character(text.substr(at));
        if (!belongs(character)) break;
        at += character.length;
    }
    return at;
}

inline bool is_newline(char c) { return c == '\r' || c == '\n'; }
inline bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// The length of 's, 't, 're, 've, 'm, 'll or 'd at the start, else 0. Without case, U+017F (long
/// s) is an s, too.
template <bool AnyCase>
std::size_t contraction(std::string_view text) {
    if (text.size() < 2 || text[0] != '\'') return 0;
    const auto letter = [&](std::size_t i) { return AnyCase ? lower(text[i]) : text[i]; };
    const char first = letter(1);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (AnyCase && text.substr(1).starts_with("\xC5\xBF")) return 3;
    if (text.size() < 3) return 0;
    const char second = letter(2);
    const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                     (first == 'l' && second == 'l');
    return two ? 3 : 0;
}

/// \s+(?!\S)|\s+ : a run of spaces, but its last one is left to the word after it.
template <bool DigitsApart>
std::size_t spaces(std::string_view text) {
    std::size_t end = 0;
    std::size_t last = 0;
    while (end < text.size()) {
        const ScannedChar next = scan_char(text, end);
        if (next.kind != Kind::kSpace)
            return last == 0 || (DigitsApart && next.kind == Kind::kNumber) ? end : last;
        last = end;
        end += next.length;
    }
    return end;
}

/// \s*[\r\n]+ : up to the last newline of the run of spaces; 0 if it has none.
inline std::size_t through_newlines(std::string_view text) {
    std::size_t end = 0;
    std::size_t after_newline = 0;
    while (end < text.size()) {
        const ScannedChar next = scan_char(text, end);
        if (next.kind != Kind::kSpace) break;
        end += next.length;
        if (is_newline(text[end - 1])) after_newline = end;
    }
    return after_newline;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+
inline std::size_t spaces_to_newline(std::string_view text) {
    const std::size_t after_newline = through_newlines(text);
    return after_newline > 0 ? after_newline : spaces<false>(text);
}

/// \p{N}{1,MaxDigits}
template <std::size_t MaxDigits>
std::size_t number(std::string_view text) {
    std::size_t end = 0;
    for (std::size_t digits = 0; digits < MaxDigits && end < text.size(); ++digits) {
        const ScannedChar next = scan_char(text, end);
        if (next.kind != Kind::kNumber) break;
        end += next.length;
    }
    return end;
}

/// For an expression that does not match everywhere: the length of its match at the start, else of
/// the text before its first match. `Match` gives the length of a match at the start, 0 for none.
template <std::size_t (*Match)(std::string_view)>
std::size_t match_or_gap(std::string_view text) {
    const std::size_t length = Match(text);
    if (length > 0) return length;
    std::size_t at = first_character(text).length;
    while (at < text.size() && Match(text.substr(at)) == 0)
        at += first_character(text.substr(at)).length;
    return at;
}

}  // namespace cairn::text
