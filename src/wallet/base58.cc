#include "wallet/base58.h"

#include "crypto/hash.h"

namespace cairn::wallet {
namespace {

constexpr std::string_view kLetters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::size_t kChecksum = 4;

// Multiplies a number by `factor` and adds `carry`. Its digits are to the base `base`, the most
// significant first.
void multiply_add(Bytes& digits, std::uint32_t base, std::uint32_t factor, std::uint32_t carry) {
    for (std::size_t i = digits.size(); i-- > 0;) {
        carry += factor * digits[i];
        digits[i] = static_cast<std::uint8_t>(carry % base);
        carry /= base;
    }
    while (carry > 0) {
        digits.insert(digits.begin(), static_cast<std::uint8_t>(carry % base));
        carry /= base;
    }
}

}  // namespace

std::string encode_base58check(ByteView bytes) {
    Bytes all(bytes.begin(), bytes.end());
    const Hash256 check = crypto::sha256d(bytes);
    all.insert(all.end(), check.bytes.begin(), check.bytes.begin() + kChecksum);
    Bytes digits;
    for (const std::uint8_t byte : all) multiply_add(digits, 58, 256, byte);
    std::string text;
    for (std::size_t i = 0; i < all.size() && all[i] == 0; ++i) text += kLetters[0];
    for (const std::uint8_t digit : digits) text += kLetters[digit];
    return text;
}

Result<Bytes> decode_base58check(std::string_view text) {
    if (text.size() > kMaxBase58) return invalid("too long to be an extended key");
    Bytes number;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t digit = kLetters.find(text[i]);
        if (digit == std::string_view::npos)
            return invalid("letter " + std::to_string(i + 1) + " is not a letter of base 58");
        multiply_add(number, 256, 58, static_cast<std::uint32_t>(digit));
    }
    Bytes bytes;
    for (std::size_t i = 0; i < text.size() && text[i] == kLetters[0]; ++i) bytes.push_back(0);
    bytes.insert(bytes.end(), number.begin(), number.end());
    if (bytes.size() < kChecksum) return invalid("too short for a checksum");
    const Bytes content(bytes.begin(), bytes.end() - kChecksum);
    const Hash256 check = crypto::sha256d(content);
    if (!std::equal(bytes.end() - kChecksum, bytes.end(), check.bytes.begin()))
        return invalid("the checksum is wrong: a letter was mistyped or is missing");
    return content;
}

}  // namespace cairn::wallet
