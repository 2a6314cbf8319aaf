// What is said about circuits: streams of bytes between two peers that cannot dial each other,
// passed on by a third one with which both are linked (S34 to S37). The stream that runs through a
// circuit is a whole link of its own, TLS and hellos included, so whoever passes it on can neither
// read nor change it. Pure functions over bytes.
//
//   opener                     relay                      target
//      |                         | <------------- Offer -- |   "pass links on to me"
//      |                         | -- OfferAnswer -------> |
//      | -- Open (target) -----> | -- Incoming (opener) -> |
//      | <---------- Accepted -- | <----------- Accepted -- |
//      | <----- Data, Taken ---> | <----- Data, Taken ---> |
//      | <------------ Closed -- | -- Closed ------------> |
#pragma once

#include <deque>
#include <string>

#include "base/bytes.h"
#include "crypto/keys.h"

namespace cairn::net {

/// Kinds 0x5200 to 0x52ff of a link belong to circuits.
enum class RelayKind : std::uint16_t {
    kOffer = 0x5201,        ///< empty body
    kOfferAnswer = 0x5202,  ///< u8: 1 if links are passed on, else 0
    kOpen = 0x5203,         ///< CircuitKey: to whom
    kIncoming = 0x5204,     ///< CircuitKey: from whom
    kAccepted = 0x5205,     ///< CircuitId
    kData = 0x5206,         ///< CircuitData
    kTaken = 0x5207,        ///< CircuitTaken
    kClosed = 0x5208,       ///< CircuitClosed
};
constexpr bool is_relay_kind(std::uint16_t kind) { return kind >> 8 == 0x52; }

/// Bytes in one Data message.
inline constexpr std::size_t kMaxCircuitPiece = 16 * 1024;
/// Bytes that may be under way in one direction of a circuit: sent, and not said to be taken.
inline constexpr std::uint32_t kCircuitWindow = 256 * 1024;
inline constexpr std::size_t kMaxClosedBytes = 200;

/// Names a circuit on a link. Each side numbers those that it begins, so it matters who did.
struct CircuitId {
    bool by_receiver = false;  ///< whoever gets this message began it; else whoever sends it
    std::uint32_t number = 0;

    auto operator<=>(const CircuitId&) const = default;
};

struct CircuitKey {
    std::uint32_t number = 0;  ///< of the sender
    crypto::PublicKey key;

    bool operator==(const CircuitKey&) const = default;
};
struct CircuitData {
    CircuitId id;
    Bytes bytes;  ///< 1 to kMaxCircuitPiece

    bool operator==(const CircuitData&) const = default;
};
struct CircuitTaken {
    CircuitId id;
    std::uint32_t bytes = 0;  ///< 1 to kCircuitWindow

    bool operator==(const CircuitTaken&) const = default;
};
struct CircuitClosed {
    CircuitId id;
    std::string reason;  ///< at most kMaxClosedBytes, for people

    bool operator==(const CircuitClosed&) const = default;
};

/// Puts what came behind what waits, in the same piece if it fits into one: a circuit is a stream,
/// and a stranger may send it byte by byte.
void hold(std::deque<Bytes>& waiting, Bytes came);

Bytes encode(const CircuitId& message);
Bytes encode(const CircuitKey& message);
Bytes encode(const CircuitData& message);
Bytes encode(const CircuitTaken& message);
Bytes encode(const CircuitClosed& message);

Result<CircuitId> decode_circuit_id(ByteView body);
Result<CircuitKey> decode_circuit_key(ByteView body);
Result<CircuitData> decode_circuit_data(ByteView body);
Result<CircuitTaken> decode_circuit_taken(ByteView body);
Result<CircuitClosed> decode_circuit_closed(ByteView body);

/// Where a peer can be reached that nobody can dial: KEY@HOST:PORT, the key in hexadecimal, and
/// the address of a node that passes links on to it.
struct RelayedAddress {
    crypto::PublicKey key;
    std::string relay;
};
bool is_relayed(const std::string& address);
/// kInvalid unless both parts are well formed; the relay's may not be a relayed address.
Result<RelayedAddress> parse_relayed(const std::string& address);
std::string to_string(const RelayedAddress& address);
/// The host that is dialled to reach this address: of a relayed one the relay's. Empty for an
/// address that is neither "host:port" nor relayed.
std::string dialled_host(const std::string& address);

}  // namespace cairn::net
