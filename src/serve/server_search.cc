#include "serve/server_search.h"

#include <algorithm>

namespace cairn::serve {

ServerSearch::ServerSearch(Loop& loop, net::Network& network, const Clock& clock,
                           const std::map<net::PeerId, net::PeerInfo>& peers,
                           std::uint64_t patience_ms)
    : loop_(loop), network_(network), clock_(clock), peers_(peers), patience_ms_(patience_ms) {}

void ServerSearch::discover(std::vector<std::string> addresses, std::function<void(Discovery)> done,
                            std::uint64_t patience_ms, const Hash256& model) {
    auto search = std::make_unique<Search>();
    search->serial = next_serial_++;
    search->model = model;
    search->done = std::move(done);
    for (std::string& address : addresses)
        search->targets.push_back({.address = std::move(address), .offer = {}, .why_silent = {}});
    search->timer =
        loop_.call_after(patience_ms > 0 ? patience_ms : patience_ms_,
                         alive_.guard([this, serial = search->serial] { give_up(serial); }));
    std::vector<std::string> to_connect;
    for (Target& target : search->targets) {
        for (const auto& [peer, info] : peers_)
            if (info.outbound && info.address == target.address) target.peer = peer;
        if (target.peer != 0)
            ask(target, model);
        else
            to_connect.push_back(target.address);
    }
    searches_.push_back(std::move(search));
    for (const std::string& address : to_connect) network_.connect(address);
    // Without targets there is nothing to wait for; the answer still comes from the loop.
    if (searches_.back()->targets.empty()) loop_.post(alive_.guard([this] { finish_searches(); }));
}

void ServerSearch::ask(Target& target, const Hash256& model) {
    target.asked_us = clock_.monotonic_us();
    send(network_, target.peer, MessageKind::kAskAnnounce, encode_ask_announce(model));
}

void ServerSearch::give_up(std::uint64_t serial) {
    for (const auto& search : searches_) {
        if (search->serial != serial) continue;
        for (Target& target : search->targets)
            settle(target,
                   target.peer == 0 ? "cannot be reached in time" : "does not say what it holds");
    }
    finish_searches();
}

void ServerSearch::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    for (const auto& search : searches_) {
        for (Target& target : search->targets) {
            if (target.settled || target.peer != 0 || !info.outbound) continue;
            if (target.address != info.address) continue;
            target.peer = peer;
            ask(target, search->model);
        }
    }
}

void ServerSearch::on_peer_down(net::PeerId peer, const std::string& reason) {
    for (const auto& search : searches_)
        for (Target& target : search->targets)
            if (target.peer == peer) settle(target, "closed: " + reason);
    finish_searches();
}

void ServerSearch::on_connect_failed(const std::string& address, const std::string& reason) {
    for (const auto& search : searches_)
        for (Target& target : search->targets)
            if (target.address == address && target.peer == 0)
                settle(target, "cannot be reached: " + reason);
    finish_searches();
}

void ServerSearch::on_announce(net::PeerId peer, ByteView body) {
    const auto info = peers_.find(peer);
    if (info == peers_.end()) return;
    auto record = decode_announce(body);
    Status ok = record.ok() ? check_announce(*record, clock_.wall_ms()) : Status(record.error());
    // A server is asked for its own announcement, not for one that it passes on.
    if (ok.ok() && record->key != info->second.key)
        ok = invalid("its announcement is of another key");
    for (const auto& search : searches_) {
        for (Target& target : search->targets) {
            if (target.peer != peer || target.settled) continue;
            if (ok.ok()) {
                target.offer = *record;
                target.offer->address = target.address;  // the one that works from here
                target.trip_us = clock_.monotonic_us() - target.asked_us;
            }
            settle(target, ok.ok() ? "" : "sent a bad announcement: " + ok.error().message);
        }
    }
    finish_searches();
}

void ServerSearch::settle(Target& target, const std::string& why_silent) {
    if (target.settled) return;
    target.settled = true;
    if (!target.offer) target.why_silent = target.address + " " + why_silent;
}

void ServerSearch::finish_searches() {
    std::vector<std::unique_ptr<Search>> finished;
    std::erase_if(searches_, [&](std::unique_ptr<Search>& search) {
        const bool all = std::ranges::all_of(search->targets,
                                             [](const Target& target) { return target.settled; });
        if (all) finished.push_back(std::move(search));
        return all;
    });
    for (const auto& search : finished) {
        loop_.cancel(search->timer);
        Discovery discovery;
        for (Target& target : search->targets) {
            if (!target.offer) {
                discovery.silent.push_back(target.why_silent);
                continue;
            }
            discovery.trip_us[target.offer->key] = target.trip_us;
            discovery.offers.push_back(*target.offer);
        }
        search->done(std::move(discovery));
    }
}

}  // namespace cairn::serve
