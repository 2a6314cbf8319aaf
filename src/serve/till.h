// Till: where a server is paid. It knows the channels by which clients pay for open sessions: that
// the chain has them, and what may still be computed on each before another voucher must come (at
// most the price of 16 rows that are not paid). Vouchers are on disk before they count.
//
// Everything happens on the Loop, but whatever writes to the disk: that are jobs on Lane::kPay,
// which alone touch the payee's ends of the channels. On the loop is a copy of what they said last.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/disk.h"
#include "base/loop.h"
#include "serve/channel_view.h"
#include "serve/session_payment.h"

namespace cairn::serve {

struct TillOptions {
    Hash256 genesis_id;       ///< of the network in whose coin it is paid
    crypto::PublicKey payee;  ///< the server's key, which channels must pay
    std::uint64_t price = 0;  ///< of 1,000 rows through one layer, in the coin's smallest unit
    channel::Policy policy{};
    std::size_t max_channels = 256;  ///< in use at once
};

class Till {
  public:
    using Done = std::function<void(Status)>;

    /// Loop, view and disk must outlive it; the disk is used on Lane::kPay.
    Till(Loop& loop, ChannelView& view, Disk& disk, const TillOptions& options);

    const TillOptions& options() const { return options_; }

    /// A session that is to be opened. `done` is called once, later: kRefused, with a sentence, if
    /// the channel cannot pay for it or it is not the payer who asks, kFull if there are too many
    /// channels. Where it was ok, close() follows when the session is over.
    void open(const SessionTerms& terms, model::LayerRange layers, const SessionPayment& payment,
              Done done);
    void close(const chain::OutPoint& channel);

    /// What may be computed on the channel now; 0 for one that is not in use. What is not paid is
    /// not among it before reserve().
    std::uint64_t credit(const chain::OutPoint& channel) const;
    /// Whether the channel owes so little that something worth `price` may be computed on it, be it
    /// reserved or not: then no voucher is waited for.
    bool is_paid(const chain::OutPoint& channel, std::uint64_t price) const;
    /// For a channel of an open session: writes down that something worth `price` may be computed
    /// unpaid, if the channel owes so little that it may; else a voucher must come first, and
    /// nothing happens, as while it is_reserving(). `done` is called later, if at all: when it is
    /// written, or with why it cannot be.
    void reserve(const chain::OutPoint& channel, std::uint64_t price, Done done);
    /// Whether something is being reserved on it.
    bool is_reserving(const chain::OutPoint& channel) const;
    /// Something worth `price`, at most credit(), is about to be computed.
    void deliver(const chain::OutPoint& channel, std::uint64_t price);
    /// A voucher for the channel of an open session. `done` is called once, later; kRefused, with a
    /// sentence, for one that is not good. A lower one than was taken adds nothing, and is no
    /// fault: vouchers of several sessions on the channel may overtake each other here.
    void accept(const chain::OutPoint& channel, std::uint64_t amount,
                const crypto::Signature& signature, Done done);

    /// After each change of the tip: looks whether the chain still has the channels in use, and
    /// names those on which nothing may be computed any more.
    void on_tip(const std::function<void(const chain::OutPoint&, const std::string& why)>& lost);

    /// By how much vouchers have grown since it was made, all channels together.
    std::uint64_t earned() const { return earned_; }

  private:
    struct Books;
    /// Of a channel in use.
    struct Account {
        std::size_t users = 0;     ///< sessions that are open or being opened
        std::uint64_t serial = 0;  ///< a channel may come into use again
        std::uint64_t limit = 0;
        std::uint64_t reserved = 0;
        std::uint64_t delivered = 0;
        bool known = false;  ///< the numbers are set
        bool reserving = false;
    };
    struct Standing {
        std::uint64_t limit = 0;     ///< that may have been delivered before the next voucher
        std::uint64_t reserved = 0;  ///< of this, written down
        std::uint64_t delivered = 0;
        std::uint64_t paid_more = 0;
    };

    void enter(const SessionTerms& terms, model::LayerRange layers, const SessionPayment& payment,
               const std::optional<channel::OnChain>& on_chain, Done done);
    void leave(const chain::OutPoint& channel);
    /// The account, if it is still the one with this serial.
    Account* find(const chain::OutPoint& channel, std::uint64_t serial);
    static void learn(Account& account, const Standing& standing);

    Loop& loop_;
    ChannelView& view_;
    TillOptions options_;
    std::shared_ptr<Books> books_;  // touched by jobs on Lane::kPay alone
    std::map<chain::OutPoint, Account> accounts_;
    std::uint64_t earned_ = 0;
    std::uint64_t next_serial_ = 1;
    std::uint64_t tips_ = 0;  // that came
    bool looking_ = false;
    bool look_again_ = false;  // a tip came meanwhile
    Alive alive_;
};

}  // namespace cairn::serve
