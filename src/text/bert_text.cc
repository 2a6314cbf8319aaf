#include "text/bert_text.h"

#include <algorithm>

#include <utf8proc.h>

#include "text/normal_form.h"
#include "text/unicode.h"

namespace cairn::text {

namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kDottedCapitalI = 0x130;  // the one letter whose lower case is two characters
constexpr char32_t kDotAbove = 0x307;

struct Range {
    char32_t first;
    char32_t last;
};
// The blocks that BERT's authors list; kana and Hangul are not among them.
constexpr Range kIdeographs[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                 {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                 {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};

bool is_ideograph(char32_t code) {
    return std::any_of(std::begin(kIdeographs), std::end(kIdeographs),
                       [&](Range range) { return code >= range.first && code <= range.last; });
}

utf8proc_category_t category(char32_t code) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

// Categories Cc, Cf, Co, Cs. Unassigned characters stay: they may be emoji newer than our table.
bool is_control(char32_t code) {
    switch (category(code)) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_CS:
            return code != '\t' && code != '\n' && code != '\r';
        default:
            return false;
    }
}

bool is_punctuation(char32_t code) {
    // All printable signs of ASCII count, also those that Unicode calls symbols, such as $ and +.
    if (code < 0x80)
        return (code >= '!' && code <= '/') || (code >= ':' && code <= '@') ||
               (code >= '[' && code <= '`') || (code >= '{' && code <= '~');
    const utf8proc_category_t kind = category(code);
    return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

void append(std::string& out, char32_t code) {
    utf8proc_uint8_t bytes[4];
    const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

// Visits every character of a text; invalid bytes are visited as U+FFFD.
template <typename Visit>
void each_character(std::string_view text, const Visit& visit) {
    while (!text.empty()) {
        const Character character = first_character(text);
        visit(character.code);
        text.remove_prefix(character.length);
    }
}

std::string without_accents(const std::string& text) {
    std::string decomposed, out;
    if (!append_normal(text, NormalForm::kDecomposed, decomposed)) decomposed = text;
    each_character(decomposed, [&](char32_t code) {
        if (category(code) != UTF8PROC_CATEGORY_MN) append(out, code);
    });
    return out;
}

std::string lower_case(const std::string& text) {
    std::string out;
    each_character(text, [&](char32_t code) {
        if (code == kDottedCapitalI) {
            append(out, 'i');
            append(out, kDotAbove);
        } else {
            append(out,
                   static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))));
        }
    });
    return out;
}

std::string cleaned(std::string_view text, const BertCleaning& options) {
    std::string out;
    out.reserve(text.size());
    each_character(text, [&](char32_t code) {
        if (options.clean) {
            if (code == 0 || code == kReplacement || is_control(code)) return;
            if (classify(code) == CharClass::kSpace) code = ' ';
        }
        const bool alone = options.ideographs && is_ideograph(code);
        if (alone) out += ' ';
        append(out, code);
        if (alone) out += ' ';
    });
    return out;
}

// A fast path for pure ASCII: the cleaned text, or nothing if there are other characters.
bool clean_ascii(std::string_view text, const BertCleaning& options, std::string& out) {
    out.clear();
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80) return false;
        if (byte >= 'A' && byte <= 'Z' && options.lower_case) {
            out += static_cast<char>(byte + ('a' - 'A'));
        } else if ((byte >= ' ' && byte != 0x7F) || !options.clean) {
            out += c;
        } else if (byte == '\t' || byte == '\n' || byte == '\r') {
            out += ' ';
        }
    }
    return true;
}

}  // namespace

std::string bert_clean(std::string_view text, const BertCleaning& options) {
    std::string out;
    if (clean_ascii(text, options, out)) return out;
    out = cleaned(text, options);
    if (options.strip_accents) out = without_accents(out);
    if (options.lower_case) out = lower_case(out);
    return out;
}

std::size_t next_bert_word(std::string_view text) {
    const Character first = first_character(text);
    const bool space = first.kind == CharClass::kSpace;
    if (!space && is_punctuation(first.code)) return first.length;
    std::size_t length = first.length;
    while (length < text.size()) {
        const Character next = first_character(text.substr(length));
        if ((next.kind == CharClass::kSpace) != space || (!space && is_punctuation(next.code)))
            break;
        length += next.length;
    }
    return length;
}

}  // namespace cairn::text
