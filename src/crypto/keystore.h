// A box that only a password opens: Argon2id makes the key (libsodium), XChaCha20-Poly1305 seals
// and authenticates. The cost parameters are in the box, so they can be raised later without
// locking out old files, and are bounded on reading, so a forged file cannot take all memory.
//
// Format: "cairnbox" | u32 version = 1 | u32 passes | u32 memory_kib | salt[16] | nonce[24] |
// ciphertext and tag. Everything before the ciphertext is authenticated with it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/random.h"

namespace cairn::crypto {

inline constexpr std::size_t kMaxKeystoreSecret = std::size_t{1} << 20;

/// What each guess at the password costs the guesser.
struct KeystoreCost {
    std::uint32_t passes = 3;
    std::uint32_t memory_kib = 64 * 1024;
    bool operator==(const KeystoreCost&) const = default;
};
/// The least that is accepted: for tests, and for simulations with thousands of wallets.
inline constexpr KeystoreCost kKeystoreCheapest{1, 8};

/// kInvalid if the secret is too long or the cost out of bounds.
Result<Bytes> seal(ByteView secret, std::string_view password, Random& random,
                   KeystoreCost cost = {});
/// The cost of opening the box, for sealing it again at the same cost. kInvalid if it is no box.
Result<KeystoreCost> cost_of(ByteView box);
/// kRefused for a wrong password (or a damaged box: the two cannot be told apart); kInvalid if it
/// is no box.
Result<Bytes> open(ByteView box, std::string_view password);

}  // namespace cairn::crypto
