// Making inclusion proofs from a node's store, which may belong to a node that runs.
#pragma once

#include <optional>

#include "proof/inclusion.h"
#include "store/store.h"

namespace cairn::proof {

/// Where something stands on the active chain.
struct Place {
    std::uint32_t height = 0;
    Kind kind = Kind::kBlock;
    Hash256 id;
};

/// How many of the latest blocks are looked through for what no index knows: a commitment that
/// never became a contribution.
inline constexpr std::uint32_t kSearchedBlocks = 5000;

/// What is to be proved, and how.
struct Question {
    std::optional<Hash256> id;       ///< else the block at `height`
    std::uint32_t height = 0;        ///< 1 or more
    std::optional<Kind> kind;        ///< which is meant, or what it must be
    std::uint32_t first_height = 0;  ///< of the headers; 0: genesis
    std::uint32_t searched_blocks = kSearchedBlocks;
    std::size_t max_headers = kMaxInclusionHeaders;
};

/// Finds what an id names: a block, a coinbase, a payment, a contribution, a commitment (`wanted`
/// says which where one id names both of the last two; else the contribution, if it was merged).
/// kNotFound with a sentence, also for what is on another branch.
Result<Place> find_place(const store::Store& store, const chain::NetworkDefinition& network,
                         const Hash256& id, std::optional<Kind> wanted = std::nullopt,
                         std::uint32_t searched_blocks = kSearchedBlocks);
/// The block of the active chain at a height, as a place.
Result<Place> block_place(const store::Store& store, std::uint32_t height);

/// The proof of what stands at `place`, with headers from `first_height` (below the place's, or 0)
/// to the tip. `genesis` is the header of the genesis block, read where first_height is 0. kRefused
/// where the active chain changed meanwhile: ask again.
Result<Inclusion> make_inclusion(const store::Store& store, const chain::NetworkDefinition& network,
                                 const chain::BlockHeader& genesis, const Place& place,
                                 std::uint32_t first_height);

/// All of it. Errors as above, and kMisused for what the question itself has wrong.
Result<Inclusion> prove(const store::Store& store, const chain::NetworkDefinition& network,
                        const chain::BlockHeader& genesis, const Question& question);

/// Whether it is the proof that was asked for: kRefused for one of something else, as a node that
/// is not trusted may give. Says nothing about what it proves (check.h).
Status check_answers(const Inclusion& inclusion, const Question& question);

/// A header of the active chain, of height 1 or more.
Result<chain::BlockHeader> header_at(const store::Store& store, std::uint64_t height);
/// A block of the active chain from its body.
Result<chain::Block> block_at(const store::Store& store, std::uint64_t height);

}  // namespace cairn::proof
