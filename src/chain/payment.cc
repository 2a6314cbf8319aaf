// CONSENSUS: changing a result here splits the network.
#include "chain/payment.h"

#include "base/check.h"
#include "base/int128.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

void write_unsigned(Writer& writer, const Payment& payment) {
    writer.count(payment.inputs.size());
    for (const OutPoint& input : payment.inputs) write(writer, input);
    writer.count(payment.outputs.size());
    for (const Output& output : payment.outputs) write(writer, output);
}

}  // namespace

void write(Writer& writer, const OutPoint& outpoint) {
    writer.fixed(outpoint.id);
    writer.u32(outpoint.index);
}

void write(Writer& writer, const Output& output) {
    writer.u64(output.amount);
    writer.u8(static_cast<std::uint8_t>(output.kind));
    writer.fixed(output.key);
}

void write(Writer& writer, const Payment& payment) {
    CHECK(payment.signatures.size() == payment.inputs.size());
    write_unsigned(writer, payment);
    for (const crypto::Signature& signature : payment.signatures) writer.fixed(signature);
}

OutPoint read_outpoint(Reader& reader) {
    OutPoint outpoint;
    outpoint.id = reader.fixed<32>();
    outpoint.index = reader.u32();
    return outpoint;
}

Output read_output(Reader& reader) {
    Output output;
    output.amount = reader.u64();
    if (!reader.failed() && (output.amount == 0 || output.amount >= kMaxAmount))
        reader.fail("an output's amount must be 1 to 2^62 - 1");
    const std::uint8_t kind = reader.u8();
    if (kind == static_cast<std::uint8_t>(OutputKind::kChannel))
        reader.fail("channel outputs come with a later version");
    else if (kind != static_cast<std::uint8_t>(OutputKind::kKey))
        reader.fail("output kind " + std::to_string(kind) + " does not exist");
    output.key = reader.fixed<32>();
    return output;
}

Payment read_payment(Reader& reader) {
    Payment payment;
    const std::size_t inputs = reader.count(kMaxPaymentInputs, 36 + 64);
    if (!reader.failed() && inputs == 0) reader.fail("a payment needs an input");
    for (std::size_t i = 0; i < inputs && !reader.failed(); ++i) {
        payment.inputs.push_back(read_outpoint(reader));
        if (i > 0 && !(payment.inputs[i - 1] < payment.inputs[i]))
            reader.fail("a payment's inputs must be sorted, each once");
    }
    const std::size_t outputs = reader.count(kMaxPaymentOutputs, 41);
    if (!reader.failed() && outputs == 0) reader.fail("a payment needs an output");
    for (std::size_t i = 0; i < outputs && !reader.failed(); ++i)
        payment.outputs.push_back(read_output(reader));
    for (std::size_t i = 0; i < inputs && !reader.failed(); ++i)
        payment.signatures.push_back(reader.fixed<64>());
    return payment;
}

Bytes encode(const Payment& payment) {
    Writer writer;
    write(writer, payment);
    return std::move(writer).take();
}

std::size_t payment_bytes(std::size_t inputs, std::size_t outputs) {
    return 4 + 4 + inputs * (36 + 64) + outputs * 41;
}

bool higher_fee_rate(std::uint64_t fee, std::size_t bytes, std::uint64_t other_fee,
                     std::size_t other_bytes) {
    return Uint128{fee} * other_bytes > Uint128{other_fee} * bytes;
}

Result<Payment> decode_payment(ByteView bytes) {
    Reader reader(bytes);
    Payment payment = read_payment(reader);
    RETURN_IF_ERROR(reader.finish());
    return payment;
}

std::string amount_text(std::uint64_t amount) {
    std::string text = std::to_string(amount / kCoin);
    std::string decimals = std::to_string(kCoin + amount % kCoin).substr(1);
    while (decimals.ends_with('0')) decimals.pop_back();
    return decimals.empty() ? text : text + "." + decimals;
}

Hash256 payment_id(const Payment& payment) {
    static const crypto::TaggedHasher hasher("cairn/payment-id");
    Writer writer;
    write_unsigned(writer, payment);
    return hasher(writer.out());
}

Hash256 witness_hash(const Payment& payment) {
    static const crypto::TaggedHasher hasher("cairn/witness");
    Writer writer;
    for (const crypto::Signature& signature : payment.signatures) writer.fixed(signature);
    return hasher(writer.out());
}

Hash256 signature_hash(const Hash256& genesis_id, const Payment& payment,
                       std::span<const Output> spent) {
    CHECK(spent.size() == payment.inputs.size());
    static const crypto::TaggedHasher hasher("cairn/payment-signature");
    Writer writer;
    writer.fixed(genesis_id);
    write_unsigned(writer, payment);
    for (const Output& output : spent) write(writer, output);
    return hasher(writer.out());
}

}  // namespace cairn::chain
