#include "wallet/address.h"

#include <algorithm>

#include "wallet/bech32m.h"

namespace cairn::wallet {
namespace {

constexpr std::size_t kKeyValues = (32 * 8 + 4) / 5;

Error of_something_else(const std::string& prefix) {
    return invalid("this is an address of something else: it begins with " + prefix +
                   "1, ours with " + std::string(kAddressPrefix) + "1");
}

// Asked before the checksum is checked: other coins' addresses may have another kind of checksum,
// and it would be wrong to call them mistyped.
Status check_prefix(std::string_view text) {
    std::string word(text.substr(0, text.find('1')));
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (word.empty() || word.size() == text.size() || !std::ranges::all_of(word, is_letter))
        return ok_status();
    for (char& c : word) c = static_cast<char>(c | 0x20);  // lower case
    if (word == kAddressPrefix) return ok_status();
    return of_something_else(word);
}

}  // namespace

std::string encode_address(const crypto::PublicKey& key) {
    Bech32m content{std::string(kAddressPrefix), {}};
    std::uint32_t pending = 0;
    int bits = 0;
    for (const std::uint8_t byte : key.bytes) {
        pending = (pending << 8 | byte) & 0xFFF;
        for (bits += 8; bits >= 5; bits -= 5)
            content.values.push_back(static_cast<std::uint8_t>(pending >> (bits - 5) & 31));
    }
    content.values.push_back(static_cast<std::uint8_t>(pending << (5 - bits) & 31));
    CHECK(content.values.size() == kKeyValues);
    return encode_bech32m(content);
}

Result<crypto::PublicKey> decode_address(std::string_view text) {
    RETURN_IF_ERROR(check_prefix(text));
    ASSIGN_OR_RETURN(const Bech32m content, decode_bech32m(text));
    if (content.prefix != kAddressPrefix) return of_something_else(content.prefix);
    if (content.values.size() != kKeyValues) return invalid("the address has the wrong length");
    crypto::PublicKey key;
    std::uint32_t pending = 0;
    int bits = 0;
    std::size_t size = 0;
    for (const std::uint8_t value : content.values) {
        pending = (pending << 5 | value) & 0xFFF;
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        key.bytes[size++] = static_cast<std::uint8_t>(pending >> bits);
    }
    CHECK(size == key.size());
    if ((pending & ((1u << bits) - 1)) != 0)  // one spelling: the spare bits are zero
        return invalid("the address has the wrong length");
    if (!crypto::is_valid(key)) return invalid("nobody can own this address: it is not a key");
    return key;
}

}  // namespace cairn::wallet
