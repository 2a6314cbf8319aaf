#include "node/relay.h"

#include "base/log.h"

namespace cairn::node {
namespace {

MessageKind message_kind(ItemKind kind) {
    switch (kind) {
        case ItemKind::kPayment:
            return MessageKind::kPayment;
        case ItemKind::kCommitment:
            return MessageKind::kCommitment;
        case ItemKind::kContribution:
            break;
    }
    return MessageKind::kContribution;
}

/// Blocks for which a payment is kept that spends, it seems, what is not there: whoever sent it may
/// have had a block or two that we have not.
constexpr std::uint32_t kBlocksAhead = 2;

/// One id names a commitment and its contribution; this tells them apart.
Hash256 item_key(ItemKind kind, Hash256 id) {
    id.bytes.back() ^= static_cast<std::uint8_t>(kind);
    return id;
}

}  // namespace

Relay::Relay(const Clock& clock, Loop& loop, net::Network& network, ActiveChain& chain,
             Mempool& mempool, PeerTable& peers, RelayOptions options)
    : clock_(clock),
      network_(network),
      chain_(chain),
      mempool_(mempool),
      peers_(peers),
      options_(options),
      wanted_(options.wanted),
      stamp_work_(loop, chain.network().work, chain.genesis_id(),
                  {.screen = [this](Source from,
                                    const ItemPtr& item) { return screen_commitment(item, from); },
                   .done =
                       [this](Source from, const ItemPtr& item, const Hash256& stamp) {
                           settle(item, from,
                                  mempool_.add_stamped(item, *chain_.tip(), from, stamp));
                           ask();
                       }}),
      ahead_(options.ahead) {}

void Relay::on_peer_ready(Peer& peer) {
    std::vector<Inventory> parts;
    for (const Item& item : mempool_.all()) {
        peer.knows.insert(item_key(item.kind, item.id));
        if (parts.empty() || parts.back().kind != item.kind ||
            parts.back().ids.size() == kMaxInventory)
            parts.push_back({item.kind, {}});
        parts.back().ids.push_back(item.id);
    }
    for (const Inventory& part : parts)
        send(network_, peer.id, MessageKind::kInventory, encode(part));
}

bool Relay::is_wanted(const Item& item) const {
    if (mempool_.contains(item.kind, item.id)) return false;
    if (item.kind == ItemKind::kContribution &&
        (checking_.contains(item.id) || mempool_.waits(item)))
        return false;
    return !refused_.contains(item_key(item.kind, item.id));
}

Status Relay::on_inventory(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Inventory offer, decode_inventory(body));
    for (const Hash256& id : offer.ids) {
        const Item item{offer.kind, id};
        peer.knows.insert(item_key(offer.kind, id));
        if (is_wanted(item)) wanted_.offer(peer.id, peer.info.outbound, item);
    }
    ask();
    return ok_status();
}

void Relay::ask() {
    for (auto& [peer, items] : wanted_.next_questions(now_ms())) {
        std::map<ItemKind, Inventory> questions;
        for (const Item& item : items) {
            questions[item.kind].kind = item.kind;
            questions[item.kind].ids.push_back(item.id);
        }
        for (const auto& [kind, question] : questions)
            send(network_, peer, MessageKind::kGetItems, encode(question));
    }
}

Status Relay::on_get_items(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Inventory want, decode_inventory(body));
    for (const Hash256& id : want.ids) {
        const ItemPtr item = mempool_.find(want.kind, id);
        if (!item) continue;
        // Once its queue is full, the rest is not even encoded.
        if (!network_.has_room(peer.id, item->bytes)) break;
        send(network_, peer.id, message_kind(want.kind), item->encoded());
    }
    return ok_status();
}

Status Relay::on_item(Peer& peer, ItemKind kind, ByteView body) {
    ASSIGN_OR_RETURN(const ItemPtr item, read_item(kind, body));
    if (!wanted_.delivered(peer.id, item->name)) return ok_status();
    peer.knows.insert(item_key(kind, item->name.id));
    if (kind == ItemKind::kPayment)
        check_payment({item, peer.id, {}});
    else if (kind == ItemKind::kCommitment)
        take_commitment(item, peer.id);
    else
        take_contribution(item, peer.id);
    ask();
    return ok_status();
}

void Relay::settle(const ItemPtr& item, Source from, const Mempool::Outcome& outcome) {
    const Item& name = item->name;
    if (outcome.added != Mempool::Added::kRefused) {
        wanted_.taken(from, name);
        if (outcome.added != Mempool::Added::kNew) return;
        announce(name);
        if (listener_) listener_(name);
        return;
    }
    log_debug("{} is not pooled: {}", short_hex(name.id), outcome.reason);
    if (outcome.for_id) {
        refused_.insert(item_key(name.kind, name.id));
        wanted_.forget(name);
    } else {
        wanted_.refused(from, name);
    }
    if (name.kind == ItemKind::kContribution && on_refused_)
        on_refused_(item->contribution(), outcome.reason);
}

void Relay::submit_payment(const chain::Payment& payment, std::function<void(Status)> answer) {
    const ItemPtr item = make_item(payment);
    if (mempool_.contains(ItemKind::kPayment, item->name.id))
        return keep_payment(item, {Mempool::Added::kKnown, {}}, answer);
    if (own_checks_ >= options_.max_own_checks)
        return answer(Error{ErrorCode::kFull, "too many payments at once; try again"});
    ++own_checks_;
    check_payment({item, kOurselves, [this, answer = std::move(answer)](const Status& status) {
                       --own_checks_;
                       answer(status);
                   }});
}

// At most a window of them from each peer (WantedLimits).
void Relay::check_payment(PaymentCheck check) {
    payments_waiting_[check.from].push_back(std::move(check));
    next_payment();
}

// First what it spends and leaves, which is cheap and may already be too little for the pool.
void Relay::next_payment() {
    if (checking_payment_ || payments_waiting_.empty()) return;
    auto turn = payments_waiting_.upper_bound(last_checked_);
    if (turn == payments_waiting_.end()) turn = payments_waiting_.begin();
    PaymentCheck check = std::move(turn->second.front());
    turn->second.pop_front();
    last_checked_ = turn->first;
    if (turn->second.empty()) payments_waiting_.erase(turn);
    checking_payment_ = true;
    const ItemPtr item = check.item;
    struct Judged {
        Verdict verdict;
        std::uint64_t fee;
    };
    chain_.lane().on_lane(
        [item](ChainState& state) {
            Judged judged{Verdict::valid(), 0};
            judged.verdict = state.ledger().check_spending(item->payment(), &judged.fee);
            return judged;
        },
        alive_.guard([this, check = std::move(check)](const Judged& judged) {
            if (!judged.verdict.is_valid()) {
                wait_for_blocks(check);
                return end_check(check, {Mempool::Added::kRefused, judged.verdict.reason()});
            }
            if (auto outcome = mempool_.screen_payment(check.item, judged.fee))
                return end_check(check, *outcome);
            check_signatures(check);
        }));
}

void Relay::check_signatures(PaymentCheck check) {
    const ItemPtr item = check.item;
    struct Judged {
        Verdict verdict;
        std::uint64_t fee;
        bool forged;
    };
    chain_.lane().on_lane(
        [item](ChainState& state) {
            Judged judged{Verdict::valid(), 0, false};
            judged.verdict = state.ledger().check_next(item->payment(), &judged.fee);
            judged.forged = judged.verdict.is_invalid() &&
                            state.ledger().check_spending(item->payment(), nullptr).is_valid();
            return judged;
        },
        alive_.guard([this, check = std::move(check)](const Judged& judged) {
            Mempool::Outcome outcome{Mempool::Added::kRefused, judged.verdict.reason()};
            if (judged.verdict.is_valid()) outcome = mempool_.add_payment(check.item, judged.fee);
            end_check(check, outcome);
            if (judged.forged && check.from != kOurselves) drop_forger(check.from);
        }));
}

void Relay::wait_for_blocks(const PaymentCheck& check) {
    if (check.from == kOurselves) return;
    const std::uint32_t next = chain_.tip()->next.height;
    const std::uint32_t since = check.since == 0 ? next : check.since;
    if (next <= since + kBlocksAhead) ahead_.add({check.item, check.from, since});
}

void Relay::end_check(const PaymentCheck& check, const Mempool::Outcome& outcome) {
    checking_payment_ = false;
    if (check.from == kOurselves && outcome.added != Mempool::Added::kRefused) {
        keep_payment(check.item, outcome, check.answer);
    } else {
        settle(check.item, check.from, outcome);
        if (check.answer) check.answer(Error{ErrorCode::kRefused, outcome.reason});
    }
    next_payment();
}

void Relay::keep_payment(const ItemPtr& item, const Mempool::Outcome& outcome,
                         const std::function<void(Status)>& answer) {
    const auto kept = [this, item, outcome, answer](const Status& status) {
        if (status.ok()) {
            settle(item, kOurselves, outcome);
            return answer(ok_status());
        }
        if (outcome.added == Mempool::Added::kNew) mempool_.remove_payment(item->name.id);
        answer(Error{status.error().code,
                     "the payment was not sent, for this node could not keep "
                     "it over a restart: " +
                         status.error().message});
    };
    if (!keep_) return kept(ok_status());
    keep_(item, alive_.guard(kept));
}

// Nobody honest passes on what he has not checked, and a signature that is not by the coin's owner
// is so on every branch.
void Relay::drop_forger(net::PeerId id) {
    forget_payments(id);
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    log_info("dropping peer {}: it passes on a payment with a forged signature",
             found->second.info.address);
    found->second.ready = false;
    network_.disconnect(id);
}

// They are not judged, so another may be asked for them.
void Relay::forget_payments(net::PeerId peer) {
    const auto waiting = payments_waiting_.extract(peer);
    if (waiting.empty()) return;
    for (const PaymentCheck& check : waiting.mapped()) wanted_.refused(peer, check.item->name);
}

void Relay::on_peer_down(net::PeerId peer) {
    forget_payments(peer);  // what of it waits for blocks is bounded anyway
    for (const ItemPtr& item : stamp_work_.forget(peer)) wanted_.refused(peer, item->name);
    wanted_.remove_peer(peer);
}

Mempool::Outcome Relay::submit(const chain::Commitment& commitment) {
    const ItemPtr item = make_item(commitment);
    const auto outcome = mempool_.add_commitment(item, *chain_.tip(), kOurselves);
    settle(item, kOurselves, outcome);
    return outcome;
}

void Relay::take_commitment(const ItemPtr& item, Source from) {
    if (chain::cost_of(chain_.network().work) > 1) return stamp_work_.add(from, item);
    settle(item, from, mempool_.add_commitment(item, *chain_.tip(), from));
}

bool Relay::screen_commitment(const ItemPtr& item, Source from) {
    const auto outcome = mempool_.screen_commitment(item, *chain_.tip(), from);
    if (outcome) settle(item, from, *outcome);
    return !outcome;
}

Mempool::Outcome Relay::submit(const chain::Contribution& contribution) {
    return take_contribution(make_item(contribution), kOurselves);
}

Mempool::Outcome Relay::take_contribution(const ItemPtr& item, Source from) {
    if (checking_.contains(item->name.id)) return {Mempool::Added::kWaiting, {}};
    const auto outcome = mempool_.screen(item, *chain_.tip(), from);
    if (outcome) {
        settle(item, from, *outcome);
        return *outcome;
    }
    check_contribution(item, from);
    return {Mempool::Added::kWaiting, {}};
}

// It is the payload that its commitment promises, so there is one at most for each stamp, and what
// is wrong with it is wrong with all that has its id.
void Relay::check_contribution(const ItemPtr& item, Source from) {
    const std::size_t bytes = item->bytes;
    if (checking_bytes_ + bytes > options_.max_checked_bytes)
        return settle(item, from,
                      {Mempool::Added::kRefused, "too many payloads wait to be decoded", false});
    checking_bytes_ += bytes;
    checking_.insert(item->name.id);
    chain_.lane().on_lane(
        [item](ChainState& state) { return state.ledger().check_next(item->contribution()); },
        alive_.guard([this, item, from, bytes](const Verdict& verdict) {
            checking_bytes_ -= bytes;
            checking_.erase(item->name.id);
            Mempool::Outcome outcome{Mempool::Added::kRefused, verdict.reason(),
                                     verdict.is_invalid()};
            if (verdict.is_valid()) outcome = mempool_.add_checked(item, *chain_.tip());
            settle(item, from, outcome);
        }));
}

void Relay::announce(const Item& item) {
    const Bytes body = encode(Inventory{item.kind, {item.id}});
    for (auto& [id, peer] : peers_) {
        if (!peer.ready) continue;
        if (peer.knows.insert(item_key(item.kind, item.id)))
            send(network_, id, MessageKind::kInventory, body);
    }
}

void Relay::on_tip(std::vector<WaitingRoom::Waiting> due) {
    refused_.clear();
    for (const WaitingRoom::Waiting& waiting : due) {
        if (waiting.item->name.kind == ItemKind::kCommitment)
            take_commitment(waiting.item, waiting.source);
        else
            take_contribution(waiting.item, waiting.source);
    }
    for (const WaitingRoom::Waiting& waiting : ahead_.take_all())
        check_payment({waiting.item, waiting.source, {}, waiting.since});
    ask_for_missing_payloads();
}

void Relay::drop_contribution(const Hash256& id) {
    if (!mempool_.contains(ItemKind::kContribution, id)) return;
    mempool_.remove_contribution(id);
    refused_.insert(item_key(ItemKind::kContribution, id));
    ask_for_missing_payloads();
}

// Peers offer a payload once. Whoever offered it before its commitment was carried here, or while
// there was no room, is asked now.
void Relay::ask_for_missing_payloads() {
    const TipInfo& tip = *chain_.tip();
    if (!chain_.network().is_merge_height(tip.next.height)) return;
    for (const consensus::OpenCommitment& open : tip.rules.open_commitments()) {
        const Item item{ItemKind::kContribution, open.id};
        if (!is_wanted(item)) continue;
        for (const auto& [id, peer] : peers_)
            if (peer.ready && peer.knows.contains(item_key(item.kind, item.id)))
                wanted_.offer(id, peer.info.outbound, item);
    }
    ask();
}

}  // namespace cairn::node
