// Scanners of words: expressions that match at every place of a text.
#include "text/word_stages.h"

#include <algorithm>

namespace cairn::text {

namespace {

bool is_lead(const Character& c) {
    return c.code != '\r' && c.code != '\n' && !is_letter(c.kind) && !is_number(c.kind);
}

bool is_letter_or_mark(const Character& c) {
    return is_letter(c.kind) || c.kind == CharClass::kMark;
}

struct Range {
    char32_t first;
    char32_t last;
};

// The script Han of Unicode 14.
constexpr Range kHan[] = {
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},
    {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
    {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B738}, {0x2B740, 0x2B81D},
    {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A}};

bool is_han(const Character& c) {
    return c.code >= kHan[0].first &&
           std::any_of(std::begin(kHan), std::end(kHan),
                       [&](Range range) { return c.code >= range.first && c.code <= range.last; });
}

// [upper]*[lower]+|[upper]+[lower]* from `at` on, as a backtracking engine matches it: 0 for none.
// Letters without case and marks are both upper and lower.
std::size_t cased_run_end(std::string_view text, std::size_t at, bool han_apart,
                          bool lower_needed) {
    const auto excluded = [&](const Character& c) { return han_apart && is_han(c); };
    std::size_t end = at;
    std::size_t after_both = 0;  // the end of the last letter that is both
    while (end < text.size()) {
        const Character c = first_character(text.substr(end));
        const bool both = c.kind == CharClass::kLetter || c.kind == CharClass::kMark;
        if ((c.kind != CharClass::kUpper && !both) || excluded(c)) break;
        end += c.length;
        if (both) after_both = end;
    }
    const auto is_lower = [&](const Character& c) {
        return is_letter_or_mark(c) && c.kind != CharClass::kUpper && !excluded(c);
    };
    const std::size_t lower_end = run_of(text, end, is_lower);
    if (lower_end > end) return lower_end;
    if (lower_needed) return after_both;
    return end > at ? end : 0;
}

}  // namespace

std::size_t han_run(std::string_view text) { return run_of(text, 0, is_han); }

std::size_t cased_letters_end(std::string_view text, bool han_apart) {
    const Character first = first_character(text);
    for (const bool lower_needed : {true, false}) {
        if (is_lead(first)) {
            const std::size_t end = cased_run_end(text, first.length, han_apart, lower_needed);
            if (end > 0) return end;
        }
        const std::size_t end = cased_run_end(text, 0, han_apart, lower_needed);
        if (end > 0) return end;
    }
    return 0;
}

std::size_t punctuation_and_newlines(std::string_view text, bool slashes) {
    const std::size_t start = text[0] == ' ' ? 1 : 0;
    std::size_t end = run_end(text, start, Kind::kOther);
    if (end == start) return 0;
    while (end < text.size() && (is_newline(text[end]) || (slashes && text[end] == '/'))) ++end;
    return end;
}

// What remains of a run of spaces is cut at the largest power of two, but one of it stays for the
// word after it.
std::size_t doubling_spaces(std::string_view text) {
    if (const std::size_t end = through_newlines(text); end > 0) return end;
    constexpr std::size_t kLargest = 512;
    const auto is_space = [](const Character& c) { return c.kind == CharClass::kSpace; };
    const std::size_t whole = run_of(text, 0, is_space, kLargest + 1);
    std::size_t count = 0;
    for (std::size_t at = 0; at < whole; ++count) at += first_character(text.substr(at)).length;
    const std::size_t room = whole == text.size() ? count : count - 1;
    std::size_t taken = kLargest;
    while (taken > 2 && taken > room) taken /= 2;
    taken = std::max<std::size_t>(1, std::min(taken, room));
    return run_of(text, 0, is_space, taken);
}

std::size_t qwen35_word(std::string_view text) {
    if (const std::size_t length = contraction<true>(text); length > 0) return length;
    const Character first = first_character(text);
    if (is_lead(first)) {
        const std::size_t end = run_of(text, first.length, is_letter_or_mark);
        if (end > first.length) return end;
    }
    if (const std::size_t end = run_of(text, 0, is_letter_or_mark); end > 0) return end;
    if (is_number(first.kind)) return first.length;
    const auto is_mark_or_sign = [](const Character& c) {
        return simplified(c.kind) == Kind::kOther && c.kind != CharClass::kMark;
    };
    const std::size_t start = text[0] == ' ' ? 1 : 0;
    std::size_t end = run_of(text, start, is_mark_or_sign);
    if (end == start) return spaces_to_newline(text);
    while (end < text.size() && is_newline(text[end])) ++end;
    return end;
}

namespace {

// \p{L}\p{M}*(?: ?\p{L}\p{M}*)* from `at` on.
std::size_t phrase_end(std::string_view text, std::size_t at) {
    const auto letter_end = [&](std::size_t from) {
        if (from >= text.size()) return from;
        const Character letter = first_character(text.substr(from));
        if (!is_letter(letter.kind)) return from;
        return run_of(text, from + letter.length,
                      [](const Character& c) { return c.kind == CharClass::kMark; });
    };
    std::size_t end = letter_end(at);
    while (end > at && end < text.size()) {
        const std::size_t from = text[end] == ' ' ? end + 1 : end;
        const std::size_t next = letter_end(from);
        if (next == from) break;
        end = next;
    }
    return end;
}

}  // namespace

std::size_t exaone_word(std::string_view text) {
    if (const std::size_t length = contraction<true>(text); length > 0) return length;
    const Character first = first_character(text);
    if (is_lead(first)) {
        const std::size_t end = phrase_end(text, first.length);
        if (end > first.length) return end;
    }
    if (const std::size_t end = phrase_end(text, 0); end > 0) return end;
    if (is_number(first.kind)) return first.length;
    const std::size_t start = text[0] == ' ' ? 1 : 0;
    std::size_t end = run_end(text, start, Kind::kOther);
    if (end == start) return spaces_to_newline(text);
    if (end < text.size() && (is_newline(text[end]) || text[end] == '/')) ++end;
    return end;
}

std::size_t lines(std::string_view text) {
    const bool newline = text[0] == '\n';
    std::size_t end = 1;
    while (end < text.size() && (text[end] == '\n') == newline) ++end;
    return end;
}

}  // namespace cairn::text
