// What a trainer has committed to and not yet shown, kept over a restart in DIR/trainer.payload: a
// commitment that is carried takes the key's place in its round, so whoever loses the payload
// before he may show it has trained for nothing. It is written before anybody is told of the
// commitment. Only the owner may read it: until it is revealed others could copy it.
//
//   "CAIRNTRN", Commitment, start, u32 steps, u64 bits of the loss, payload, SHA-256 of all before
#pragma once

#include <optional>

#include "base/disk.h"
#include "chain/commitment.h"
#include "node/delta_source.h"

namespace cairn::node {

inline constexpr const char* kKeptPayloadFile = "trainer.payload";

struct KeptPayload {
    chain::Commitment commitment;  ///< stamped and signed
    Hash256 start;                 ///< the block on whose model it was made
    RoundPayload made;             ///< its payload is not empty, and the one that was committed to
};

Bytes encode(const KeptPayload& kept);
/// kInvalid unless it is whole and the commitment is to this payload.
Result<KeptPayload> decode_kept_payload(ByteView bytes);

/// Replaces the file.
Status keep_payload(Disk& disk, const KeptPayload& kept);
/// Nothing if there is no file. A file that cannot be read is logged and ignored.
std::optional<KeptPayload> kept_payload(const Disk& disk);

}  // namespace cairn::node
