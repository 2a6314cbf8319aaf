// Bech32m (BIP350): bytes as text that people copy and type, with a checksum that notices their
// mistakes. The letters stand for values of five bits; address.h turns keys into such values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn::wallet {

/// BIP173's bound: in longer text the checksum may miss four wrong characters.
inline constexpr std::size_t kMaxBech32m = 90;

struct Bech32m {
    std::string prefix;                ///< lower case
    std::vector<std::uint8_t> values;  ///< each below 32, without the checksum
};

/// CHECKs that the prefix is 1 to 83 printable lower-case characters, values are below 32 and the
/// result fits.
std::string encode_bech32m(const Bech32m& content);
/// kInvalid for mixed case, foreign characters, bad lengths and a wrong checksum.
Result<Bech32m> decode_bech32m(std::string_view text);

}  // namespace cairn::wallet
