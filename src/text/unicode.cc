#include "text/unicode.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "text/normal_form.h"

namespace cairn::text {

namespace {

// Above this lie no letters, numbers or spaces, only marks and private use.
constexpr char32_t kFlatEnd = 0x34000;

CharClass search_runs(char32_t code) {
    const std::uint32_t key = (static_cast<std::uint32_t>(code) << 4U) | 15U;
    const std::uint32_t* run = std::upper_bound(kClassRuns, kClassRuns + kClassRunCount, key);
    return static_cast<CharClass>(*(run - 1) & 15U);
}

// One byte for each code point, spread out from the runs when first asked for.
const std::vector<CharClass>& flat_classes() {
    static const std::vector<CharClass> flat = [] {
        std::vector<CharClass> classes(kFlatEnd);
        for (std::size_t i = 0; i < kClassRunCount; ++i) {
            const auto begin = std::min<std::size_t>(kClassRuns[i] >> 4U, kFlatEnd);
            const auto end = i + 1 < kClassRunCount
                                 ? std::min<std::size_t>(kClassRuns[i + 1] >> 4U, kFlatEnd)
                                 : kFlatEnd;
            std::fill(classes.begin() + static_cast<std::ptrdiff_t>(begin),
                      classes.begin() + static_cast<std::ptrdiff_t>(end),
                      static_cast<CharClass>(kClassRuns[i] & 15U));
        }
        return classes;
    }();
    return flat;
}

}  // namespace

CharClass classify(char32_t code) {
    return code < kFlatEnd ? flat_classes()[code] : search_runs(code);
}

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1, flat_classes()[lead]};
    constexpr Character kInvalid{0xFFFD, 1, CharClass::kOther};
    const std::size_t length = announced_length(text[0]);
    if (lead < 0xC2 || lead > 0xF4 || length > text.size()) return kInvalid;
    // The second byte's range refuses overlong forms, surrogates and what lies above U+10FFFF.
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    char32_t code = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (byte(i) < (i == 1 ? low : 0x80U) || byte(i) > (i == 1 ? high : 0xBFU)) return kInvalid;
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    return {code, static_cast<std::uint32_t>(length), classify(code)};
}

bool is_word_character(const Character& character) {
    const char32_t code = character.code;
    switch (character.kind) {
        case CharClass::kUpper:
        case CharClass::kLower:
        case CharClass::kLetter:
        case CharClass::kMark:
        case CharClass::kDigit:
        case CharClass::kLetterNumber:
        case CharClass::kConnector:
            return true;
        case CharClass::kSymbol:  // circled and squared letters
            return (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) ||
                   (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
        default:
            return code == 0x200C || code == 0x200D;
    }
}

Character last_character(std::string_view text) {
    for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
        const Character character = first_character(text.substr(text.size() - length));
        if (character.length == length) return character;
    }
    return first_character(text.substr(text.size() - 1));
}

bool is_valid_utf8(std::string_view text) { return valid_utf8_length(text) == text.size(); }

// No ASCII character composes with the one before it, so text may be cut before each. Only runs of
// non-ASCII characters, each with the ASCII character before it, which it may compose with, go
// through the library. Everything below U+0300 (lead byte 0xCC) is in normal form already.
std::string_view normalise_nfc(std::string_view text, std::string& storage) {
    const auto is_high = [](char c) { return static_cast<unsigned char>(c) >= 0xCC; };
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    const auto first = std::find_if(text.begin(), text.end(), is_high);
    if (first == text.end()) return text;
    auto kept = text.begin();
    storage.clear();
    storage.reserve(text.size());
    for (auto at = first; at != text.end(); at = std::find_if(at, text.end(), is_high)) {
        while (at != kept && !is_ascii(*(at - 1))) --at;
        if (at != kept) --at;
        const auto end = std::find_if(at + 1, text.end(), is_ascii);
        storage.append(kept, at);
        if (!append_normal({at, end}, NormalForm::kComposed, storage)) storage.append(at, end);
        kept = at = end;
    }
    storage.append(kept, text.end());
    return storage;
}

}  // namespace cairn::text
