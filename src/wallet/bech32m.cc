#include "wallet/bech32m.h"

#include <algorithm>
#include <array>

namespace cairn::wallet {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksum = 6;
constexpr std::size_t kMaxPrefix = 83;
/// What remainder() gives where the checksum is right; for bech32 it would be 1.
constexpr std::uint32_t kBech32mConstant = 0x2bc830a3;

/// The values are a polynomial over GF(32): its remainder after division by BIP173's generator.
std::uint32_t remainder(const std::vector<std::uint8_t>& values) {
    constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                         0x3d4233dd, 0x2a1462b3};
    std::uint32_t state = 1;
    for (const std::uint8_t value : values) {
        const std::uint32_t top = state >> 25;
        state = (state & 0x1ffffff) << 5 ^ value;
        for (std::size_t bit = 0; bit < kGenerator.size(); ++bit)
            if ((top >> bit & 1) != 0) state ^= kGenerator[bit];
    }
    return state;
}

/// The prefix in the form that the checksum covers: high bits of each letter, zero, low bits.
std::vector<std::uint8_t> expand(std::string_view prefix) {
    std::vector<std::uint8_t> result;
    for (const char c : prefix) result.push_back(static_cast<std::uint8_t>(c >> 5));
    result.push_back(0);
    for (const char c : prefix) result.push_back(static_cast<std::uint8_t>(c & 31));
    return result;
}

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_printable(char c) { return c >= 33 && c <= 126; }

}  // namespace

std::string encode_bech32m(const Bech32m& content) {
    CHECK(!content.prefix.empty() && content.prefix.size() <= kMaxPrefix);
    CHECK(content.prefix.size() + 1 + content.values.size() + kChecksum <= kMaxBech32m);
    CHECK(std::ranges::all_of(content.prefix,
                              [](char c) { return is_printable(c) && !is_upper(c); }));
    std::vector<std::uint8_t> all = expand(content.prefix);
    std::string text = content.prefix + "1";
    for (const std::uint8_t value : content.values) {
        CHECK(value < 32);
        all.push_back(value);
        text.push_back(kAlphabet[value]);
    }
    all.resize(all.size() + kChecksum);
    const std::uint32_t checksum = remainder(all) ^ kBech32mConstant;
    for (std::size_t i = 0; i < kChecksum; ++i)
        text.push_back(kAlphabet[checksum >> 5 * (kChecksum - 1 - i) & 31]);
    return text;
}

Result<Bech32m> decode_bech32m(std::string_view text) {
    if (text.size() > kMaxBech32m) return invalid("the address is too long");
    if (std::ranges::any_of(text, is_upper) && std::ranges::any_of(text, is_lower))
        return invalid("the address mixes upper and lower case");
    std::string lower(text);
    for (char& c : lower)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');

    const std::size_t separator = lower.rfind('1');
    if (separator == std::string::npos || separator == 0)
        return invalid("the address has no prefix (it should begin with a word and a 1)");
    if (separator > kMaxPrefix || lower.size() - separator - 1 < kChecksum)
        return invalid("the address is too short");
    Bech32m content;
    content.prefix = lower.substr(0, separator);
    if (!std::ranges::all_of(content.prefix, is_printable))
        return invalid("the address has a character that no address has");
    for (const char c : lower.substr(separator + 1)) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos)
            return invalid("the address has a character that no address has");
        content.values.push_back(static_cast<std::uint8_t>(value));
    }
    std::vector<std::uint8_t> all = expand(content.prefix);
    all.insert(all.end(), content.values.begin(), content.values.end());
    if (remainder(all) != kBech32mConstant)
        return invalid("the address is mistyped: its checksum does not fit");
    content.values.resize(content.values.size() - kChecksum);
    return content;
}

}  // namespace cairn::wallet
