#include "serve/session_payment.h"

#include "crypto/hash.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kRowsPriced = 1000;

}  // namespace

std::uint64_t row_price(std::uint64_t price, model::LayerRange layers) {
    const std::uint64_t count = layers.end - layers.begin;
    // In two parts, since the product may be too large.
    const std::uint64_t whole = price / kRowsPriced * count;
    const std::uint64_t rest = price % kRowsPriced * count;
    return whole + (rest + kRowsPriced - 1) / kRowsPriced;
}

Hash256 payment_message(const SessionTerms& terms, model::LayerRange layers,
                        const crypto::PublicKey& server, const Hash256& genesis_id,
                        const SessionPayment& payment) {
    Writer writer;
    encode(terms, writer);
    writer.u32(layers.begin);
    writer.u32(layers.end);
    writer.fixed(server);
    writer.fixed(genesis_id);
    chain::write(writer, payment.channel);
    writer.u64(payment.row_price);
    return crypto::tagged_hash("cairn/session-payment/1", writer.out());
}

void encode(const SessionPayment& payment, Writer& writer) {
    chain::write(writer, payment.channel);
    writer.u64(payment.row_price);
    writer.fixed(payment.signature);
}

SessionPayment decode_session_payment(Reader& reader) {
    SessionPayment payment;
    payment.channel = chain::read_outpoint(reader);
    payment.row_price = reader.u64();
    payment.signature = reader.fixed<64>();
    if (payment.row_price == 0) reader.fail("a paid row has a price");
    return payment;
}

}  // namespace cairn::serve
