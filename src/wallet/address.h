// How a key is written down for people who pay it: bech32m (BIP350) of the 32-byte x-only public
// key, with the human-readable part "cairn". The checksum finds up to four wrong characters.
//
//   cairn1<52 characters of key><6 of checksum>
#pragma once

#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace cairn::wallet {

inline constexpr std::string_view kAddressPrefix = "cairn";

/// Lower case.
std::string encode_address(const crypto::PublicKey& key);
/// Accepts all lower or all upper case. kInvalid says what is wrong: prefix, length, a mistyped
/// character, or 32 bytes that are not a key (coins sent there would be lost).
Result<crypto::PublicKey> decode_address(std::string_view text);

}  // namespace cairn::wallet
