// `cairn chain info|block|verify|check`: what is on a node's disk, read beside the node or without
// one, and blocks in a file.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct ChainRequest {
    std::string directory;
    std::string which;                    ///< block: a height or a hash's beginning; check: a file
    std::optional<std::uint64_t> to;      ///< verify: stop at this height
    std::size_t threads = 0;              ///< verify, check; 0: one per processor
    std::optional<std::uint64_t> now_ms;  ///< check: what the clock is taken to say
    bool json = false;
};

Status run_chain_info(const ChainRequest& request, std::ostream& out);
Status run_chain_block(const ChainRequest& request, std::ostream& out);
/// Replays every block from genesis by the rules and prints the state root that it arrives at.
Status run_chain_verify(const ChainRequest& request, std::ostream& out);
/// Judges the blocks of a file of lines `block HEX` (becomes the tip, if valid) and `try HEX`
/// (judged only), beginning at genesis. kInvalid if one is not valid.
Status run_chain_check(const ChainRequest& request, std::ostream& out);

}  // namespace cairn::cli
