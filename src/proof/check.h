// What an inclusion proof proves. Its headers must follow from each other by rule C1 (links,
// targets, times, work), the branch must lead from the item to its block's header, and from genesis
// on the first header must be the network's own. So whoever made the file up would have had to do
// the work that the headers show.
//
// It does not prove that the blocks are valid by C2 to C8, nor that no other chain has more work.
#pragma once

#include <functional>

#include "consensus/work.h"
#include "proof/inclusion.h"

namespace cairn::proof {

struct Proven {
    Hash256 genesis_id;
    Kind kind = Kind::kBlock;
    Hash256 id;  ///< the item's name
    std::uint32_t height = 0;
    Hash256 block;
    std::uint64_t time_ms = 0;         ///< that the block's miner claims
    std::uint64_t parent_time_ms = 0;  ///< the block is later than that; 0 where it is not shown
    std::uint32_t first_height = 0;    ///< 0: the headers begin at genesis
    Hash256 first;                     ///< the block there
    std::uint32_t tip_height = 0;
    Hash256 tip;
    std::uint64_t tip_time_ms = 0;
    std::uint32_t confirmations = 0;  ///< blocks from the item's to the tip, both counted
    consensus::ChainWork work;        ///< of all headers behind the first
    consensus::ChainWork work_on_it;  ///< of the item's block and those on it
};

/// Called with (headers done, headers in all); a header of some networks takes most of a
/// millisecond.
using CheckProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// kInvalid, in a sentence, for what proves nothing; kUnsupported where a header follows versions
/// that this program or the file's own network definition does not know.
Result<Proven> check(const Inclusion& inclusion, const CheckProgress& progress = {});

/// About how many hashes stand behind this work, for people: "2^31.4".
std::string work_text(const consensus::ChainWork& work);

}  // namespace cairn::proof
