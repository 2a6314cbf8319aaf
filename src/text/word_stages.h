// The scanners that word rules are made of; each is one regular expression of word_rule_forms.cc.
#pragma once

#include "text/word_scan.h"

namespace cairn::text {

inline constexpr std::size_t kAnyDigits = static_cast<std::size_t>(-1);

/// GPT-2's expression. With DigitsApart, a number counts as the end of the text before it.
template <bool DigitsApart>
std::size_t gpt2_word(std::string_view text) {
    if (text[0] == '\'') {
        const std::size_t length = contraction<false>(text);
        if (length > 0) return length;
    }
    const std::size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
    const ScannedChar next = scan_char(text, start);
    if (next.kind == Kind::kSpace) return spaces<DigitsApart>(text);
    if (DigitsApart && next.kind == Kind::kNumber) return start == 1 ? 1 : next.length;
    return run_end(text, start + next.length, next.kind);
}

struct Llama3Options {
    std::size_t digits = 3;        ///< of a number, at most
    bool contractions = true;      ///< (?i:'s|'t|'re|'ve|'m|'ll|'d) are words
    bool newlines = true;          ///< [\r\n]* belongs to the punctuation before it
    bool doubling_spaces = false;  ///< \s{512}(?!\S)|\s{256}(?!\S)|...|\s{1,2}(?!\S)|\s
};

std::size_t doubling_spaces(std::string_view text);

/// Llama 3's expression, and those of many models that differ from it in one detail.
template <Llama3Options Options>
std::size_t llama3_word(std::string_view text) {
    const auto punctuation = [&](std::size_t start) {
        std::size_t end = run_end(text, start, Kind::kOther);
        while (Options.newlines && end < text.size() && is_newline(text[end])) ++end;
        return end;
    };
    if (Options.contractions && text[0] == '\'') {
        const std::size_t length = contraction<true>(text);
        if (length > 0) return length;
    }
    const ScannedChar first = scan_char(text, 0);
    if (first.kind == Kind::kLetter) return run_end(text, first.length, Kind::kLetter);
    if (first.kind == Kind::kNumber) return number<Options.digits>(text);
    const bool more = first.length < text.size();
    const ScannedChar second = more ? scan_char(text, first.length) : ScannedChar{Kind::kSpace, 0};
    if (second.kind == Kind::kLetter && !is_newline(text[0]))
        return run_end(text, first.length + second.length, Kind::kLetter);
    if (first.kind == Kind::kOther) return punctuation(first.length);
    if (text[0] == ' ' && second.kind == Kind::kOther) return punctuation(1);
    return Options.doubling_spaces ? doubling_spaces(text) : spaces_to_newline(text);
}

struct CasedOptions {
    std::size_t digits = 3;
    bool contractions = true;  ///< after a word, part of it
    bool slashes = true;       ///< [\r\n/]* after punctuation, not [\r\n]*
    bool han_apart = false;    ///< \p{Han}+ is a word, and no other word has one
};

/// The letters of GPT-4o's words: at most one character that is not \r, \n, \p{L} or \p{N}, then
/// capital letters, then small ones; 0 if there are no letters.
std::size_t cased_letters_end(std::string_view text, bool han_apart);
std::size_t han_run(std::string_view text);
/// ` ?[^\s\p{L}\p{N}]+` and newlines (slashes, too); 0 if there is none.
std::size_t punctuation_and_newlines(std::string_view text, bool slashes);

/// GPT-4o's expression.
template <CasedOptions Options>
std::size_t cased_word(std::string_view text) {
    if (Options.han_apart) {
        const std::size_t length = han_run(text);
        if (length > 0) return length;
    }
    if (const std::size_t end = cased_letters_end(text, Options.han_apart); end > 0)
        return end + (Options.contractions ? contraction<true>(text.substr(end)) : 0);
    if (const std::size_t end = number<Options.digits>(text); end > 0) return end;
    if (const std::size_t end = punctuation_and_newlines(text, Options.slashes); end > 0)
        return end;
    return spaces_to_newline(text);
}

std::size_t qwen35_word(std::string_view text);
std::size_t exaone_word(std::string_view text);

/// DeepSeek V3's last expression. With Newlines, these belong to the punctuation before them and
/// form one word with the spaces before them; otherwise each is a word.
template <bool Newlines>
std::size_t deepseek_word(std::string_view text);
extern template std::size_t deepseek_word<true>(std::string_view);
extern template std::size_t deepseek_word<false>(std::string_view);

/// Punctuation and the symbols of ASCII; with or without the backtick.
template <bool Backtick>
std::size_t falcon_punctuation(std::string_view text);
extern template std::size_t falcon_punctuation<true>(std::string_view);
extern template std::size_t falcon_punctuation<false>(std::string_view);

std::size_t bloom_word(std::string_view text);
std::size_t lines(std::string_view text);  ///< [^\n]+|[\n]+

// Stages that match something and leave the rest.
std::size_t single_newline(std::string_view text);       ///< [\r\n]
std::size_t spaced_letters(std::string_view text);       ///< \s?\p{L}+
std::size_t spaced_punctuation(std::string_view text);   ///< \s?\p{P}+
std::size_t cased_letters(std::string_view text);        ///< \s? and letters with case
std::size_t wide_punctuation(std::string_view text);     ///< \s? and signs, also full-width ones
std::size_t last_spaces(std::string_view text);          ///< \s+$
std::size_t east_asian_letters(std::string_view text);   ///< [一-龥ࠀ-一가-퟿]+
std::size_t kana_and_ideographs(std::string_view text);  ///< [一-龥぀-ゟ゠-ヿ]+
std::size_t east_asian_blocks(std::string_view text);    ///< Hangul, marks, Bopomofo, kana, Han
std::size_t eastern_scripts(std::string_view text);
std::size_t number_alone(std::string_view text);   ///< \p{N}
std::size_t numbers(std::string_view text);        ///< \p{N}+
std::size_t number_threes(std::string_view text);  ///< \p{N}{1,3}
std::size_t three_digits(std::string_view text);   ///< [0-9][0-9][0-9]
/// Numbers in groups of three, counted from their end: digits are \p{N}; \p{Nd} before a word
/// border; \p{Nd} within other numbers.
std::size_t numbers_from_end(std::string_view text, std::string_view before);
std::size_t digits_before_border(std::string_view text, std::string_view before);
std::size_t digits_from_end(std::string_view text, std::string_view before);
std::size_t sentinel(std::string_view text);       ///< <sentinel:[0-9]+>
std::size_t image_token(std::string_view text);    ///< IMGIMG[A-I]{1,4}Z
std::size_t tab_or_blanks(std::string_view text);  ///< [\t\n]|    |__ (four blanks, or two)
std::size_t mark_alone(std::string_view text);     ///< \p{P} or a sign of ASCII

}  // namespace cairn::text
