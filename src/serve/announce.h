// Announce: a server's signed, expiring statement of what it offers, how fast it is and what it
// asks for it (S23). The signature says whose it is, so that others may pass it on; everything else
// in it is the server's own word.
#pragma once

#include <string>

#include "serve/messages.h"

namespace cairn::serve {

/// A *layer-row* is one token's hidden state, carried through one layer.
struct Announce {
    crypto::PublicKey key;
    std::string address;  ///< "host:port" where it listens; a client may know a better one
    Hash256 model;
    model::LayerRange layers;
    std::uint16_t serve_version = kServeVersion;
    std::uint16_t numerics = kNumericsVersion;
    Hash256 genesis;               ///< of the network in whose coin it is paid; zeros: free
    std::uint64_t price = 0;       ///< base units per 1000 layer-rows; 0 where it is free
    std::uint32_t rows_per_s = 0;  ///< layer-rows a second that one session decodes; 0: not known
    std::uint32_t load = 0;        ///< places taken
    std::uint32_t capacity = 0;    ///< places, all
    std::uint64_t issued_ms = 0;   ///< wall clock
    std::uint64_t expires_ms = 0;
    crypto::Signature signature;

    bool operator==(const Announce&) const = default;
};

/// The largest price. 512 layers times 2^20 tokens times this still fits 63 bits.
inline constexpr std::uint64_t kMaxPrice = 10'000'000'000;
/// What encode() gives at least.
inline constexpr std::size_t kMinAnnounceBytes = 212;
/// A record may not be valid for longer than this.
inline constexpr std::uint64_t kMaxAnnounceLifeMs = 10 * 60 * 1000;
/// Clocks may differ by this much before a record counts as expired or as from the future.
inline constexpr std::uint64_t kMaxClockSkewMs = 2 * 60 * 1000;

/// Fills in key and signature. `aux` is fresh randomness.
void sign(Announce& announce, const crypto::SecretKey& secret, const Hash256& aux);

Bytes encode(const Announce& announce);
void encode(const Announce& announce, Writer& writer);
/// The form alone, as decode_announce; what is wrong with it, `reader` says.
Announce read_announce(Reader& reader);
/// Checks the form alone: bounds, one encoding, no price without a network in whose coin it is.
Result<Announce> decode_announce(ByteView body);
/// kInvalid unless its times are those of a record that is valid at `wall_ms`.
Status check_times(const Announce& announce, std::uint64_t wall_ms);
/// kInvalid unless signed by its key and valid at `wall_ms`.
Status check_announce(const Announce& announce, std::uint64_t wall_ms);

}  // namespace cairn::serve
