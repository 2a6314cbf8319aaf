// What is said about weights, on any link: kinds 0x5400 to 0x54ff (S50). Each message has a bound
// and one spelling. Whoever gives weights answers, and asks nothing.
#pragma once

#include <optional>

#include "base/encoding.h"
#include "crypto/merkle_range.h"
#include "net/network.h"

namespace cairn::fetch {

enum class MessageKind : std::uint16_t {
    kAskWeights = 0x5401,
    kWeights = 0x5402,
    kAskLeaves = 0x5403,
    kLeaves = 0x5404,
    kNoWeights = 0x5405,
};
inline constexpr std::uint16_t kFirstKind = 0x5400, kLastKind = 0x54FF;

inline bool is_about_weights(std::uint16_t kind) { return kind >= kFirstKind && kind <= kLastKind; }

/// In one message: half a mebibyte.
inline constexpr std::uint32_t kMaxLeaves = 32;

/// By what a header's state root leads to the model root.
struct Anchor {
    Hash256 block;  ///< whose state it is
    Hash256 coins_root, rules_root;
    bool operator==(const Anchor&) const = default;
};

/// kAskWeights has a model's name alone; zeros: the newest of the chain that stands firm.
struct Weights {
    Bytes manifest;  ///< encoded (manifest.h)
    std::optional<Anchor> anchor;
    bool operator==(const Weights&) const = default;
};

/// Leaves of one tensor.
struct AskLeaves {
    Hash256 name;
    std::uint64_t first = 0;
    std::uint32_t count = 0;  ///< 1 to kMaxLeaves
    bool operator==(const AskLeaves&) const = default;
};

struct Leaves {
    Hash256 name;
    std::uint64_t first = 0;
    Bytes bytes;
    crypto::RangeProof proof;
    bool operator==(const Leaves&) const = default;
};

enum class Lack : std::uint8_t {
    kNotHere = 1,  ///< we do not have it
    kBusy = 2,     ///< too many ask: later
};

/// Instead of Weights (then `first` is 0) or Leaves.
struct NoWeights {
    Hash256 name;
    std::uint64_t first = 0;
    Lack lack = Lack::kNotHere;
    bool operator==(const NoWeights&) const = default;
};

Bytes encode_ask_weights(const Hash256& name);
Bytes encode(const Weights& message);
Bytes encode(const AskLeaves& message);
Bytes encode(const Leaves& message);
Bytes encode(const NoWeights& message);

Result<Hash256> decode_ask_weights(ByteView body);
/// The manifest's bytes are not looked at.
Result<Weights> decode_weights(ByteView body);
Result<AskLeaves> decode_ask_leaves(ByteView body);
Result<Leaves> decode_leaves(ByteView body);
Result<NoWeights> decode_no_weights(ByteView body);

inline bool send(net::Network& network, net::PeerId peer, MessageKind kind, ByteView body) {
    return network.send(peer, static_cast<std::uint16_t>(kind), body);
}

}  // namespace cairn::fetch
