// CONSENSUS: changing a result here splits the network.
#include "chain/payment.h"

#include <charconv>

#include "base/check.h"
#include "base/int128.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

void write_unsigned(Writer& writer, const Payment& payment) {
    writer.u8(static_cast<std::uint8_t>(payment.form));
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
    if (output.kind != OutputKind::kChannel) return;
    writer.fixed(output.payee);
    writer.u32(output.expiry);
}

void write(Writer& writer, const Payment& payment) {
    CHECK(payment.signatures.size() == signature_count(payment.form, payment.inputs.size()));
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
    if (kind > static_cast<std::uint8_t>(OutputKind::kChannel))
        reader.fail("output kind " + std::to_string(kind) + " does not exist");
    output.key = reader.fixed<32>();
    if (kind != static_cast<std::uint8_t>(OutputKind::kChannel)) return output;
    output.kind = OutputKind::kChannel;
    output.payee = reader.fixed<32>();
    output.expiry = reader.u32();
    return output;
}

Payment read_payment(Reader& reader) {
    Payment payment;
    const std::uint8_t form = reader.u8();
    if (form > static_cast<std::uint8_t>(PaymentForm::kClose))
        reader.fail("a payment of form " + std::to_string(form) + " does not exist");
    else
        payment.form = static_cast<PaymentForm>(form);
    const std::size_t inputs =
        reader.count(kMaxPaymentInputs, kOutPointBytes + crypto::Signature::kSize);
    if (!reader.failed() && inputs == 0) reader.fail("a payment needs an input");
    if (!reader.failed() && payment.form == PaymentForm::kClose && inputs != 1)
        reader.fail("a payment that closes a channel has that input alone");
    for (std::size_t i = 0; i < inputs && !reader.failed(); ++i) {
        payment.inputs.push_back(read_outpoint(reader));
        if (i > 0 && !(payment.inputs[i - 1] < payment.inputs[i]))
            reader.fail("a payment's inputs must be sorted, each once");
    }
    const std::size_t outputs = reader.count(kMaxPaymentOutputs, kKeyOutputBytes);
    if (!reader.failed() && outputs == 0) reader.fail("a payment needs an output");
    for (std::size_t i = 0; i < outputs && !reader.failed(); ++i)
        payment.outputs.push_back(read_output(reader));
    for (std::size_t i = 0; i < signature_count(payment.form, inputs) && !reader.failed(); ++i)
        payment.signatures.push_back(reader.fixed<64>());
    return payment;
}

std::size_t signature_count(PaymentForm form, std::size_t inputs) {
    return form == PaymentForm::kClose ? 2 : inputs;
}

Bytes encode(const Payment& payment) {
    Writer writer;
    write(writer, payment);
    return std::move(writer).take();
}

std::size_t payment_bytes(std::size_t inputs, std::size_t outputs) {
    constexpr std::size_t kForm = 1, kCounts = 4 + 4;
    return kForm + kCounts + inputs * (kOutPointBytes + crypto::Signature::kSize) +
           outputs * kKeyOutputBytes;
}

std::size_t encoded_bytes(const Payment& payment) {
    std::size_t bytes =
        payment_bytes(0, payment.outputs.size()) + kOutPointBytes * payment.inputs.size() +
        crypto::Signature::kSize * signature_count(payment.form, payment.inputs.size());
    for (const Output& output : payment.outputs)
        if (output.kind == OutputKind::kChannel) bytes += kChannelBytesMore;
    return bytes;
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

std::string outpoint_text(const OutPoint& outpoint) {
    return to_hex(outpoint.id) + ":" + std::to_string(outpoint.index);
}

Result<OutPoint> parse_outpoint(std::string_view text) {
    const std::size_t colon = text.find(':');
    OutPoint outpoint;
    const auto id = fixed_from_hex<32>(text.substr(0, colon));
    if (id.ok() && colon != std::string_view::npos) {
        outpoint.id = *id;
        const std::string_view index = text.substr(colon + 1);
        const auto read =
            std::from_chars(index.data(), index.data() + index.size(), outpoint.index);
        if (read.ec == std::errc() && outpoint_text(outpoint) == text) return outpoint;
    }
    return invalid("'" + std::string(text.substr(0, 80)) +
                   "' names no output: give 64 hexadecimal digits, a colon and a number");
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
