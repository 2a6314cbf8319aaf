#include "node/kept_payload.h"

#include <algorithm>
#include <bit>

#include "base/encoding.h"
#include "base/log.h"
#include "chain/contribution.h"
#include "crypto/hash.h"

namespace cairn::node {

namespace {

constexpr std::string_view kMagic = "CAIRNTRN";
constexpr std::size_t kMaxBytes = kMagic.size() + chain::kCommitmentBytes + Hash256::kSize + 4 + 8 +
                                  4 + chain::kMaxPayloadBytes + Hash256::kSize;

}  // namespace

Bytes encode(const KeptPayload& kept) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.raw(chain::encode(kept.commitment));
    writer.fixed(kept.start);
    writer.u32(kept.made.steps);
    writer.u64(std::bit_cast<std::uint64_t>(kept.made.last_loss));
    writer.bytes(kept.made.payload);
    writer.fixed(crypto::sha256(writer.out()));
    return std::move(writer).take();
}

Result<KeptPayload> decode_kept_payload(ByteView bytes) {
    constexpr std::size_t kLeast = kMagic.size() + chain::kCommitmentBytes + Hash256::kSize;
    if (bytes.size() < kLeast || bytes.size() > kMaxBytes ||
        as_text(bytes.first(kMagic.size())) != kMagic)
        return invalid("it is no file of a payload");
    const ByteView body = bytes.first(bytes.size() - Hash256::kSize);
    const Hash256 hash = crypto::sha256(body);
    if (!std::ranges::equal(hash.view(), bytes.subspan(body.size())))
        return invalid("its checksum does not fit");
    KeptPayload kept;
    ASSIGN_OR_RETURN(kept.commitment, chain::decode_commitment(
                                          body.subspan(kMagic.size(), chain::kCommitmentBytes)));
    Reader reader(body.subspan(kMagic.size() + chain::kCommitmentBytes));
    kept.start = reader.fixed<32>();
    kept.made.steps = reader.u32();
    kept.made.last_loss = std::bit_cast<double>(reader.u64());
    kept.made.payload = reader.bytes(chain::kMaxPayloadBytes);
    RETURN_IF_ERROR(reader.finish());
    if (kept.made.payload.empty() ||
        chain::payload_commitment(kept.commitment.key, kept.made.payload) !=
            kept.commitment.payload_commitment)
        return invalid("its payload is not the one that was committed to");
    return kept;
}

Status keep_payload(Disk& disk, const KeptPayload& kept) {
    return disk.write_secret(kKeptPayloadFile, encode(kept));
}

std::optional<KeptPayload> kept_payload(const Disk& disk) {
    if (!disk.exists(kKeptPayloadFile)) return std::nullopt;
    const auto bytes = disk.read(kKeptPayloadFile, kMaxBytes);
    auto kept = bytes.ok() ? decode_kept_payload(*bytes) : Result<KeptPayload>(bytes.error());
    if (kept.ok()) return *std::move(kept);
    log_warn("what was trained before the node stopped is lost: {} cannot be read: {}",
             kKeptPayloadFile, kept.error().message);
    return std::nullopt;
}

}  // namespace cairn::node
