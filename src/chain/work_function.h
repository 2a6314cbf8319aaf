// What a network's proof of work measures: the hash of a header that must meet its target (C1), and
// the hash of a commitment that must meet the share target (C4). A block's id is the SHA-256d of
// its header in either case.
//
// SHA-256d costs nearly nothing to check, and one graphics card outweighs thousands of laptops at
// it. Argon2id takes a mebibyte of memory and two thirds of a millisecond, at which a card
// outweighs hundreds of cores (docs/security.md; docs/decisions.md, 87).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cairn::chain {

enum class WorkFunction : std::uint8_t { kSha256d = 0, kArgon2id = 1 };
inline constexpr const char* kWorkNames[] = {"sha256d", "argon2id"};

inline const char* name_of(WorkFunction work) { return kWorkNames[static_cast<std::size_t>(work)]; }

/// Read as a big-endian number, it is what has to meet a target.
Hash256 work_hash(WorkFunction work, ByteView bytes);

/// About what one hash costs, in hashes of SHA-256d: whoever bounds the time of a piece of work
/// counts by it. Decides nothing.
std::uint64_t cost_of(WorkFunction work);

}  // namespace cairn::chain
