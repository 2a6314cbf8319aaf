#include "serve/till.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "channel/payee_channel.h"

namespace cairn::serve {

namespace {

struct Heights {
    std::uint32_t tip, by_now;
};

Heights heights_of(const ChannelView& view) { return {view.height(), view.height_by_now()}; }

/// A new record of the channel; kRefused if it does not fit the server.
Result<channel::Record> admit(const TillOptions& options, const chain::OutPoint& outpoint,
                              const channel::OnChain& on_chain, const Heights& heights) {
    ASSIGN_OR_RETURN(channel::Record record,
                     channel::admit(options.genesis_id, outpoint, on_chain, options.payee,
                                    heights.tip, options.policy));
    RETURN_IF_ERROR(channel::check_time_left(record.terms.expiry, heights.by_now, options.policy));
    return record;
}

}  // namespace

struct Till::Books {
    channel::RecordStore store;
    std::map<chain::OutPoint, channel::PayeeChannel> channels;

    explicit Books(Disk& disk) : store(disk) {}

    /// The channel as it is on disk, or new; kRefused if it does not fit the server.
    Result<channel::PayeeChannel*> find(const TillOptions& options, const chain::OutPoint& outpoint,
                                        const channel::OnChain& on_chain, const Heights& heights) {
        ASSIGN_OR_RETURN(channel::Record record, admit(options, outpoint, on_chain, heights));
        if (const auto here = channels.find(outpoint); here != channels.end()) return &here->second;
        auto kept = store.find(channel::Role::kPayee, outpoint);
        if (!kept.ok() && kept.error().code != ErrorCode::kNotFound) return kept.error();
        if (kept.ok()) record = *std::move(kept);
        return &channels.emplace(outpoint, channel::PayeeChannel(store, std::move(record)))
                    .first->second;
    }
    static Standing standing(const channel::PayeeChannel& channel) {
        return {channel.delivered() + channel.credit(), channel.reserved(), channel.delivered(), 0};
    }
    /// So that the channel knows of all that went out.
    static Status catch_up(channel::PayeeChannel& channel, std::uint64_t delivered) {
        if (delivered <= channel.delivered()) return ok_status();
        return channel.deliver(delivered - channel.delivered());
    }
};

Till::Till(Loop& loop, ChannelView& view, Disk& disk, const TillOptions& options)
    : loop_(loop), view_(view), options_(options), books_(std::make_shared<Books>(disk)) {}

void Till::open(const SessionTerms& terms, model::LayerRange layers, const SessionPayment& payment,
                Done done) {
    view_.find({payment.channel},
               alive_.guard([this, terms, layers, payment, tips = tips_, done = std::move(done)](
                                const std::vector<std::optional<channel::OnChain>>& found) {
                   // What was so on an older tip may not be so on this one.
                   if (tips != tips_) return open(terms, layers, payment, done);
                   enter(terms, layers, payment, found.at(0), done);
               }));
}

void Till::enter(const SessionTerms& terms, model::LayerRange layers, const SessionPayment& payment,
                 const std::optional<channel::OnChain>& on_chain, Done done) {
    const auto no = [](ErrorCode code, std::string reason) {
        return Error{code, std::move(reason)};
    };
    if (!on_chain)
        return done(no(ErrorCode::kRefused, "the chain here has no such channel, or no longer"));
    if (on_chain->output.kind != chain::OutputKind::kChannel ||
        !crypto::verify(
            on_chain->output.key,
            payment_message(terms, layers, options_.payee, options_.genesis_id, payment),
            payment.signature))
        return done(no(ErrorCode::kRefused, "it is not the channel's payer who asks"));
    if (accounts_.size() >= options_.max_channels && !accounts_.contains(payment.channel))
        return done(no(ErrorCode::kFull, "too many channels are in use"));
    Account& entered = accounts_[payment.channel];
    if (entered.users++ == 0) entered.serial = next_serial_++;
    offload(
        loop_, Lane::kPay,
        [books = books_, options = options_, payment, on_chain = *on_chain,
         heights = heights_of(view_)]() -> Result<Standing> {
            ASSIGN_OR_RETURN(channel::PayeeChannel* const channel,
                             books->find(options, payment.channel, on_chain, heights));
            channel->set_price(std::max(channel->price(), payment.row_price));
            // Nothing is written: whoever opens sessions and computes nothing leaves no trace.
            RETURN_IF_ERROR(channel->reserve(0));
            return Books::standing(*channel);
        },
        alive_.guard([this, outpoint = payment.channel,
                      done = std::move(done)](const Result<Standing>& standing) {
            if (!standing.ok()) {
                leave(outpoint);
                return done(standing.error());
            }
            Account& account = accounts_.at(outpoint);
            if (!account.known) account.delivered = standing->delivered;
            account.known = true;
            learn(account, *standing);
            done(ok_status());
        }));
}

void Till::close(const chain::OutPoint& channel) { leave(channel); }

void Till::leave(const chain::OutPoint& channel) {
    const auto found = accounts_.find(channel);
    CHECK(found != accounts_.end() && found->second.users > 0);
    if (--found->second.users > 0) return;
    const std::uint64_t delivered = found->second.delivered;
    accounts_.erase(found);
    offload(loop_, Lane::kPay, [books = books_, channel, delivered] {
        const auto here = books->channels.find(channel);
        if (here == books->channels.end()) return;
        Status ended = Books::catch_up(here->second, delivered);
        if (ended.ok()) ended = here->second.end_session();
        // It stays as it was: all that might have gone out counts as if it had.
        if (!ended.ok()) log_debug("serve: {}", ended.error().message);
        books->channels.erase(here);
    });
}

std::uint64_t Till::credit(const chain::OutPoint& channel) const {
    const auto found = accounts_.find(channel);
    if (found == accounts_.end()) return 0;
    const Account& account = found->second;
    const std::uint64_t most = std::min(account.limit, account.reserved);
    return most > account.delivered ? most - account.delivered : 0;
}

bool Till::is_paid(const chain::OutPoint& channel, std::uint64_t price) const {
    const auto found = accounts_.find(channel);
    return found != accounts_.end() &&
           channel::add_up(found->second.delivered, price) <= found->second.limit;
}

Till::Account* Till::find(const chain::OutPoint& channel, std::uint64_t serial) {
    const auto found = accounts_.find(channel);
    return found == accounts_.end() || found->second.serial != serial ? nullptr : &found->second;
}

void Till::learn(Account& account, const Standing& standing) {
    account.limit = std::max(account.limit, standing.limit);
    account.reserved = std::max(account.reserved, standing.reserved);
}

bool Till::is_reserving(const chain::OutPoint& channel) const {
    const auto found = accounts_.find(channel);
    return found != accounts_.end() && found->second.reserving;
}

void Till::reserve(const chain::OutPoint& channel, std::uint64_t price, Done done) {
    Account& account = accounts_.at(channel);
    if (account.reserving || !is_paid(channel, price)) return;
    account.reserving = true;
    offload(
        loop_, Lane::kPay,
        [books = books_, channel, price, delivered = account.delivered]() -> Result<Standing> {
            const auto here = books->channels.find(channel);
            if (here == books->channels.end())
                return Error{ErrorCode::kCancelled, "the channel is not in use any more"};
            RETURN_IF_ERROR(Books::catch_up(here->second, delivered));
            RETURN_IF_ERROR(here->second.reserve(price));
            return Books::standing(here->second);
        },
        alive_.guard([this, channel, serial = account.serial,
                      done = std::move(done)](const Result<Standing>& standing) {
            Account* const now = find(channel, serial);
            if (now == nullptr) return;
            now->reserving = false;
            if (!standing.ok()) return done(standing.error());
            learn(*now, *standing);
            done(ok_status());
        }));
}

void Till::deliver(const chain::OutPoint& channel, std::uint64_t price) {
    CHECK(price <= credit(channel));
    accounts_.at(channel).delivered += price;
}

void Till::accept(const chain::OutPoint& channel, std::uint64_t amount,
                  const crypto::Signature& signature, Done done) {
    const auto found = accounts_.find(channel);
    CHECK(found != accounts_.end() && found->second.known);
    offload(
        loop_, Lane::kPay,
        [books = books_, options = options_, height = view_.height_by_now(),
         delivered = found->second.delivered,
         voucher = chain::Voucher{options_.genesis_id, channel, amount,
                                  signature}]() -> Result<Standing> {
            const auto here = books->channels.find(voucher.channel);
            if (here == books->channels.end())
                return Error{ErrorCode::kCancelled, "the channel is not in use any more"};
            channel::PayeeChannel& payee = here->second;
            RETURN_IF_ERROR(Books::catch_up(payee, delivered));
            if (voucher.amount < payee.paid()) return Books::standing(payee);
            ASSIGN_OR_RETURN(const std::uint64_t more,
                             payee.accept(voucher, height, options.policy));
            Standing standing = Books::standing(payee);
            standing.paid_more = more;
            return standing;
        },
        alive_.guard([this, channel, serial = found->second.serial,
                      done = std::move(done)](const Result<Standing>& standing) {
            if (!standing.ok()) return done(standing.error());
            earned_ += standing->paid_more;
            if (Account* const account = find(channel, serial)) learn(*account, *standing);
            done(ok_status());
        }));
}

void Till::on_tip(const std::function<void(const chain::OutPoint&, const std::string& why)>& lost) {
    ++tips_;
    look_again_ = looking_;
    if (looking_ || accounts_.empty()) return;
    looking_ = true;
    std::vector<chain::OutPoint> outpoints;
    for (const auto& [outpoint, account] : accounts_) outpoints.push_back(outpoint);
    view_.find(
        outpoints, alive_.guard([this, outpoints,
                                 lost](const std::vector<std::optional<channel::OnChain>>& found) {
            looking_ = false;
            for (std::size_t i = 0; i < outpoints.size(); ++i) {
                if (!found.at(i)) {
                    lost(outpoints[i], "the chain no longer has its channel");
                    continue;
                }
                const auto fits = admit(options_, outpoints[i], *found[i], heights_of(view_));
                if (!fits.ok()) lost(outpoints[i], fits.error().message);
            }
            // The blocks of a reorganisation follow each other at once.
            if (look_again_) on_tip(lost);
        }));
}

}  // namespace cairn::serve
