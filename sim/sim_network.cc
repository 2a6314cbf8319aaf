#include "sim/sim_network.h"

#include <algorithm>

namespace cairn::sim {

void Fabric::partition(const std::map<std::string, int>& groups) {
    groups_ = groups;
    for (const auto& [id, link] : links_) {
        const SimNetwork* a = link.ends[0].network;
        const SimNetwork* b = link.ends[1].network;
        if (!link.broken && a && b && !reachable(a->address_, b->address_))
            break_link(id, -1, "timed out");
    }
}

bool Fabric::reachable(const std::string& a, const std::string& b) const {
    const auto group_of = [this](const std::string& address) {
        const auto found = groups_.find(address);
        return found == groups_.end() ? 0 : found->second;
    };
    return group_of(a) == group_of(b);
}

std::uint64_t Fabric::draw_delay_us() {
    return options_.min_delay_us + random_.below(options_.max_delay_us - options_.min_delay_us + 1);
}

void Fabric::open(SimNetwork& from, const std::string& to) {
    const std::string origin = from.address_;
    scheduler_.after(draw_delay_us(), [this, origin, to] {
        const auto caller = nodes_.find(origin);
        if (caller == nodes_.end()) return;
        const auto called = nodes_.find(to);
        if (called != nodes_.end() && origin != to && reachable(origin, to)) {
            // As in the real network, two nodes keep one link.
            if (!joined(*caller->second, *called->second)) join(*caller->second, *called->second);
            return;
        }
        SimNetwork* self = caller->second;
        self->loop_.post([self, to] {
            if (self->dial_failed_) self->dial_failed_(to);
        });
    });
}

bool Fabric::joined(const SimNetwork& a, const SimNetwork& b) const {
    for (const auto& [id, link] : links_) {
        if (link.broken) continue;
        const SimNetwork* first = link.ends[0].network;
        const SimNetwork* second = link.ends[1].network;
        if ((first == &a && second == &b) || (first == &b && second == &a)) return true;
    }
    return false;
}

void Fabric::join(SimNetwork& caller, SimNetwork& called) {
    SimNetwork* sides[2] = {&caller, &called};
    const std::uint64_t link_id = next_link_++;
    Link& link = links_[link_id];
    for (int end = 0; end < 2; ++end) {
        link.ends[end] = End{sides[end], sides[end]->next_peer_++, scheduler_.now_us(), 0};
        sides[end]->peers_[link.ends[end].id] = SimNetwork::Peer{link_id, end};
    }
    for (int end = 0; end < 2; ++end) {
        SimNetwork* self = sides[end];
        const net::PeerInfo info{sides[1 - end]->address_, sides[1 - end]->key_, end == 0};
        self->loop_.post([self, peer = link.ends[end].id, info] {
            if (self->peers_.contains(peer) && self->handler_)
                self->handler_->on_peer_up(peer, info);
        });
    }
}

bool Fabric::carry(std::uint64_t link_id, int from, std::uint16_t kind, ByteView body) {
    const auto found = links_.find(link_id);
    // An end that has not noticed yet sends in vain, as into a cut cable.
    if (found == links_.end() || found->second.broken) return true;
    End& end = found->second.ends[from];
    if (end.queued + body.size() > SimNetwork::kMaxQueuedBytes) return false;
    ++messages_;
    bytes_ += body.size();
    if (options_.break_per_million > 0 && random_.below(1'000'000) < options_.break_per_million) {
        break_link(link_id, -1, "connection lost");
        return true;
    }
    std::uint64_t arrives_us = scheduler_.now_us() + draw_delay_us();
    if (options_.bytes_per_s > 0) arrives_us += body.size() * 1'000'000 / options_.bytes_per_s;
    end.free_us = std::max(end.free_us + 1, arrives_us);
    end.queued += body.size();
    scheduler_.at(end.free_us, [this, link_id, to = 1 - from, kind,
                                copy = Bytes(body.begin(), body.end())]() mutable {
        deliver(link_id, to, kind, std::move(copy));
    });
    return true;
}

void Fabric::deliver(std::uint64_t link_id, int to, std::uint16_t kind, Bytes body) {
    const auto found = links_.find(link_id);
    if (found == links_.end() || found->second.broken) return;
    found->second.ends[1 - to].queued -= body.size();
    const End& end = found->second.ends[to];
    SimNetwork* network = end.network;
    CHECK(network != nullptr);
    network->loop_.post([network, peer = end.id, kind, body = std::move(body)]() mutable {
        if (network->peers_.contains(peer) && network->handler_)
            network->handler_->on_message(peer, kind, std::move(body));
    });
}

void Fabric::break_link(std::uint64_t link_id, int quick, const std::string& reason) {
    Link& link = links_.at(link_id);
    if (link.broken) return;
    link.broken = true;
    ++broken_links_;
    for (int end = 0; end < 2; ++end) {
        const std::uint64_t delay_us = end == quick ? 0 : draw_delay_us() + options_.notice_us;
        scheduler_.after(delay_us,
                         [this, link_id, end, reason] { tell_down(link_id, end, reason); });
    }
}

void Fabric::tell_down(std::uint64_t link_id, int end, const std::string& reason) {
    const auto found = links_.find(link_id);
    if (found == links_.end()) return;
    End& told = found->second.ends[end];
    if (SimNetwork* network = told.network) {
        network->loop_.post([network, peer = told.id, reason] {
            if (network->peers_.erase(peer) > 0 && network->handler_)
                network->handler_->on_peer_down(peer, reason);
        });
        told.network = nullptr;
    }
    if (!found->second.ends[0].network && !found->second.ends[1].network) links_.erase(found);
}

void Fabric::gone(SimNetwork& network) {
    nodes_.erase(network.address_);
    for (auto& [peer, at] : network.peers_) {
        const auto found = links_.find(at.link);
        if (found == links_.end()) continue;
        found->second.ends[at.end].network = nullptr;
        break_link(at.link, 1 - at.end, "connection reset");
    }
}

SimNetwork::SimNetwork(Fabric& fabric, SimLoop& loop, std::string address, crypto::PublicKey key)
    : fabric_(fabric), loop_(loop), address_(std::move(address)), key_(key) {
    CHECK(fabric_.nodes_.emplace(address_, this).second);
}

SimNetwork::~SimNetwork() { fabric_.gone(*this); }

void SimNetwork::connect(const std::string& address) { fabric_.open(*this, address); }

bool SimNetwork::send(net::PeerId peer, std::uint16_t kind, ByteView body) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || body.size() > net::kMaxMessageBytes) return false;
    return fabric_.carry(found->second.link, found->second.end, kind, body);
}

bool SimNetwork::has_room(net::PeerId peer, std::size_t body_bytes) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return false;
    const auto link = fabric_.links_.find(found->second.link);
    if (link == fabric_.links_.end()) return true;  // sends in vain
    return link->second.ends[found->second.end].queued + body_bytes <= kMaxQueuedBytes;
}

void SimNetwork::disconnect(net::PeerId peer) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    const auto link = fabric_.links_.find(found->second.link);
    if (link != fabric_.links_.end())
        fabric_.break_link(found->second.link, found->second.end, "disconnected");
}

}  // namespace cairn::sim
