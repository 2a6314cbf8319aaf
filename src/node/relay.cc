#include "node/relay.h"

#include <algorithm>

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

/// One id names a commitment and its contribution; this tells them apart.
Hash256 item_key(ItemKind kind, Hash256 id) {
    id.bytes.back() ^= static_cast<std::uint8_t>(kind);
    return id;
}

}  // namespace

Relay::Relay(const Clock& clock, net::Network& network, ActiveChain& chain, Mempool& mempool,
             PeerTable& peers, RelayOptions options)
    : clock_(clock),
      network_(network),
      chain_(chain),
      mempool_(mempool),
      peers_(peers),
      options_(options) {}

void Relay::on_peer_ready(Peer& peer) {
    std::map<ItemKind, std::vector<Hash256>> ids;
    for (const Item& item : mempool_.all()) {
        peer.knows.insert(item_key(item.kind, item.id));
        ids[item.kind].push_back(item.id);
    }
    for (const auto& [kind, all] : ids) {
        for (std::size_t begin = 0; begin < all.size(); begin += kMaxInventory) {
            const std::size_t end = std::min(all.size(), begin + kMaxInventory);
            const Inventory part{kind,
                                 {all.begin() + static_cast<std::ptrdiff_t>(begin),
                                  all.begin() + static_cast<std::ptrdiff_t>(end)}};
            send(network_, peer.id, MessageKind::kInventory, encode(part));
        }
    }
}

Status Relay::on_inventory(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Inventory offer, decode_inventory(body));
    Inventory want{offer.kind, {}};
    for (const Hash256& id : offer.ids) {
        const Hash256 key = item_key(offer.kind, id);
        peer.knows.insert(key);
        if (mempool_.contains(offer.kind, id) || refused_.contains(key)) continue;
        const auto asked = asked_.find(key);
        if (asked != asked_.end()) {
            if (asked->second.others.size() < kMaxOthers) asked->second.others.push_back(peer.id);
            continue;
        }
        if (asked_.size() >= options_.max_asked) break;
        asked_[key] = {{offer.kind, id}, now_ms(), peer.id, {}};
        want.ids.push_back(id);
    }
    if (!want.ids.empty()) send(network_, peer.id, MessageKind::kGetItems, encode(want));
    return ok_status();
}

Status Relay::on_get_items(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Inventory want, decode_inventory(body));
    for (const Hash256& id : want.ids) {
        const Bytes bytes = mempool_.encoded(want.kind, id);
        if (!bytes.empty()) send(network_, peer.id, message_kind(want.kind), bytes);
    }
    return ok_status();
}

Status Relay::on_item(Peer& peer, ItemKind kind, ByteView body) {
    if (kind == ItemKind::kPayment) {
        ASSIGN_OR_RETURN(const chain::Payment payment, chain::decode_payment(body));
        peer.knows.insert(item_key(kind, chain::payment_id(payment)));
        submit_payment(payment, [](const Status&) {});
        return ok_status();
    }
    if (kind == ItemKind::kCommitment) {
        ASSIGN_OR_RETURN(const chain::Commitment commitment, chain::decode_commitment(body));
        peer.knows.insert(item_key(kind, chain::commitment_id(commitment)));
        submit(commitment);
        return ok_status();
    }
    ASSIGN_OR_RETURN(const chain::Contribution contribution, chain::decode_contribution(body));
    peer.knows.insert(item_key(kind, contribution.commitment_id));
    submit(contribution);
    return ok_status();
}

void Relay::settle(const Item& item, const Mempool::Outcome& outcome) {
    asked_.erase(item_key(item.kind, item.id));
    if (outcome.added == Mempool::Added::kNew) {
        announce(item);
        if (listener_) listener_(item);
    } else if (outcome.added == Mempool::Added::kRefused) {
        log_debug("{} is not pooled: {}", short_hex(item.id), outcome.reason);
        refused_.insert(item_key(item.kind, item.id));
    }
}

void Relay::submit_payment(const chain::Payment& payment, std::function<void(Status)> answer) {
    const Hash256 id = chain::payment_id(payment);
    if (mempool_.contains(ItemKind::kPayment, id)) return answer(ok_status());
    if (checks_ >= options_.max_checks)
        return answer(Error{ErrorCode::kFull, "too many payments at once; try again"});
    ++checks_;
    chain_.lane().on_lane(
        [payment](ChainState& state) { return state.ledger().check_next(payment); },
        alive_.guard([this, payment, id, answer = std::move(answer)](const Verdict& verdict) {
            --checks_;
            Mempool::Outcome outcome{Mempool::Added::kRefused, verdict.reason()};
            if (verdict.is_valid()) outcome = mempool_.add_payment(payment);
            settle({ItemKind::kPayment, id}, outcome);
            const bool taken = outcome.added != Mempool::Added::kRefused;
            answer(taken ? ok_status()
                         : Status(Error{ErrorCode::kRefused, std::move(outcome.reason)}));
        }));
}

Mempool::Outcome Relay::submit(const chain::Commitment& commitment) {
    const auto outcome = mempool_.add_commitment(commitment, *chain_.tip());
    settle({ItemKind::kCommitment, chain::commitment_id(commitment)}, outcome);
    return outcome;
}

Mempool::Outcome Relay::submit(const chain::Contribution& contribution) {
    const auto outcome = mempool_.add_contribution(contribution, *chain_.tip());
    settle({ItemKind::kContribution, contribution.commitment_id}, outcome);
    if (outcome.added == Mempool::Added::kRefused && on_refused_)
        on_refused_(contribution, outcome.reason);
    return outcome;
}

void Relay::announce(const Item& item) {
    const Bytes body = encode(Inventory{item.kind, {item.id}});
    for (auto& [id, peer] : peers_) {
        if (!peer.ready) continue;
        if (peer.knows.insert(item_key(item.kind, item.id)))
            send(network_, id, MessageKind::kInventory, body);
    }
}

void Relay::tick() {
    const std::uint64_t now = now_ms();
    for (auto at = asked_.begin(); at != asked_.end();) {
        Asked& asked = at->second;
        if (now < asked.since_ms + options_.timeout_ms) {
            ++at;
            continue;
        }
        if (asked.others.empty()) {
            at = asked_.erase(at);
            continue;
        }
        asked.peer = asked.others.back();
        asked.others.pop_back();
        asked.since_ms = now;
        send(network_, asked.peer, MessageKind::kGetItems,
             encode(Inventory{asked.item.kind, {asked.item.id}}));
        ++at;
    }
}

}  // namespace cairn::node
