// The little of Unicode that cutting text into words needs: characters from UTF-8, their classes,
// and normal form C. Text may be any bytes; one that belongs to no character stands for itself
// and is of class kOther.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::text {

/// Unicode's general categories as far as the cutting rules tell them apart.
enum class CharClass : std::uint8_t {
    kOther,         ///< controls, unassigned, bytes that are no character
    kUpper,         ///< Lu, Lt
    kLower,         ///< Ll
    kLetter,        ///< Lm, Lo: letters without case
    kMark,          ///< M
    kNumber,        ///< No
    kSpace,         ///< White_Space
    kDigit,         ///< Nd
    kLetterNumber,  ///< Nl
    kPunctuation,   ///< P but Pc
    kConnector,     ///< Pc
    kSymbol,        ///< S
};

inline bool is_letter(CharClass c) { return c >= CharClass::kUpper && c <= CharClass::kLetter; }
inline bool is_number(CharClass c) {
    return c == CharClass::kDigit || c == CharClass::kNumber || c == CharClass::kLetterNumber;
}
inline bool is_punctuation(CharClass c) {
    return c == CharClass::kPunctuation || c == CharClass::kConnector;
}

/// The character at the start of a text.
struct Character {
    char32_t code = 0;
    std::uint32_t length = 1;  ///< bytes
    CharClass kind = CharClass::kOther;
};

/// `text` must not be empty. A byte that begins no valid character: U+FFFD, one byte, kOther.
Character first_character(std::string_view text);

CharClass classify(char32_t code);

/// What regular expressions call \w: letters, marks, digits, letter-like numbers and symbols,
/// connectors, the two joiners (Unicode's technical standard 18, annex C).
bool is_word_character(const Character& character);
/// The last character of a text that is not empty; a byte that ends no character stands alone.
Character last_character(std::string_view text);

bool is_valid_utf8(std::string_view text);

/// Bytes of the character that `lead` announces: 1 to 4.
inline std::size_t announced_length(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Normal form C; bytes that are not UTF-8 stay as they are. Returns `text` itself if it is normal
/// already, else a view of `storage`, which then holds the result.
std::string_view normalise_nfc(std::string_view text, std::string& storage);

// unicode_table.cc, made by tools/unicode-classes: (first code point << 4) | class of each run.
extern const std::uint32_t kClassRuns[];
extern const std::size_t kClassRunCount;

}  // namespace cairn::text
