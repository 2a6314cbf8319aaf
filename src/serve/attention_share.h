// A Verifier's share of a proof of attention (attention_proof.h) as a file, for whoever combines
// the shares of several (S57).
#pragma once

#include "serve/attention_proof.h"

namespace cairn::serve {

/// 4096 heads of 1024 numbers each have less.
inline constexpr std::size_t kMaxAttentionShareBytes = std::size_t{1} << 28;
/// Of a fault, for people.
inline constexpr std::size_t kMaxFaultBytes = 512;

/// "CAIRNATS", u32 1, proof, u32 share, u32 shares, text fault, u8 fits, list of heads. Times
/// are left out.
Bytes encode(const AttentionShare& share);
/// kInvalid for anything that encode() does not write.
Result<AttentionShare> decode_attention_share(ByteView bytes);

}  // namespace cairn::serve
