// Proofs of a session's attention (S56, S57): what a server claims of some heads of a session by
// digits that it signed for, with proofs that anyone with the model and the session's inputs can
// check, alone or in shares.
//
//   auto proof = prove_attention(session, snapshot, {{3, 0}}, compute);          // a server
//   auto share = check_attention(*proof, id, session, snapshot, {k, 4}, compute, clock);
//   Verdict v = combine_attention(*proof, id, shares);                           // k = 0 ... 3
//
// `session` is an exhibit (exhibit.h) of a server that need not be accused of anything: the
// receipt, and the rows that it was signed for. A proof accuses nobody either: nobody signs it, so
// one that is refused may be the work of whoever handed it on. What the server signed is the
// receipt, and only replay (judge() of exhibit.h) convicts it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "audit/proved_heads.h"
#include "base/verdict.h"
#include "serve/exhibit.h"

namespace cairn::serve {

struct AttentionProof {
    SessionTerms terms;
    crypto::PublicKey server;
    Receipt receipt;                       ///< whose rows it is about
    std::vector<audit::HeadClaim> claims;  ///< ascending

    bool operator==(const AttentionProof&) const = default;
};

/// Of one proof; and 256 MiB, as exhibits.
inline constexpr std::size_t kMaxProvedHeads = 4096;
inline constexpr std::size_t kMaxAttentionProofBytes = std::size_t{1} << 28;

/// Of one claim of a head of this width, as bytes; 1 to argument::kMaxRows rows.
std::size_t largest_claim_bytes(std::size_t rows, std::size_t width);
/// kUnsupported for heads that one proof has no room for, or none: more than a file of them could
/// be read again.
Status has_room_for(std::size_t heads, std::size_t rows, const model::ModelConfig& config);

/// Whether anything is proved of this session, by the model named in it: kUnsupported for one of
/// another cache type or with a source, kInvalid for one whose receipt binds nobody.
Status check_provable(const Exhibit& session, const ModelSnapshot& snapshot);

/// Claims of these heads, which ascend. Errors of check_provable(), has_room_for() and
/// audit::prove_heads(). Once `cancelled` is true it ends soon with kCancelled.
Result<AttentionProof> prove_attention(const Exhibit& session, const ModelSnapshot& snapshot,
                                       std::span<const audit::HeadPlace> heads,
                                       const tensor::Compute& compute,
                                       const std::function<bool()>& cancelled = {});

/// What one Verifier of several found.
struct AttentionShare {
    Hash256 proof;  ///< attention_proof_id() of what was checked
    std::size_t share = 0, shares = 1;
    std::string fault;  ///< why the proof is not of this session; else empty
    /// Whether the layers with these claims give what the server signed for.
    bool fits_receipt = false;
    std::vector<audit::CheckedHead>
        heads;  ///< in the order of the claims; none if there is a fault
};

/// Share `share` of all proofs of this session's heads. Every share also goes through the layers
/// with these claims, and sees whether the server signed for what comes out. An error means that
/// the session, not the proof, is of no use: signed_rows(), another cache type, a source, layers
/// that are not here, rows that no honest server signs for (audit::check_session()).
Result<AttentionShare> check_attention(const AttentionProof& proof, const Hash256& id,
                                       const Exhibit& session, const ModelSnapshot& snapshot,
                                       audit::ShareOf share, const tensor::Compute& compute,
                                       const Clock& clock);

/// The verdict of all shares, in their order: valid if every head's proof is, and what comes out is
/// what was signed for. Undecided where they are not of this proof or do not fit together. Who
/// combines needs neither model nor session, and believes the Verifiers whose shares these are
/// (argument::combine()).
Verdict combine_attention(const AttentionProof& proof, const Hash256& id,
                          std::span<const AttentionShare> shares);

/// "CAIRNATT", u32 1, terms, server, receipt, list of claims.
Bytes encode(const AttentionProof& proof);
Result<AttentionProof> decode_attention_proof(ByteView bytes);
/// H("cairn/attention-proof/1", its bytes).
Hash256 attention_proof_id(ByteView bytes);

/// Of one claim: u32 layer, u32 head, u32 rows, u32 width, rows * i64, rows * width * i64, bytes.
void encode(const audit::HeadClaim& claim, Writer& writer);
audit::HeadClaim decode_claim(Reader& reader);

}  // namespace cairn::serve
