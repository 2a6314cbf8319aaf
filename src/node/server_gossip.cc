#include "node/server_gossip.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/address.h"
#include "node/messages.h"

namespace cairn::node {
namespace {

std::string host_of(const Peer& peer) {
    const auto address = net::parse_address(peer.info.address);
    return address.ok() ? address->host : "";
}

}  // namespace

ServerGossip::ServerGossip(const Clock& clock, net::Network& network, PeerTable& peers,
                           const Hash256& genesis, AskServer ask, ServerLimits limits)
    : clock_(clock),
      network_(network),
      peers_(peers),
      ask_(std::move(ask)),
      table_(genesis, limits) {}

void ServerGossip::on_peer_ready(Peer& peer) {
    states_[peer.id] = {};
    send(network_, peer.id, MessageKind::kGetServers, {});
}

void ServerGossip::on_peer_down(net::PeerId peer) {
    states_.erase(peer);
    table_.forget_peer(peer);
}

Status ServerGossip::on_get_servers(Peer& peer, ByteView body) {
    if (!body.empty()) return invalid("GetServers has no body");
    const auto state = states_.find(peer.id);
    if (state == states_.end() || std::exchange(state->second.told, true)) return ok_status();
    std::vector<crypto::PublicKey> all;
    for (const auto& [key, server] : table_.known()) all.push_back(key);
    tell(all, peer.id);
    return ok_status();
}

Status ServerGossip::on_servers(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Servers told, decode_servers(body));
    const std::string host = host_of(peer);
    const std::uint64_t now = now_ms();
    for (const serve::Announce& record : told.records) {
        const auto known = table_.known().find(record.key);
        if (known != table_.known().end() && known->second.record == record) {
            table_.note_has(record.key, peer.id);
            continue;
        }
        if (!ask_ || !table_.wants(record, host, now)) continue;
        if (!serve::check_times(record, clock_.wall_ms()).ok()) continue;
        if (!states_[peer.id].signatures.take(now)) break;
        ++checked_;
        RETURN_IF_ERROR(serve::check_announce(record, clock_.wall_ms()));
        if (!table_.hear(record, host, now)) continue;
        table_.note_has(record.key, peer.id);
        news_.insert(record.key);
    }
    ask();
    return ok_status();
}

Status ServerGossip::announce_own(const serve::Announce& record) {
    RETURN_IF_ERROR(serve::check_announce(record, clock_.wall_ms()));
    table_.put_own(record, now_ms());
    tell_all({record.key});
    return ok_status();
}

void ServerGossip::ask() {
    while (table_.may_ask() && questions_.has(now_ms())) {
        const auto question = table_.next_question(now_ms());
        if (!question) return;
        questions_.take(now_ms());
        ask_(question->address,
             alive_.guard([this, key = question->key](const Result<serve::Announce>& answer) {
                 const bool by_this_key = answer.ok() && answer->key == key;
                 if (!answer.ok()) log_debug("no layer server: {}", answer.error().message);
                 if (table_.answered(key, by_this_key, now_ms())) tell_all({key});
                 ask();
             }));
    }
}

void ServerGossip::tell(const std::vector<crypto::PublicKey>& keys, net::PeerId to) {
    Servers message;
    const auto flush = [&] {
        if (message.records.empty()) return;
        send(network_, to, MessageKind::kServers, encode(message));
        message.records.clear();
    };
    for (const crypto::PublicKey& key : keys) {
        const auto known = table_.known().find(key);
        if (known == table_.known().end() || known->second.has.contains(to)) continue;
        message.records.push_back(known->second.record);
        table_.note_has(key, to);
        if (message.records.size() == kMaxServersPerMessage) flush();
    }
    flush();
}

void ServerGossip::tell_all(const std::vector<crypto::PublicKey>& keys) {
    for (const auto& [id, peer] : peers_)
        if (peer.ready) tell(keys, id);
}

void ServerGossip::tick() {
    table_.expire(clock_.wall_ms(), now_ms());
    ask();
    if (news_.empty()) return;
    const std::vector<crypto::PublicKey> news(news_.begin(), news_.end());
    news_.clear();
    tell_all(news);
}

}  // namespace cairn::node
