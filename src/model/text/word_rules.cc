#include "model/text/word_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "model/text/unicode.h"

namespace cairn::model {

namespace {

// What scanners ask of a character: for ASCII from a table, else from unicode.h.
enum Kind : std::uint8_t { kOther, kLetter, kNumber, kSpace };

Kind simplified(CharClass c) {
    if (is_letter(c)) return kLetter;
    if (c == CharClass::kNumber) return kNumber;
    return c == CharClass::kSpace ? kSpace : kOther;
}

constexpr std::array<Kind, 128> kAscii = [] {
    std::array<Kind, 128> kinds{};
    for (unsigned c = 0; c < 128; ++c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool space = c == ' ' || (c >= '\t' && c <= '\r');
        kinds[c] = letter ? kLetter : c >= '0' && c <= '9' ? kNumber : space ? kSpace : kOther;
    }
    return kinds;
}();

struct Glyph {
    Kind kind;
    std::uint32_t length;
};

Glyph glyph_at(std::string_view text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return {kAscii[byte], 1};
    const Character character = first_character(text.substr(at));
    return {simplified(character.kind), character.length};
}

// The end of the run of `kind` that begins at or after `at`.
std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
    while (at < text.size()) {
        const Glyph glyph = glyph_at(text, at);
        if (glyph.kind != kind) break;
        at += glyph.length;
    }
    return at;
}

bool is_newline(char c) { return c == '\r' || c == '\n'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The length of 's, 't, 're, 've, 'm, 'll or 'd at the start, else 0. Without case, U+017F (long
// s) is an s, too.
template <bool AnyCase>
std::size_t contraction(std::string_view text) {
    if (text.size() < 2) return 0;
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

// \s+(?!\S)|\s+ : a run of spaces, but its last one is left to the word after it.
template <bool DigitsApart>
std::size_t spaces(std::string_view text) {
    std::size_t end = 0;
    std::size_t last = 0;
    while (end < text.size()) {
        const Glyph glyph = glyph_at(text, end);
        if (glyph.kind != kSpace)
            return last == 0 || (DigitsApart && glyph.kind == kNumber) ? end : last;
        last = end;
        end += glyph.length;
    }
    return end;
}

// Where digits stand apart, a number ends the text for what is before it.
template <bool DigitsApart>
std::size_t gpt2_word(std::string_view text) {
    if (text[0] == '\'') {
        const std::size_t length = contraction<false>(text);
        if (length > 0) return length;
    }
    const std::size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
    const Glyph glyph = glyph_at(text, start);
    if (glyph.kind == kSpace) return spaces<DigitsApart>(text);
    if (DigitsApart && glyph.kind == kNumber) return start == 1 ? 1 : glyph.length;
    return run_end(text, start + glyph.length, glyph.kind);
}

template <std::size_t MaxDigits>
std::size_t number(std::string_view text) {
    std::size_t end = 0;
    for (std::size_t digits = 0; digits < MaxDigits && end < text.size(); ++digits) {
        const Glyph glyph = glyph_at(text, end);
        if (glyph.kind != kNumber) break;
        end += glyph.length;
    }
    return end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last newline of the run, if it has one.
std::size_t spaces_to_newline(std::string_view text) {
    std::size_t end = 0;
    std::size_t after_newline = 0;
    while (end < text.size()) {
        const Glyph glyph = glyph_at(text, end);
        if (glyph.kind != kSpace) break;
        end += glyph.length;
        if (is_newline(text[end - 1])) after_newline = end;
    }
    return after_newline > 0 ? after_newline : spaces<false>(text);
}

// Punctuation and the newlines after it.
std::size_t punctuation(std::string_view text, std::size_t start) {
    std::size_t end = run_end(text, start, kOther);
    while (end < text.size() && is_newline(text[end])) ++end;
    return end;
}

template <std::size_t MaxDigits>
std::size_t llama3_word(std::string_view text) {
    if (text[0] == '\'') {
        const std::size_t length = contraction<true>(text);
        if (length > 0) return length;
    }
    const Glyph first = glyph_at(text, 0);
    if (first.kind == kLetter) return run_end(text, first.length, kLetter);
    if (first.kind == kNumber) return number<MaxDigits>(text);
    const bool more = first.length < text.size();
    const Glyph second = more ? glyph_at(text, first.length) : Glyph{kSpace, 0};
    if (second.kind == kLetter && !is_newline(text[0]))
        return run_end(text, first.length + second.length, kLetter);
    if (first.kind == kOther) return punctuation(text, first.length);
    if (text[0] == ' ' && second.kind == kOther) return punctuation(text, 1);
    return spaces_to_newline(text);
}

struct RuleName {
    std::string_view name;
    WordRule rule;
};

// The first name of a rule is the one that files are written with. A byte-level vocabulary that
// names no rule is of a time when there was only GPT-2's.
constexpr auto kNames = std::to_array<RuleName>({
    {"gpt-2", WordRule::kGpt2},
    {"gpt2", WordRule::kGpt2},
    {"", WordRule::kGpt2},
    {"default", WordRule::kGpt2},
    {"phi-2", WordRule::kGpt2},
    {"mpt", WordRule::kGpt2},
    {"olmo", WordRule::kGpt2},
    {"jais", WordRule::kGpt2},
    {"smollm", WordRule::kDigits},
    {"starcoder", WordRule::kDigits},
    {"refact", WordRule::kDigits},
    {"command-r", WordRule::kDigits},
    {"codeshell", WordRule::kDigits},
    {"exaone", WordRule::kDigits},
    {"llama-bpe", WordRule::kLlama3},
    {"llama3", WordRule::kLlama3},
    {"llama-v3", WordRule::kLlama3},
    {"falcon3", WordRule::kLlama3},
    {"dbrx", WordRule::kLlama3},
    {"smaug-bpe", WordRule::kLlama3},
    {"qwen2", WordRule::kQwen2},
    {"stablelm2", WordRule::kQwen2},
    {"deepseek-r1-qwen", WordRule::kQwen2},
    {"megrez", WordRule::kQwen2},
});

// By the number of the rule.
constexpr std::array<std::string_view, kWordRules> kPatterns = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+)"
    R"([\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+)"
    R"([\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

}  // namespace

WordScanner scanner_of(WordRule rule) {
    switch (rule) {
        case WordRule::kGpt2:
            return gpt2_word<false>;
        case WordRule::kDigits:
            return gpt2_word<true>;
        case WordRule::kLlama3:
            return llama3_word<3>;
        case WordRule::kQwen2:
            return llama3_word<1>;
    }
    CHECK(false);
    return gpt2_word<false>;
}

std::string_view word_rule_name(WordRule rule) {
    return std::find_if(kNames.begin(), kNames.end(),
                        [&](const RuleName& known) { return known.rule == rule; })
        ->name;
}

std::optional<WordRule> word_rule_named(std::string_view name) {
    for (const RuleName& known : kNames)
        if (known.name == name) return known.rule;
    return std::nullopt;
}

std::string_view word_rule_pattern(WordRule rule) {
    return kPatterns[static_cast<std::size_t>(rule)];
}

std::optional<WordRule> word_rule_of_pattern(std::string_view pattern) {
    for (std::size_t i = 0; i < kPatterns.size(); ++i)
        if (!pattern.empty() && kPatterns[i] == pattern) return static_cast<WordRule>(i);
    return std::nullopt;
}

}  // namespace cairn::model
