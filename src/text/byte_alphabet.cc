#include "text/byte_alphabet.h"

#include <array>

#include "text/unicode.h"

namespace cairn::text {

namespace {

// Printable characters of Latin-1 stand for themselves; the others get U+0100, U+0101, ...
constexpr bool is_itself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::size_t kAlphabetEnd = 0x144;

struct Alphabet {
    std::array<char32_t, 256> code{};
    std::array<int, kAlphabetEnd> byte{};  // -1: not of the alphabet
};

constexpr Alphabet make_alphabet() {
    Alphabet alphabet;
    alphabet.byte.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char32_t code = is_itself(byte) ? byte : next++;
        alphabet.code[byte] = code;
        alphabet.byte[code] = static_cast<int>(byte);
    }
    return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string spell_bytes(std::string_view bytes) {
    std::string spelling;
    spelling.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const char32_t code = kAlphabet.code[static_cast<unsigned char>(c)];
        if (code >= 0x80) {
            spelling += static_cast<char>(0xC0U | (code >> 6U));
            spelling += static_cast<char>(0x80U | (code & 0x3FU));
        } else {
            spelling += static_cast<char>(code);
        }
    }
    return spelling;
}

std::optional<std::string> unspell_bytes(std::string_view spelling) {
    std::string bytes;
    bytes.reserve(spelling.size());
    while (!spelling.empty()) {
        const Character character = first_character(spelling);
        if (character.code >= kAlphabetEnd || kAlphabet.byte[character.code] < 0)
            return std::nullopt;
        bytes += static_cast<char>(kAlphabet.byte[character.code]);
        spelling.remove_prefix(character.length);
    }
    return bytes;
}

}  // namespace cairn::text
