#include "serve/attention_proof.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "argument/proof.h"
#include "crypto/hash.h"
#include "serve/signed_rows.h"

namespace cairn::serve {

namespace {

constexpr std::string_view kMagic = "CAIRNATT";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kLeastClaimBytes = 16 + 8 + 8 + 4;

/// All of a proof but its claims.
constexpr std::size_t kMostBesideClaims = 512;

/// The rows that the session's receipt was signed for, in attention by digits.
Result<std::vector<float>> digit_rows(const Exhibit& session, const ModelSnapshot& snapshot) {
    if (session.terms.kv != tensor::KvType::kDigits)
        return Error{ErrorCode::kUnsupported,
                     "attention is proved of sessions by digits (--kv digits), this one is by " +
                         std::string(tensor::kv_type_name(session.terms.kv))};
    // judge() computes nothing of such a session either.
    if (session.terms.source_rows > 0)
        return Error{ErrorCode::kUnsupported, "attention is proved of sessions without a source"};
    return signed_rows(session, snapshot);
}

audit::HeadSession head_session(const Exhibit& session, std::span<const float> rows) {
    return {session.receipt.layers, rows, session.terms.wire,
            receipt_message(session.terms, session.receipt)};
}

std::vector<std::int64_t> read_numbers(std::size_t count, Reader& reader) {
    Reader numbers(reader.raw(count * 8));
    std::vector<std::int64_t> result;
    if (reader.failed()) return result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) result.push_back(numbers.i64());
    return result;
}

std::string name_of(audit::HeadPlace place) {
    return fmt::format("layer {}, head {}", place.layer, place.head);
}

/// The verdict of one head's shares.
Verdict combine_head(const audit::HeadClaim& claim, std::size_t head,
                     std::span<const AttentionShare> shares) {
    const argument::Sizes sizes = shares[0].heads[head].sizes;
    std::vector<argument::SharePart> parts;
    for (const AttentionShare& share : shares) {
        const audit::CheckedHead& checked = share.heads[head];
        if (checked.place != claim.place || checked.sizes != sizes)
            return Verdict::undecided("a share is of other heads");
        parts.push_back(checked.part);
    }
    if (sizes.rows != claim.shifts.size() ||
        claim.sums.size() != std::size_t{sizes.rows} * sizes.head_dim)
        return Verdict::undecided("a share is of another size");
    return argument::combine(sizes, parts[0].statement, claim.proof, parts);
}

}  // namespace

Status check_provable(const Exhibit& session, const ModelSnapshot& snapshot) {
    const auto rows = digit_rows(session, snapshot);
    return rows.ok() ? ok_status() : Status(rows.error());
}

std::size_t largest_claim_bytes(std::size_t rows, std::size_t width) {
    return 4 * 4 + 8 * rows * (1 + width) + 4 + argument::largest_proof_bytes(rows);
}

Status has_room_for(std::size_t heads, std::size_t rows, const model::ModelConfig& config) {
    if (heads == 0 || rows == 0) return Error{ErrorCode::kUnsupported, "a proof is of some head"};
    if (rows > argument::kMaxRows)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("attention is proved of {} rows at most, the session has {}",
                                 argument::kMaxRows, rows)};
    const std::size_t most =
        std::min(kMaxProvedHeads, (kMaxAttentionProofBytes - kMostBesideClaims) /
                                      largest_claim_bytes(rows, config.head_dim()));
    if (heads <= most) return ok_status();
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("a proof has room for {} heads of {} rows, not for {}: name fewer, and "
                    "make another one of the others",
                    most, rows, heads)};
}

Result<AttentionProof> prove_attention(const Exhibit& session, const ModelSnapshot& snapshot,
                                       std::span<const audit::HeadPlace> heads,
                                       const tensor::Compute& compute,
                                       const std::function<bool()>& cancelled) {
    ASSIGN_OR_RETURN(const std::vector<float> rows, digit_rows(session, snapshot));
    RETURN_IF_ERROR(has_room_for(heads.size(), rows.size() / snapshot.config.dim, snapshot.config));
    AttentionProof proof{session.terms, session.server, session.receipt, {}};
    ASSIGN_OR_RETURN(proof.claims,
                     audit::prove_heads(snapshot.config, snapshot.weights,
                                        head_session(session, rows), heads, compute, cancelled));
    return proof;
}

Result<AttentionShare> check_attention(const AttentionProof& proof, const Hash256& id,
                                       const Exhibit& session, const ModelSnapshot& snapshot,
                                       audit::ShareOf share, const tensor::Compute& compute,
                                       const Clock& clock) {
    ASSIGN_OR_RETURN(const std::vector<float> rows, digit_rows(session, snapshot));
    RETURN_IF_ERROR(
        audit::check_session(snapshot.config, snapshot.weights, head_session(session, rows)));
    AttentionShare result{id, share.share, share.shares, {}, false, {}};
    if (proof.terms != session.terms || proof.server != session.server ||
        proof.receipt != session.receipt) {
        result.fault = "the proof is about another session, or another receipt of it";
        return result;
    }
    auto checked =
        audit::check_heads(snapshot.config, snapshot.weights, head_session(session, rows),
                           proof.claims, share, compute, clock);
    if (!checked.ok()) {
        if (checked.error().code != ErrorCode::kInvalid) return checked.error();
        result.fault = checked.error().message;
        return result;
    }
    result.fits_receipt =
        is_signed_for(session.terms, session.receipt, checked->outputs, snapshot.config.dim);
    result.heads = std::move(checked->heads);
    return result;
}

Verdict combine_attention(const AttentionProof& proof, const Hash256& id,
                          std::span<const AttentionShare> shares) {
    if (shares.empty()) return Verdict::undecided("no share was checked");
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (shares[i].share != i || shares[i].shares != shares.size())
            return Verdict::undecided("not every share was checked once");
        if (shares[i].proof != id) return Verdict::undecided("a share is of another proof");
    }
    for (const AttentionShare& share : shares) {
        if (!share.fault.empty()) return Verdict::invalid(share.fault);
        if (share.heads.size() != proof.claims.size())
            return Verdict::undecided("a share is of other heads");
    }
    for (std::size_t head = 0; head < proof.claims.size(); ++head) {
        const Verdict verdict = combine_head(proof.claims[head], head, shares);
        if (!verdict.is_valid()) return verdict.with_prefix(name_of(proof.claims[head].place));
    }
    for (const AttentionShare& share : shares)
        if (!share.fits_receipt)
            return Verdict::invalid(
                "the layers with what is claimed do not give what the server signed for");
    return Verdict::valid();
}

void encode(const audit::HeadClaim& claim, Writer& writer) {
    const std::size_t rows = claim.shifts.size();
    CHECK(rows >= 1 && claim.sums.size() % rows == 0);
    writer.u32(claim.place.layer);
    writer.u32(claim.place.head);
    writer.u32(static_cast<std::uint32_t>(rows));
    writer.u32(static_cast<std::uint32_t>(claim.sums.size() / rows));
    for (const std::int64_t shift : claim.shifts) writer.i64(shift);
    for (const std::int64_t sum : claim.sums) writer.i64(sum);
    writer.bytes(claim.proof);
}

audit::HeadClaim decode_claim(Reader& reader) {
    audit::HeadClaim claim;
    claim.place.layer = reader.u32();
    claim.place.head = reader.u32();
    const std::uint32_t rows = reader.u32();
    const std::uint32_t width = reader.u32();
    if (rows < 1 || rows > argument::kMaxRows || width < 1 || width > argument::kMaxHeadDim)
        reader.fail("a claim is of 1 to 4096 rows of 1 to 1024 numbers");
    if (reader.failed()) return claim;
    claim.shifts = read_numbers(rows, reader);
    claim.sums = read_numbers(std::size_t{rows} * width, reader);
    claim.proof = reader.bytes(argument::kMaxProofBytes);
    return claim;
}

Bytes encode(const AttentionProof& proof) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    encode(proof.terms, writer);
    writer.fixed(proof.server);
    encode(proof.receipt, writer);
    writer.count(proof.claims.size());
    for (const audit::HeadClaim& claim : proof.claims) encode(claim, writer);
    return std::move(writer).take();
}

Result<AttentionProof> decode_attention_proof(ByteView bytes) {
    if (bytes.size() > kMaxAttentionProofBytes) return invalid("the proof is too large");
    Reader reader(bytes);
    if (as_text(reader.raw(kMagic.size())) != kMagic)
        return invalid("this is no proof of attention");
    if (reader.u32() != kVersion) return invalid("a proof of attention of another version");
    AttentionProof proof;
    proof.terms = decode_terms(reader);
    proof.server = reader.fixed<32>();
    proof.receipt = decode_receipt(reader);
    const std::size_t count = reader.count(kMaxProvedHeads, kLeastClaimBytes);
    if (count == 0) reader.fail("a proof of no head");
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        audit::HeadClaim claim = decode_claim(reader);
        if (i > 0 && claim.place <= proof.claims.back().place) reader.fail("heads must ascend");
        proof.claims.push_back(std::move(claim));
    }
    RETURN_IF_ERROR(reader.finish());
    return proof;
}

Hash256 attention_proof_id(ByteView bytes) {
    static const crypto::TaggedHasher hasher("cairn/attention-proof/1");
    return hasher(bytes);
}

}  // namespace cairn::serve
