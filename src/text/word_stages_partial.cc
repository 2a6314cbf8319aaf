// Scanners of words: expressions that match some of a text and leave the rest.
#include <algorithm>

#include "text/word_stages.h"

namespace cairn::text {

namespace {

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t N>
bool is_in(char32_t code, const Range (&ranges)[N]) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [&](Range range) { return code >= range.first && code <= range.last; });
}

// DeepSeek LLM's letters with case. Sorted.
constexpr Range kCased[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},
    {0xD8, 0xF6},       {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},
    {0x295, 0x2AF},     {0x370, 0x373},     {0x376, 0x376},     {0x377, 0x377},
    {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},
    {0x38C, 0x38C},     {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},
    {0x48A, 0x52F},     {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},
    {0x13F8, 0x13FD},   {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},
    {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},
    {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},
    {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},
    {0x1FB6, 0x1FBC},   {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},
    {0x1FD0, 0x1FD3},   {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},
    {0x1FF6, 0x1FFC},   {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210A, 0x2113},
    {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},
    {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},
    {0x213C, 0x213F},   {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2183},
    {0x2184, 0x2184},   {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},
    {0x2CF2, 0x2CF2},   {0x2CF3, 0x2CF3},   {0xA640, 0xA66D},   {0xA680, 0xA69B},
    {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},   {0xAB70, 0xABBF},
    {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},
    {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2},
    {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943}};
constexpr Range kWidePunctuation[] = {{'!', '/'},       {':', '~'},       {0xFF01, 0xFF0F},
                                      {0xFF1A, 0xFF5E}, {0x2018, 0x201F}, {0x3000, 0x3002}};
constexpr Range kEastAsian[] = {{0x4E00, 0x9FA5}, {0x0800, 0x4E00}, {0xAC00, 0xD7FF}};
constexpr Range kKanaAndIdeographs[] = {{0x4E00, 0x9FA5}, {0x3040, 0x30FF}};
constexpr Range kEasternScripts[] = {
    {0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0xF900, 0xFAFF}, {0x3040, 0x309F}, {0x30A0, 0x30FF},
    {0xFF65, 0xFF9F}, {0x2F00, 0x2FDF}, {0x0E40, 0x0E7F}, {0x0E80, 0x0EFF}, {0x1780, 0x17FF},
    {0x1000, 0x109F}, {0xAA60, 0xAA7F}, {0xA9E0, 0xA9FF}, {0xAC00, 0xD7AF}, {0x1100, 0x11FF}};
constexpr Range kHangul[] = {{0xAC00, 0xD7A3}, {0x3131, 0x318E}};
constexpr Range kEasternMarks[] = {{0xFF01, 0xFF01}, {0x2026, 0x2026}, {0x201C, 0x201D},
                                   {0x2018, 0x2019}, {0x2014, 0x2014}, {0xFF1A, 0xFF1B},
                                   {0xFF0C, 0xFF0C}, {0x3001, 0x303F}, {0xFE30, 0xFE4F}};
constexpr Range kBopomofo[] = {{0x3105, 0x312F}};

bool is_cased(char32_t code) {
    const Range* range = std::upper_bound(std::begin(kCased), std::end(kCased), code,
                                          [](char32_t c, Range r) { return c < r.first; });
    return range != std::begin(kCased) && code <= (range - 1)->last;
}

template <const auto& Ranges>
std::size_t range_run(std::string_view text) {
    return run_of(text, 0, [](const Character& c) { return is_in(c.code, Ranges); });
}

// \s?X+
template <typename Belongs>
std::size_t spaced_run(std::string_view text, const Belongs& belongs) {
    const Character first = first_character(text);
    if (first.kind == CharClass::kSpace) {
        const std::size_t end = run_of(text, first.length, belongs);
        if (end > first.length) return end;
    }
    return run_of(text, 0, belongs);
}

bool is_ascii_sign(char32_t c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

bool is_sign(const Character& c) { return is_punctuation(c.kind) || c.kind == CharClass::kSymbol; }

// The size of the first group if `count` digits are grouped in threes from their end.
std::size_t first_group(std::size_t count) { return count % 3 == 0 ? 3 : count % 3; }

template <typename Belongs>
std::size_t count_run(std::string_view text, const Belongs& belongs) {
    std::size_t count = 0;
    for (; !text.empty() && belongs(first_character(text)); ++count)
        text.remove_prefix(first_character(text).length);
    return count;
}

bool is_digit(const Character& c) { return c.kind == CharClass::kDigit; }
bool is_any_number(const Character& c) { return is_number(c.kind); }

std::size_t newline_match(std::string_view text) { return is_newline(text[0]) ? 1 : 0; }

std::size_t letters_match(std::string_view text) {
    return spaced_run(text, [](const Character& c) { return is_letter(c.kind); });
}

std::size_t punctuation_match(std::string_view text) {
    return spaced_run(text, [](const Character& c) { return is_punctuation(c.kind); });
}

std::size_t cased_match(std::string_view text) {
    return spaced_run(text, [](const Character& c) { return is_cased(c.code); });
}

std::size_t wide_match(std::string_view text) {
    return spaced_run(text, [](const Character& c) { return is_in(c.code, kWidePunctuation); });
}

std::size_t eastern_block_match(std::string_view text) {
    for (const auto run : {&range_run<kHangul>, &range_run<kEasternMarks>, &range_run<kBopomofo>,
                           &range_run<kKanaAndIdeographs>})
        if (const std::size_t end = run(text); end > 0) return end;
    return 0;
}

std::size_t three_digits_match(std::string_view text) {
    return text.size() >= 3 && std::all_of(text.begin(), text.begin() + 3, is_ascii_digit) ? 3 : 0;
}

std::size_t sentinel_match(std::string_view text) {
    constexpr std::string_view kName = "<sentinel:";
    if (!text.starts_with(kName)) return 0;
    std::size_t end = kName.size();
    while (end < text.size() && is_ascii_digit(text[end])) ++end;
    return end > kName.size() && end < text.size() && text[end] == '>' ? end + 1 : 0;
}

std::size_t image_match(std::string_view text) {
    constexpr std::string_view kName = "IMGIMG";
    if (!text.starts_with(kName)) return 0;
    std::size_t end = kName.size();
    while (end < text.size() && end < kName.size() + 4 && text[end] >= 'A' && text[end] <= 'I')
        ++end;
    return end > kName.size() && end < text.size() && text[end] == 'Z' ? end + 1 : 0;
}

std::size_t blanks_match(std::string_view text) {
    if (text[0] == '\t' || text[0] == '\n') return 1;
    return text.starts_with("    ") ? 4 : text.starts_with("  ") ? 2 : 0;
}

std::size_t mark_match(std::string_view text) {
    const Character first = first_character(text);
    return is_punctuation(first.kind) || is_ascii_sign(first.code) ? first.length : 0;
}

template <bool Backtick>
std::size_t falcon_match(std::string_view text) {
    return run_of(text, 0, [](const Character& c) {
        return is_punctuation(c.kind) || (is_ascii_sign(c.code) && (Backtick || c.code != '`'));
    });
}

template <bool Newlines>
std::size_t deepseek_match(std::string_view text) {
    const Character first = first_character(text);
    const auto is_word = [](const Character& c) {
        return is_letter(c.kind) || c.kind == CharClass::kMark;
    };
    if (is_ascii_sign(first.code)) {
        const std::size_t end =
            run_of(text, 1, [](const Character& c) { return is_ascii_letter(c.code); });
        if (end > 1) return end;
    }
    if (first.code != '\r' && first.code != '\n' && !is_letter(first.kind) && !is_sign(first)) {
        const std::size_t end = run_of(text, first.length, is_word);
        if (end > first.length) return end;
    }
    if (const std::size_t end = run_of(text, 0, is_word); end > 0) return end;
    const std::size_t start = text[0] == ' ' ? 1 : 0;
    std::size_t end = run_of(text, start, is_sign);
    if (end > start) {
        while (Newlines && end < text.size() && is_newline(text[end])) ++end;
        return end;
    }
    if (!Newlines && is_newline(text[0])) return 1;
    return Newlines ? spaces_to_newline(text) : spaces<false>(text);
}

bool is_of_bloom(const Character& c) {
    if (c.kind == CharClass::kSpace) return false;
    switch (c.code) {
        case '(':
        case ')':
        case '|':
        case '.':
        case ',':
        case '!':
        case '?':
        case 0x2026:
        case 0x3002:
        case 0xFF0C:
        case 0x3001:
        case 0x0964:
        case 0x06D4:
        case 0x060C:
            return false;
        default:
            return true;
    }
}

std::size_t bloom_match(std::string_view text) {
    const std::size_t start = text[0] == ' ' ? 1 : 0;
    const std::size_t end = run_of(text, start, is_of_bloom);
    return end > start ? end : 0;
}

}  // namespace

std::size_t single_newline(std::string_view text) { return match_or_gap<newline_match>(text); }
std::size_t spaced_letters(std::string_view text) { return match_or_gap<letters_match>(text); }
std::size_t spaced_punctuation(std::string_view text) {
    return match_or_gap<punctuation_match>(text);
}
std::size_t cased_letters(std::string_view text) { return match_or_gap<cased_match>(text); }
std::size_t wide_punctuation(std::string_view text) { return match_or_gap<wide_match>(text); }

std::size_t last_spaces(std::string_view text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const Character last = last_character(rest);
        if (last.kind != CharClass::kSpace) break;
        rest.remove_suffix(last.length);
    }
    return rest.empty() ? text.size() : rest.size();
}

std::size_t east_asian_letters(std::string_view text) {
    return match_or_gap<range_run<kEastAsian>>(text);
}
std::size_t kana_and_ideographs(std::string_view text) {
    return match_or_gap<range_run<kKanaAndIdeographs>>(text);
}
std::size_t eastern_scripts(std::string_view text) {
    return match_or_gap<range_run<kEasternScripts>>(text);
}
std::size_t east_asian_blocks(std::string_view text) {
    return match_or_gap<eastern_block_match>(text);
}
std::size_t number_alone(std::string_view text) { return match_or_gap<number<1>>(text); }
std::size_t numbers(std::string_view text) { return match_or_gap<number<kAnyDigits>>(text); }
std::size_t number_threes(std::string_view text) { return match_or_gap<number<3>>(text); }
std::size_t three_digits(std::string_view text) { return match_or_gap<three_digits_match>(text); }

// The first group of a number at the start of the text, in threes from the number's end. After a
// digit, the text is the rest of a number whose first group was cut: only full groups are left, so
// that the digits of a long number are counted once.
template <typename Belongs, typename MayCut>
std::size_t group_or_gap(std::string_view text, std::string_view before, const Belongs& belongs,
                         const MayCut& may_cut) {
    std::size_t end = run_of(text, 0, belongs, 3);
    if (end > 0 && !before.empty() && belongs(last_character(before))) return end;
    end = run_of(text, 0, belongs);
    if (end > 0 && may_cut(text.substr(end)))
        return run_of(text, 0, belongs, first_group(count_run(text.substr(0, end), belongs)));
    while (end < text.size()) {
        const std::size_t after = run_of(text, end, belongs);
        if (after > end && may_cut(text.substr(after))) break;
        end = after > end ? after : end + first_character(text.substr(end)).length;
    }
    return end;
}

std::size_t numbers_from_end(std::string_view text, std::string_view before) {
    return group_or_gap(text, before, is_any_number, [](std::string_view) { return true; });
}

// \b after a number. For Oniguruma, the engine that these expressions are written for, the
// fractions and superscripts of Latin-1 are word characters, too, and the joiners are not.
std::size_t digits_before_border(std::string_view text, std::string_view before) {
    return group_or_gap(text, before, is_digit, [](std::string_view rest) {
        if (rest.empty()) return true;
        const Character next = first_character(rest);
        const bool joiner = next.code == 0x200C || next.code == 0x200D;
        const bool latin_number = next.kind == CharClass::kNumber && next.code < 0x100;
        return joiner || (!is_word_character(next) && !latin_number);
    });
}

// (?=(\d{3})+(?!\d)): cuts before each group, and takes nothing.
std::size_t digits_from_end(std::string_view text, std::string_view before) {
    const bool within = !before.empty() && is_digit(last_character(before));
    std::size_t at = run_of(text, 0, is_digit, 3);
    if (at > 0 && !within) {
        const std::size_t count = count_run(text, is_digit);
        if (count > 3) return run_of(text, 0, is_digit, first_group(count));
        at = run_of(text, 0, is_digit);
    } else if (at > 0 && at < text.size() && is_digit(first_character(text.substr(at)))) {
        return at;
    }
    if (at == 0) at = first_character(text).length;
    while (at < text.size()) {
        const std::size_t count = count_run(text.substr(at), is_digit);
        if (count >= 3) return run_of(text, at, is_digit, count % 3);
        at = count > 0 ? run_of(text, at, is_digit) : at + first_character(text.substr(at)).length;
    }
    return at;
}

std::size_t sentinel(std::string_view text) { return match_or_gap<sentinel_match>(text); }
std::size_t image_token(std::string_view text) { return match_or_gap<image_match>(text); }
std::size_t tab_or_blanks(std::string_view text) { return match_or_gap<blanks_match>(text); }
std::size_t mark_alone(std::string_view text) { return match_or_gap<mark_match>(text); }
std::size_t bloom_word(std::string_view text) { return match_or_gap<bloom_match>(text); }

template <bool Backtick>
std::size_t falcon_punctuation(std::string_view text) {
    return match_or_gap<falcon_match<Backtick>>(text);
}
template std::size_t falcon_punctuation<true>(std::string_view);
template std::size_t falcon_punctuation<false>(std::string_view);

template <bool Newlines>
std::size_t deepseek_word(std::string_view text) {
    return match_or_gap<deepseek_match<Newlines>>(text);
}
template std::size_t deepseek_word<true>(std::string_view);
template std::size_t deepseek_word<false>(std::string_view);

}  // namespace cairn::text
