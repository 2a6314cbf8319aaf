// Announce: a server's signed, expiring statement of what it offers (S23). The signature says whose
// it is, even if others pass it on; clients of this version take it from the server itself only.
// The price is reserved for payment channels and must be 0 in this version.
#pragma once

#include <string>

#include "serve/messages.h"

namespace cairn::serve {

struct Announce {
    crypto::PublicKey key;
    std::string address;  ///< "host:port" where it listens; a client may know a better one
    Hash256 model;
    model::LayerRange layers;
    std::uint16_t serve_version = kServeVersion;
    std::uint16_t numerics = kNumericsVersion;
    std::uint64_t price = 0;      ///< base units per 1000 layer-tokens; 0 in this version
    std::uint32_t load = 0;       ///< sessions open
    std::uint32_t capacity = 0;   ///< sessions that it takes at most
    std::uint64_t issued_ms = 0;  ///< wall clock
    std::uint64_t expires_ms = 0;
    crypto::Signature signature;

    bool operator==(const Announce&) const = default;
};

/// A record may not be valid for longer than this.
inline constexpr std::uint64_t kMaxAnnounceLifeMs = 10 * 60 * 1000;
/// Clocks may differ by this much before a record counts as expired or as from the future.
inline constexpr std::uint64_t kMaxClockSkewMs = 2 * 60 * 1000;

/// Fills in key and signature. `aux` is fresh randomness.
void sign(Announce& announce, const crypto::SecretKey& secret, const Hash256& aux);

Bytes encode(const Announce& announce);
/// Checks the form alone: bounds, one encoding, price 0.
Result<Announce> decode_announce(ByteView body);
/// kInvalid unless signed by its key and valid at `wall_ms`.
Status check_announce(const Announce& announce, std::uint64_t wall_ms);

}  // namespace cairn::serve
