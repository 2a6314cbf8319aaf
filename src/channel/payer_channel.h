// The paying end of a channel. It counts what has come and signs vouchers for it. A voucher is on
// disk before it is given out. It never pays further ahead of what has come than the price of 16
// tokens, so that is the most that a payee who stops can keep; mostly it pays afterwards, and then
// it is nothing.
//
//   channel.set_price(per_token);
//   channel.received(per_token);                   // for each token that came
//   if (channel.is_due()) send(channel.pay());     // or after every token
#pragma once

#include "base/random.h"
#include "channel/policy.h"
#include "channel/record_store.h"

namespace cairn::channel {

class PayerChannel {
  public:
    /// `record` is a payer's and `secret` its key (CHECKed). Store and random must outlive it.
    PayerChannel(RecordStore& store, Record record, crypto::SecretKey secret, Random& random);

    const Record& record() const { return record_; }
    /// All that was signed for so far.
    std::uint64_t paid() const { return record_.paid; }
    /// What can still be paid.
    std::uint64_t left() const { return record_.terms.capacity - record_.paid; }
    /// What came and is not paid.
    std::uint64_t unpaid() const;

    /// Of one token from now on, in the coin's smallest unit.
    void set_price(std::uint64_t per_token) { per_token_ = per_token; }
    /// Something came that is worth `price`.
    void received(std::uint64_t price);
    /// The payee may not give another token before he is paid.
    bool is_due() const;

    /// A voucher for all that came and `ahead` besides, or for what the channel holds if that is
    /// less. kInvalid where that is no more than was paid already, kRefused if it would be further
    /// ahead than the price of 16 tokens, kFull if the channel is used up; another error if it
    /// could not be kept, and then it counts as not paid.
    Result<chain::Voucher> pay(std::uint64_t ahead = 0);
    /// Writes down what came since the last voucher, so that the next session goes on from there:
    /// the payee does not forget it, and the two would come apart by it, text after text.
    Status end_session();

  private:
    RecordStore* store_;
    Record record_;
    crypto::SecretKey secret_;
    Random* random_;
    std::uint64_t per_token_ = 0;
    std::uint64_t kept_ = 0;  // of `counted`, on disk
};

/// A voucher over `amount` in all, whatever came: for people who pay by hand. On disk before it is
/// returned. kInvalid unless the amount is above what was paid and within the channel.
Result<chain::Voucher> sign_voucher(RecordStore& store, Record& record,
                                    const crypto::SecretKey& secret, std::uint64_t amount,
                                    Random& random);

}  // namespace cairn::channel
