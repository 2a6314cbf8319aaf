// Purse: what a client pays servers from: its payment channels, as far as their records are on
// disk. It finds the channel that pays a server, signs for sessions, and gives a voucher whenever
// the server has too little in hand, up to 16 rows ahead of what came. What is ahead when a session
// ends is there for the next one with this server.
//
// Used on one thread, a loop's; vouchers are written to the disk on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/disk.h"
#include "base/random.h"
#include "channel/payer_channel.h"
#include "serve/session_payment.h"

namespace cairn::serve {

/// Rows' price that a server has in hand at least, so that it never waits for a voucher. Where a
/// push is longer it has all that may be ahead: rows that were computed and lost on their way count
/// there and not here, and take from what it still computes.
inline constexpr std::uint64_t kRowsInHand = channel::kTokensAtRisk / 2;

struct PurseOptions {
    Hash256 genesis_id;  ///< of the network in whose coin it pays
    /// Of 1,000 rows through one layer, in the coin's smallest unit: dearer servers are not used.
    std::uint64_t max_price = ~std::uint64_t{0};
    /// Of all vouchers together, as long as it lives.
    std::uint64_t max_spent = ~std::uint64_t{0};
    /// The price of so many rows must be no more than the channel holds (0: any price will do). A
    /// server names its price itself, and is paid 16 rows before it computes one.
    std::uint64_t least_rows = 0;
};

/// kRefused, in words that follow on "asks for ...", if a channel of this capacity does not hold
/// the price of so many rows.
Status check_holds(std::uint64_t capacity, std::uint64_t row_price, std::uint64_t rows);

class Purse {
  public:
    /// The secret of a channel's payer, if it is ours.
    using SecretOf = std::function<std::optional<crypto::SecretKey>(const crypto::PublicKey&)>;

    /// Disk and random must outlive it.
    Purse(Disk& disk, Random& random, const PurseOptions& options, SecretOf secret_of);
    ~Purse();

    const PurseOptions& options() const { return options_; }

    /// The payer's end of a channel that pays this server; the purse keeps it. kNotFound, with what
    /// to do, where there is none with something left; kRefused while another program uses it.
    Result<channel::PayerChannel*> channel_to(const crypto::PublicKey& server);
    /// What OpenSession says; `channel` is one of this purse.
    SessionPayment payment_for(const channel::PayerChannel& channel, const SessionTerms& terms,
                               model::LayerRange layers, std::uint64_t row_price);
    /// Whether all that was sent to the server can be paid when its results have come, `price` in
    /// all. kRefused, in a sentence, if not: then nothing more is sent.
    Status check_covers(const channel::PayerChannel& channel, std::uint64_t price) const;
    /// A voucher, if the server has less than the price of so many rows in hand and something is
    /// left. An error if it could not be kept.
    Result<std::optional<chain::Voucher>> pay(channel::PayerChannel& channel,
                                              std::uint64_t row_price,
                                              std::uint64_t rows = kRowsInHand);

    /// The server does not serve by this channel any more, though it is paid ahead: as long as the
    /// purse lives another one is used.
    void set_aside(const channel::PayerChannel& channel);
    /// The server refuses the channel, perhaps for now (too few blocks are on it): it stands behind
    /// all others of this server.
    void put_last(const channel::PayerChannel& channel);
    /// When a session on the channel is over: what came since the last voucher is on disk then.
    /// That it could not be kept is for the log.
    static void end_session(channel::PayerChannel& channel);

    /// What vouchers were given for, all together.
    std::uint64_t spent() const { return spent_; }

  private:
    struct Open;
    Open& open_of(const channel::PayerChannel& channel) const;
    Result<std::unique_ptr<Open>> take(const channel::Record& record);
    std::uint64_t left_for(const channel::PayerChannel& channel) const;

    Random& random_;
    PurseOptions options_;
    SecretOf secret_of_;
    channel::RecordStore store_;
    std::vector<std::unique_ptr<Open>> channels_;  // in use, or used up
    std::uint64_t spent_ = 0;
    std::uint64_t refusals_ = 0;
};

}  // namespace cairn::serve
