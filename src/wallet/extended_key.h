// Hierarchical keys (BIP32): a key with a chain code, from which 2^32 children follow, each with
// children of its own. The public half of a child that is not hardened follows from the public
// half of its parent: so a wallet can see all payments without being able to spend.
//
// Text form: base58check of the 78 bytes that BIP32 lays down, "xprv..." and "xpub...".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/stretch.h"
#include "crypto/tweak.h"

namespace cairn::wallet {

/// Children from here on are hardened: they follow from the secret half only. kHardened + 5 is
/// written 5' in a path.
inline constexpr std::uint32_t kHardened = 0x8000'0000;

/// Where a key stands in its tree.
struct KeyPosition {
    std::uint8_t depth = 0;  ///< 0: the master key
    FixedBytes<4> parent;    ///< the parent's fingerprint; zero for the master key
    std::uint32_t child_number = 0;
    bool operator==(const KeyPosition&) const = default;
};

struct ExtendedPublicKey {
    KeyPosition position;
    Hash256 chain_code;
    crypto::Point point;
    bool operator==(const ExtendedPublicKey&) const = default;
};

struct ExtendedSecretKey {
    KeyPosition position;
    Hash256 chain_code;
    crypto::SecretKey secret;
};

/// From 16 to 64 bytes of seed; kInvalid otherwise.
Result<ExtendedSecretKey> master_key(ByteView seed);
ExtendedPublicKey public_half(const ExtendedSecretKey& key);

/// kInvalid where the child does not exist (a chance of 2^-127) or lies too deep.
Result<ExtendedSecretKey> derive(const ExtendedSecretKey& parent, std::uint32_t child);
/// As above; kInvalid for a hardened child, too.
Result<ExtendedPublicKey> derive(const ExtendedPublicKey& parent, std::uint32_t child);
Result<ExtendedSecretKey> derive(ExtendedSecretKey key, const std::vector<std::uint32_t>& path);

/// The four bytes by which children name their parent.
FixedBytes<4> fingerprint(const ExtendedPublicKey& key);

/// Secret: whoever reads it has all keys below.
std::string encode_secret(const ExtendedSecretKey& key);
std::string encode_public(const ExtendedPublicKey& key);
/// kInvalid says what is wrong; if the text is a key of the other kind, it says so.
Result<ExtendedSecretKey> decode_secret(std::string_view text);
Result<ExtendedPublicKey> decode_public(std::string_view text);

}  // namespace cairn::wallet
