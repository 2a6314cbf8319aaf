// Keyed hashes for wallets that are written down as words (BIP32, BIP39): HMAC-SHA512, the slow
// PBKDF2 over it, and the 20-byte name that BIP32 gives a key. Nothing of the chain uses them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cairn::crypto {

using Hash512 = FixedBytes<64>;

Hash512 hmac_sha512(ByteView key, ByteView message);
/// `rounds` of HMAC-SHA512 over the password, one block long (RFC 8018).
Hash512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t rounds);
/// RIPEMD-160 of SHA-256.
FixedBytes<20> hash160(ByteView bytes);

/// Bytes that are wiped from memory when destroyed.
struct SecretBytes {
    Bytes bytes;
    SecretBytes() = default;
    SecretBytes(Bytes secret) : bytes(std::move(secret)) {}
    SecretBytes(const SecretBytes&) = default;
    SecretBytes(SecretBytes&&) noexcept = default;
    SecretBytes& operator=(const SecretBytes& other);
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes();
    ByteView view() const { return bytes; }
};

}  // namespace cairn::crypto
