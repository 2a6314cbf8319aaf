#include "channel/record.h"

#include "base/check.h"
#include "crypto/hash.h"

namespace cairn::channel {
namespace {

constexpr std::string_view kMagic = "cairnchn";
constexpr std::uint32_t kFormat = 1;

}  // namespace

Result<Terms> terms_of(const chain::OutPoint& outpoint, const chain::Output& output) {
    if (output.kind != chain::OutputKind::kChannel)
        return invalid(chain::outpoint_text(outpoint) + " is no channel");
    return Terms{outpoint, output.key, output.payee, output.amount, output.expiry};
}

chain::Output output_of(const Terms& terms) {
    return {terms.capacity, chain::OutputKind::kChannel, terms.payer, terms.payee, terms.expiry};
}

chain::Voucher voucher_of(const Record& record) {
    CHECK(record.paid > 0);
    return {record.genesis_id, record.terms.outpoint, record.paid, record.signature};
}

Bytes encode(const Record& record) {
    CHECK(record.note.size() <= kMaxNote);
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kFormat);
    writer.u8(static_cast<std::uint8_t>(record.role));
    writer.fixed(record.genesis_id);
    chain::write(writer, record.terms.outpoint);
    chain::write(writer, output_of(record.terms));
    writer.u64(record.paid);
    writer.fixed(record.signature);
    writer.u64(record.counted);
    writer.u8(record.closing ? 1 : 0);
    writer.text(record.note);
    writer.fixed(crypto::sha256(writer.out()));
    return std::move(writer).take();
}

Result<Record> decode_record(ByteView bytes) {
    if (bytes.size() < Hash256::kSize) return invalid("a channel's record is cut short");
    const ByteView body = bytes.first(bytes.size() - Hash256::kSize);
    const Hash256 sum = crypto::sha256(body);
    if (!std::equal(sum.bytes.begin(), sum.bytes.end(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(body.size())))
        return invalid("a channel's record is damaged");
    Reader reader(body);
    Record record;
    if (as_text(reader.raw(kMagic.size())) != kMagic || reader.u32() != kFormat)
        return invalid("this is no channel's record, or one of a newer program");
    const std::uint8_t role = reader.u8();
    if (role > 1) reader.fail("a channel has a payer and a payee");
    record.role = static_cast<Role>(role);
    record.genesis_id = reader.fixed<32>();
    const chain::OutPoint outpoint = chain::read_outpoint(reader);
    const chain::Output output = chain::read_output(reader);
    record.paid = reader.u64();
    record.signature = reader.fixed<64>();
    record.counted = reader.u64();
    const std::uint8_t closing = reader.u8();
    if (closing > 1) reader.fail("a channel is being closed or it is not");
    record.closing = closing == 1;
    record.note = reader.text(kMaxNote);
    RETURN_IF_ERROR(reader.finish());
    ASSIGN_OR_RETURN(record.terms, terms_of(outpoint, output));
    if (record.paid > record.terms.capacity)
        return invalid("a record pays more than its channel has");
    return record;
}

}  // namespace cairn::channel
