#include "serve/purse.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace cairn::serve {

namespace {

using chain::amount_text;

/// A voucher that was signed by hand meanwhile may have gone beyond what was to be spent.
std::uint64_t rest_of(std::uint64_t budget, std::uint64_t spent) {
    return budget > spent ? budget - spent : 0;
}

}  // namespace

Status check_holds(std::uint64_t capacity, std::uint64_t row_price, std::uint64_t rows) {
    if (rows == 0 || row_price <= capacity / rows) return ok_status();
    return Error{ErrorCode::kRefused,
                 "a channel of " + amount_text(capacity) + " coins does not hold the price of " +
                     std::to_string(rows) + " of them: if it is meant, say so by --max-price"};
}

struct Purse::Open {
    std::unique_ptr<DiskLock> lock;
    crypto::SecretKey secret;
    channel::PayerChannel channel;
    bool is_aside = false;
    std::uint64_t refusal = 0;  ///< which of all it was that the server refused it; 0: it did not
};

Purse::Purse(Disk& disk, Random& random, const PurseOptions& options, SecretOf secret_of)
    : random_(random), options_(options), secret_of_(std::move(secret_of)), store_(disk) {}

Purse::~Purse() {
    for (const auto& open : channels_) end_session(open->channel);
}

void Purse::end_session(channel::PayerChannel& channel) {
    if (const Status kept = channel.end_session(); !kept.ok())
        log_warn("what channel {} is owed for could not be kept: {}",
                 chain::outpoint_text(channel.record().terms.outpoint), kept.error().message);
}

Result<std::unique_ptr<Purse::Open>> Purse::take(const channel::Record& record) {
    const auto secret = secret_of_(record.terms.payer);
    if (!secret)
        return Error{ErrorCode::kRefused,
                     "the key of " + chain::outpoint_text(record.terms.outpoint) + " is not here"};
    ASSIGN_OR_RETURN(auto lock, store_.take(channel::Role::kPayer, record.terms.outpoint));
    // What it was before the lock may be out of date.
    ASSIGN_OR_RETURN(channel::Record now,
                     store_.find(channel::Role::kPayer, record.terms.outpoint));
    return std::unique_ptr<Open>(new Open{
        std::move(lock), *secret, channel::PayerChannel(store_, std::move(now), *secret, random_)});
}

Result<channel::PayerChannel*> Purse::channel_to(const crypto::PublicKey& server) {
    Open* open = nullptr;  // of the server's, that whose refusal is the longest ago
    for (const auto& each : channels_)
        if (each->channel.record().terms.payee == server && each->channel.left() > 0 &&
            !each->is_aside && (open == nullptr || each->refusal < open->refusal))
            open = each.get();
    if (open != nullptr && open->refusal == 0) return &open->channel;
    std::vector<channel::Record> records = store_.list().records;
    std::erase_if(records, [&](const channel::Record& record) {
        return record.role != channel::Role::kPayer || record.genesis_id != options_.genesis_id ||
               record.terms.payee != server || record.paid >= record.terms.capacity ||
               std::ranges::any_of(channels_, [&](const auto& each) {
                   return each->channel.record().terms.outpoint == record.terms.outpoint;
               });
    });
    // One that has expired, or is about to, must not stand before one that was opened since.
    std::ranges::sort(records, std::greater{},
                      [](const channel::Record& record) { return record.terms.expiry; });
    Error why = not_found(
        "no channel of yours pays this server: open one with `cairn wallet "
        "channel open`, or let --open do it");
    for (const channel::Record& record : records) {
        auto taken = take(record);
        if (!taken.ok()) {
            why = taken.error();
            continue;
        }
        return &channels_.emplace_back(*std::move(taken))->channel;
    }
    if (open != nullptr) return &open->channel;
    return why;
}

Purse::Open& Purse::open_of(const channel::PayerChannel& channel) const {
    const auto open = std::ranges::find_if(
        channels_, [&](const auto& each) { return &each->channel == &channel; });
    CHECK(open != channels_.end());
    return **open;
}

void Purse::set_aside(const channel::PayerChannel& channel) { open_of(channel).is_aside = true; }

void Purse::put_last(const channel::PayerChannel& channel) {
    open_of(channel).refusal = ++refusals_;
}

SessionPayment Purse::payment_for(const channel::PayerChannel& channel, const SessionTerms& terms,
                                  model::LayerRange layers, std::uint64_t row_price) {
    SessionPayment payment{channel.record().terms.outpoint, row_price, {}};
    payment.signature = crypto::sign(
        open_of(channel).secret,
        payment_message(terms, layers, channel.record().terms.payee, options_.genesis_id, payment),
        random_);
    return payment;
}

std::uint64_t Purse::left_for(const channel::PayerChannel& channel) const {
    return std::min(channel.left(), rest_of(options_.max_spent, spent_));
}

Status Purse::check_covers(const channel::PayerChannel& channel, std::uint64_t price) const {
    const channel::Record& record = channel.record();
    if (channel::add_up(record.counted, price) <= channel::add_up(record.paid, left_for(channel)))
        return ok_status();
    if (channel.left() <= rest_of(options_.max_spent, spent_))
        return Error{ErrorCode::kRefused, "the channel of " + amount_text(record.terms.capacity) +
                                              " coins that pays it is used up: open another"};
    return Error{ErrorCode::kRefused,
                 "all that may be spent, " + amount_text(options_.max_spent) + " coins, is spent"};
}

Result<std::optional<chain::Voucher>> Purse::pay(channel::PayerChannel& channel,
                                                 std::uint64_t row_price, std::uint64_t rows) {
    const channel::Record& record = channel.record();
    const std::uint64_t in_hand = record.paid > record.counted ? record.paid - record.counted : 0;
    if (row_price == 0 || in_hand / row_price >= rows) return std::optional<chain::Voucher>();
    channel.set_price(row_price);
    const std::uint64_t before = record.paid;
    // What may be paid at most, less what came and is not paid.
    const std::uint64_t most = channel::add_up(before, left_for(channel));
    if (most <= record.counted || most == before) return std::optional<chain::Voucher>();
    const std::uint64_t ahead = std::min(channel::price_at_risk(row_price), most - record.counted);
    ASSIGN_OR_RETURN(const chain::Voucher voucher, channel.pay(ahead));
    spent_ += voucher.amount - before;
    return std::optional(voucher);
}

}  // namespace cairn::serve
