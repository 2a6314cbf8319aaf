// How a session at a server that wants coins is paid (S42): by one payment channel of the client's
// with this server. The client names it when it opens the session, at a price for each row, and
// sends vouchers while rows are computed. Neither side is ever more than the price of 16 rows ahead
// of the other (channel/policy.h).
#pragma once

#include "chain/payment.h"
#include "serve/receipt.h"

namespace cairn::serve {

/// Rows in one push of a paid session: as many as may be owed.
inline constexpr std::size_t kMaxPaidRows = 16;

/// What an OpenSession says of it.
struct SessionPayment {
    chain::OutPoint channel;
    /// Of a row through all of the session's layers, in the coin's smallest unit; at least 1.
    std::uint64_t row_price = 0;
    crypto::Signature signature;  ///< by the channel's payer, of payment_message()

    bool operator==(const SessionPayment&) const = default;
};

/// Of a row through these layers, where 1,000 rows through one layer cost `price`
/// (serve/announce.h); rounded up.
std::uint64_t row_price(std::uint64_t price, model::LayerRange layers);

/// What the payer signs, so that nobody else can spend from the channel, and nobody can use it at
/// another server, for another session, or at another price.
Hash256 payment_message(const SessionTerms& terms, model::LayerRange layers,
                        const crypto::PublicKey& server, const Hash256& genesis_id,
                        const SessionPayment& payment);

void encode(const SessionPayment& payment, Writer& writer);
SessionPayment decode_session_payment(Reader& reader);

}  // namespace cairn::serve
