// The paid end of a channel. It keeps the best voucher, on disk before the payer hears that it was
// taken, and gives nothing out that would leave more than the price of 16 tokens unpaid: not in one
// session, not in many on this channel, and not over a crash either, since what may have gone out
// before it counts as if it had. There is one of these for each channel, however many sessions use
// it, and its caller serves only as long as the chain has the channel: a deep reorganisation can
// take it away.
//
//   channel.set_price(per_token);
//   if (channel.deliver(per_token).ok()) give_token();   // before each token
//   channel.accept(voucher, tip, policy);                // when one comes
//   channel.end_session();
#pragma once

#include "channel/policy.h"
#include "channel/record_store.h"

namespace cairn::channel {

class PayeeChannel {
  public:
    /// `record` is a payee's (CHECKed): from admit(), or from the store. The store must outlive it.
    PayeeChannel(RecordStore& store, Record record);

    const Record& record() const { return record_; }
    /// What the best voucher is over.
    std::uint64_t paid() const { return record_.paid; }
    /// What may still be given out before a voucher comes.
    std::uint64_t credit() const;

    /// What went out, or counts as if it had.
    std::uint64_t delivered() const { return delivered_; }

    /// Of one token from now on, in the coin's smallest unit.
    void set_price(std::uint64_t per_token) { per_token_ = per_token; }
    std::uint64_t price() const { return per_token_; }
    /// What may go out before anything must be written again: what is paid, mostly, since after a
    /// crash all of it counts as if it had gone out, and who pays ahead shall not be held to more
    /// than he paid.
    std::uint64_t reserved() const { return record_.counted; }
    /// Writes down that something worth `price` may go out, as far as credit() allows, so that
    /// deliver() of it does not write. Errors as deliver().
    Status reserve(std::uint64_t price);
    /// Asked before something worth `price` is given out, which then counts as given. kRefused,
    /// with the voucher that is needed; kFull if the channel cannot pay for it; another error if it
    /// could not be kept.
    Status deliver(std::uint64_t price);
    /// Takes a voucher if it is good, and answers by how much it raises what was paid: 0 for the
    /// one that is here already. `height` is how high the chain may be by now (policy.h). kRefused,
    /// in a sentence: of another network or channel, lower, above what the channel holds, not
    /// signed by the payer, or too close to the expiry.
    Result<std::uint64_t> accept(const chain::Voucher& voucher, std::uint32_t height,
                                 const Policy& policy);
    /// Writes down what really went out, so that the next session begins with that. After the last
    /// voucher.
    Status end_session();
    /// Before the channel is closed: from now on nothing is given or taken, here or by whoever else
    /// has this record, for what comes after the close is not paid. The record to close with.
    Result<Record> begin_closing();

  private:
    Status check_not_closing() const;
    /// What may have gone out once so much is paid.
    std::uint64_t limit_at(std::uint64_t paid) const;

    RecordStore* store_;
    Record record_;                // its `counted` is what may have gone out, as it is on disk
    std::uint64_t delivered_ = 0;  // what has
    std::uint64_t per_token_ = 0;
};

}  // namespace cairn::channel
