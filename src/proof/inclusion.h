// An inclusion proof: that something is on a chain, in one file that needs no node to be checked.
// It holds the network's definition, the item, the branch that leads from the item to its block's
// header, and the headers, from genesis (or a later block) to the chain's tip as the maker knew it
// (papers A: Def 8). What such a file proves is said by check.h; its bytes are in
// docs/spec/proofs.md.
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "chain/block.h"

namespace cairn::proof {

/// 64 MiB, about half a million headers.
inline constexpr std::size_t kMaxInclusionBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxInclusionHeaders = 500'000;

/// What a body's leaf of a contribution is made of: the payload itself is left out.
struct ShownContribution {
    Hash256 commitment_id;
    Hash256 payload_hash;
    crypto::Signature signature;
    bool operator==(const ShownContribution&) const = default;
};

/// The kinds in the order of Item's alternatives; the numbers are those of the file.
enum class Kind : std::uint8_t {
    kBlock = 0,
    kCoinbase = 1,
    kPayment = 2,
    kCommitment = 3,
    kContribution = 4
};
inline constexpr const char* kKindNames[] = {"block", "coinbase", "payment", "commitment",
                                             "contribution"};

/// Nothing beside the block itself, or one of what its body holds.
using Item = std::variant<std::monostate, chain::Coinbase, chain::Payment, chain::Commitment,
                          ShownContribution>;

/// From an item's leaf to the body root (chain.md, section 3).
struct BodyBranch {
    std::array<Hash256, 3> other_roots;  ///< of the lists that the item is not in, in their order
    std::uint32_t index = 0;             ///< in its list
    std::uint32_t count = 1;             ///< of its list
    std::vector<Hash256> siblings;
    bool operator==(const BodyBranch&) const = default;
};

struct Inclusion {
    chain::NetworkDefinition network;
    std::uint32_t first_height = 0;           ///< of the first header; 0: from genesis
    std::vector<chain::BlockHeader> headers;  ///< each on the one before
    std::uint32_t height = 0;                 ///< of the block that has the item
    Item item;
    BodyBranch branch;  ///< of a block: as it is here
    bool operator==(const Inclusion&) const = default;

    Kind kind() const { return static_cast<Kind>(item.index()); }
};

/// The item's name: of a block its hash (which the headers have), of a contribution its
/// commitment's id.
Hash256 item_id(const Inclusion& inclusion);

/// The branch of the item of this kind and id in a block; kNotFound if it is not there.
struct Shown {
    Item item;
    BodyBranch branch;
};
Result<Shown> show_item(const chain::Block& block, Kind kind, const Hash256& id);
/// The body root that item and branch lead to; kInvalid where the branch has a shape that none has.
Result<Hash256> body_root_of(const Item& item, const BodyBranch& branch);

Bytes encode(const Inclusion& inclusion);
/// kInvalid for what is longer than kMaxInclusionBytes, has another version, trailing bytes or a
/// second spelling. Says nothing about what is proved.
Result<Inclusion> decode_inclusion(ByteView bytes);

}  // namespace cairn::proof
