#include "node/channel_keeper.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"

namespace cairn::node {
namespace {

using chain::amount_text;
using chain::outpoint_text;

/// Ended with one block; the others come with the next ones. All that a payee can have are closed
/// in the blocks that are left for that, also if they expire together.
constexpr std::size_t kMaxAtOnce = 192;
static_assert(kMaxAtOnce * channel::Policy{}.closing_blocks >= channel::RecordStore::kMaxRecords);
constexpr std::uint32_t kForgetAfter = 200;

}  // namespace

ChannelKeeper::ChannelKeeper(Loop& loop, Random& random, ActiveChain& chain, const Mempool& mempool,
                             Relay& relay, Disk* disk, channel::Policy policy, SecretOf secret_of)
    : loop_(loop),
      random_(random),
      chain_(chain),
      mempool_(mempool),
      relay_(relay),
      policy_(policy),
      secret_of_(std::move(secret_of)) {
    if (disk != nullptr) store_.emplace(*disk);
}

void ChannelKeeper::on_tip() {
    if (!store_) return;
    again_ = looking_;
    if (looking_) return;
    looking_ = true;
    offload(
        loop_, Lane::kRead, [store = *store_] { return store.list(); },
        alive_.guard([this](channel::RecordStore::Listing listing) {
            for (const std::string& file : listing.damaged)
                log_warn("the channel's record {} is damaged and cannot be read", file);
            look_up(std::move(listing.records));
        }));
}

void ChannelKeeper::look_up(std::vector<channel::Record> records) {
    std::erase_if(records, [this](const channel::Record& record) {
        return record.genesis_id != chain_.genesis_id();
    });
    chain_.lane().on_lane(
        [records = std::move(records)](ChainState& state) {
            std::vector<Seen> all;
            for (const channel::Record& record : records) {
                const auto* coin = state.ledger().coins().find(record.terms.outpoint);
                all.push_back({record, coin && coin->output == channel::output_of(record.terms)});
            }
            return all;
        },
        alive_.guard([this](const std::vector<Seen>& all) {
            act(all);
            looking_ = false;
            if (again_) on_tip();
        }));
}

// What there is most to lose comes first, and what expires before what can wait: strangers open
// channels to us, as many as they like.
void ChannelKeeper::act(const std::vector<Seen>& all) {
    const std::uint32_t next = chain_.tip()->next.height;
    std::vector<std::pair<const channel::Record*, channel::Due>> dues;
    for (const Seen& seen : all) {
        forget_gone(seen);
        const channel::Due due = channel::due(seen.record, next, policy_);
        if (seen.is_open && due != channel::Due::kNothing) dues.emplace_back(&seen.record, due);
    }
    std::ranges::stable_sort(dues, std::greater<>(), [](const auto& each) {
        const auto& [record, due] = each;
        return due == channel::Due::kClose ? std::pair(true, record->paid)
                                           : std::pair(false, record->terms.capacity);
    });
    std::size_t settled = 0;
    for (const auto& [record, due] : dues) {
        if (settled == kMaxAtOnce) break;
        settled += settle(*record, due) ? 1 : 0;
    }
}

bool ChannelKeeper::settle(const channel::Record& record, channel::Due due) {
    const Name name{record.role, record.terms.outpoint};
    const bool closes = due == channel::Due::kClose;
    const auto secret = secret_of_(closes ? record.terms.payee : record.terms.payer);
    if (!secret) {
        if (!warned_.insert(name).second) return false;
        log_warn(
            "{} is to be {} {}, and this node does not have its key: do it with `cairn wallet "
            "channel {}`, or run the node with --wallet",
            outpoint_text(name.second),
            closes ? "closed before height" : "taken back: it expired at height",
            record.terms.expiry, closes ? "close" : "refund");
        return false;
    }
    const chain::NetworkDefinition& network = chain_.network();
    std::uint64_t rate =
        mempool_.payments().fee_rate_within(network.max_payments, network.max_block_bytes / 2);
    rate = closes ? channel::closing_rate(record, rate, chain_.tip()->next.height, policy_)
                  : channel::refund_rate(record, rate);
    if (mempool_.spends(name.second) && tried_rate_[name] >= rate) return false;
    const std::uint64_t fee = rate * channel::settling_bytes(record);
    const Status pays =
        closes ? channel::check_close_pays(record, fee) : channel::check_refund_pays(record, fee);
    if (!pays.ok()) {
        leave(name, pays.error());
        return false;
    }
    tried_rate_[name] = rate;
    if (closes)
        close(record, *secret, fee);
    else
        send(record, channel::refund_payment(record, *secret, fee, random_), fee);
    return true;
}

void ChannelKeeper::leave(const Name& name, const Error& why) {
    if (warned_.insert(name).second)
        log_warn("{} is left as it is: {}", outpoint_text(name.second), why.message);
}

// First it is on disk that the channel is being closed: whoever serves on it stops.
void ChannelKeeper::close(const channel::Record& record, const crypto::SecretKey& secret,
                          std::uint64_t fee) {
    channel::Record closing = record;
    closing.closing = true;
    offload(
        loop_, Lane::kRead,
        [store = *store_, closing]() mutable {
            return store.put(closing, channel::RecordStore::Count::kTheirs);
        },
        alive_.guard([this, record, secret, fee](const Result<channel::Record>& kept) {
            // A full disk must not keep it from being closed.
            if (!kept.ok()) log_warn("{}", kept.error().message);
            const channel::Record& best = kept.ok() ? *kept : record;
            send(best, channel::close_payment(best, secret, fee, random_), fee);
        }));
}

void ChannelKeeper::send(const channel::Record& record, const Result<chain::Payment>& payment,
                         std::uint64_t fee) {
    const Name name{record.role, record.terms.outpoint};
    if (!payment.ok()) return leave(name, payment.error());
    relay_.submit_payment(*payment, alive_.guard([record, fee, name](const Status& status) {
        if (!status.ok())
            return log_debug("{} is not ended yet: {}", outpoint_text(name.second),
                             status.error().message);
        const bool closes = record.role == channel::Role::kPayee;
        log_info("{} channel {} of {} coins: {} for us, fee {}", closes ? "closing" : "taking back",
                 outpoint_text(name.second), amount_text(record.terms.capacity),
                 amount_text((closes ? record.paid : record.terms.capacity) - fee),
                 amount_text(fee));
    }));
}

void ChannelKeeper::forget_gone(const Seen& seen) {
    const Name name{seen.record.role, seen.record.terms.outpoint};
    if (seen.is_open) {
        gone_.erase(name);
        were_open_.insert(name);
        return;
    }
    const std::uint64_t height = chain_.tip()->node->height;
    std::uint64_t since = gone_.try_emplace(name, chain_.tip()->node->height).first->second;
    // While the chain is read from its beginning, a channel of later blocks is not there either,
    // and its record is the only copy of what it is worth.
    if (!were_open_.contains(name))
        since = std::max<std::uint64_t>(since, seen.record.terms.expiry);
    if (height < since + kForgetAfter) return;
    gone_.erase(name);
    were_open_.erase(name);
    tried_rate_.erase(name);
    warned_.erase(name);
    offload(
        loop_, Lane::kRead,
        [store = *store_, name]() mutable { return store.forget(name.first, name.second); },
        alive_.guard([](const Status& forgotten) {
            if (!forgotten.ok()) log_warn("{}", forgotten.error().message);
        }));
}

}  // namespace cairn::node
