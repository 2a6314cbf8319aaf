#include "serve/attention_share.h"

#include <utility>

#include "base/encoding.h"
#include "base/text.h"

namespace cairn::serve {

namespace {

using argument::Fp;
using argument::Fp2;

constexpr std::string_view kMagic = "CAIRNATS";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kLeastHeadBytes = 5 * 4 + 2 * 32 + 4;

void write(const Fp2& element, Writer& writer) {
    writer.u64(element.a.value());
    writer.u64(element.b.value());
}

Fp read_fp(Reader& reader) {
    const std::uint64_t value = reader.u64();
    if (value >= argument::kPrime) reader.fail("a number that is not below the prime");
    return Fp(value);
}

Fp2 read_fp2(Reader& reader) {
    const Fp a = read_fp(reader);
    return {a, read_fp(reader)};
}

/// Of a stranger's, for people: on one line, so that it makes up no other.
std::string read_fault(Reader& reader) {
    std::string fault = reader.text(kMaxFaultBytes);
    if (printable_line(fault) != fault) reader.fail("a fault is a line of text");
    return fault;
}

/// Calls `each` for all elements of a part without a fault, in the order of the file.
template <typename Part, typename Each>
void visit(Part& part, const Each& each) {
    for (auto* element : {&part.row_sums, &part.sums, &part.values, &part.shifts, &part.seen})
        each(*element);
    for (auto& element : part.lookups) each(element);
    for (auto* list : {&part.queries, &part.keys})
        for (auto& element : *list) each(element);
}

void write_head(const audit::CheckedHead& head, Writer& writer) {
    writer.u32(head.place.layer);
    writer.u32(head.place.head);
    writer.u32(head.sizes.rows);
    writer.u32(head.sizes.head_dim);
    writer.u32(head.sizes.window);
    writer.fixed(head.part.statement);
    writer.fixed(head.part.proof);
    writer.text(std::string_view(head.part.fault).substr(0, kMaxFaultBytes));
    if (head.part.fault.empty())
        visit(head.part, [&](const Fp2& element) { write(element, writer); });
}

audit::CheckedHead read_head(const AttentionShare& share, Reader& reader) {
    audit::CheckedHead head;
    head.place.layer = reader.u32();
    head.place.head = reader.u32();
    head.sizes.rows = reader.u32();
    head.sizes.head_dim = reader.u32();
    head.sizes.window = reader.u32();
    if (head.sizes.rows < 1 || head.sizes.rows > argument::kMaxRows || head.sizes.head_dim < 1 ||
        head.sizes.head_dim > argument::kMaxHeadDim)
        reader.fail("a head of 1 to 4096 rows of 1 to 1024 numbers");
    argument::SharePart& part = head.part;
    part.share = share.share;
    part.shares = share.shares;
    part.statement = reader.fixed<32>();
    part.proof = reader.fixed<32>();
    part.fault = read_fault(reader);
    if (!part.fault.empty() || reader.failed()) return head;
    part.queries.resize(head.sizes.head_dim);
    part.keys.resize(head.sizes.head_dim);
    visit(part, [&](Fp2& element) { element = read_fp2(reader); });
    return head;
}

}  // namespace

Bytes encode(const AttentionShare& share) {
    CHECK(share.share < share.shares && share.heads.size() <= kMaxProvedHeads);
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    writer.fixed(share.proof);
    writer.u32(static_cast<std::uint32_t>(share.share));
    writer.u32(static_cast<std::uint32_t>(share.shares));
    writer.text(std::string_view(share.fault).substr(0, kMaxFaultBytes));
    writer.u8(share.fits_receipt ? 1 : 0);
    writer.count(share.heads.size());
    for (const audit::CheckedHead& head : share.heads) write_head(head, writer);
    return std::move(writer).take();
}

Result<AttentionShare> decode_attention_share(ByteView bytes) {
    if (bytes.size() > kMaxAttentionShareBytes) return invalid("the share is too large");
    Reader reader(bytes);
    if (as_text(reader.raw(kMagic.size())) != kMagic)
        return invalid("this is no share of a proof of attention");
    if (reader.u32() != kVersion) return invalid("a share of another version");
    AttentionShare share;
    share.proof = reader.fixed<32>();
    share.share = reader.u32();
    share.shares = reader.u32();
    if (share.share >= share.shares || share.shares > argument::kMaxShares)
        reader.fail("shares are counted from 0, of 1 to 4096");
    share.fault = read_fault(reader);
    const std::uint8_t fits = reader.u8();
    if (fits > 1) reader.fail("fits is 0 or 1");
    share.fits_receipt = fits == 1;
    const std::size_t count = reader.count(kMaxProvedHeads, kLeastHeadBytes);
    if (!share.fault.empty() && (count > 0 || fits == 1)) reader.fail("more beside a fault");
    for (std::size_t i = 0; i < count && !reader.failed(); ++i)
        share.heads.push_back(read_head(share, reader));
    RETURN_IF_ERROR(reader.finish());
    return share;
}

}  // namespace cairn::serve
