// Keys and Schnorr signatures (BIP340 on secp256k1, by libsecp256k1). A public key is the 32-byte
// x coordinate; nodes, contributors and coins' owners are all named by one.
#pragma once

#include <span>

#include "base/bytes.h"
#include "base/random.h"

namespace cairn::crypto {

using PublicKey = FixedBytes<32>;
using Signature = FixedBytes<64>;

/// A valid secret scalar, wiped from memory when destroyed. Never print or log one.
class SecretKey {
  public:
    /// kInvalid unless `bytes` are 32 bytes of a number in [1, group order).
    static Result<SecretKey> from_bytes(ByteView bytes);
    static SecretKey generate(Random& random);

    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey();

    /// For storing it encrypted, and for deriving from it; nothing else.
    ByteView bytes() const { return bytes_.view(); }

  private:
    SecretKey() = default;
    FixedBytes<32> bytes_;
};

/// Overwrites memory in a way the compiler may not leave out.
void wipe(std::span<std::uint8_t> bytes);

PublicKey public_key(const SecretKey& secret);
/// Whether the 32 bytes are the x coordinate of a point on the curve.
bool is_valid(const PublicKey& key);

/// Signs a hash that the caller made with a tag of its own (crypto/hash.h). Fresh randomness
/// guards against side channels; the nonce is safe even if it repeats.
Signature sign(const SecretKey& secret, const Hash256& message, Random& random);
/// As above, with BIP340's auxiliary randomness given: the same inputs, the same signature.
Signature sign(const SecretKey& secret, const Hash256& message, const Hash256& aux);

bool verify(const PublicKey& key, const Hash256& message, const Signature& signature);
/// For messages of any length, as BIP340 allows; its test vectors need it.
bool verify_bytes(const PublicKey& key, ByteView message, const Signature& signature);

}  // namespace cairn::crypto
