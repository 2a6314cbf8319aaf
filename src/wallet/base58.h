// Base58Check: bytes as text without the letters that people mix up, with four bytes of checksum.
// Extended keys (BIP32) are written like this everywhere; addresses of this program are not
// (address.h).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cairn::wallet {

/// Longer text is refused: decoding takes time that grows with the square of the length.
inline constexpr std::size_t kMaxBase58 = 128;

std::string encode_base58check(ByteView bytes);
/// kInvalid for a letter that base 58 does not have (with its position), a wrong checksum, or text
/// that is too long or too short.
Result<Bytes> decode_base58check(std::string_view text);

}  // namespace cairn::wallet
