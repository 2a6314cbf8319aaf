// The half of Client that asks servers what they hold.
#include <algorithm>

#include "serve/client.h"
#include "serve/client_state.h"

namespace cairn::serve {

void Client::discover(std::vector<std::string> addresses, std::function<void(Discovery)> done) {
    auto search = std::make_unique<Search>();
    search->serial = next_serial_++;
    search->done = std::move(done);
    for (std::string& address : addresses)
        search->targets.push_back({.address = std::move(address), .offer = {}, .why_silent = {}});
    search->timer =
        loop_.call_after(options_.discover_ms, alive_.guard([this, serial = search->serial] {
            for (const auto& waiting : searches_) {
                if (waiting->serial != serial) continue;
                for (std::size_t i = 0; i < waiting->targets.size(); ++i)
                    settle(*waiting, i,
                           waiting->targets[i].peer == 0 ? "cannot be reached in time"
                                                         : "does not say what it holds");
            }
            finish_searches();
        }));
    std::vector<std::string> to_connect;
    for (Search::Target& target : search->targets) {
        for (const auto& [peer, info] : peers_)
            if (info.outbound && info.address == target.address) target.peer = peer;
        if (target.peer != 0)
            send(target.peer, MessageKind::kAskAnnounce, {});
        else
            to_connect.push_back(target.address);
    }
    searches_.push_back(std::move(search));
    for (const std::string& address : to_connect) network_.connect(address);
    // Without targets there is nothing to wait for; the answer still comes from the loop.
    if (searches_.back()->targets.empty()) loop_.post(alive_.guard([this] { finish_searches(); }));
}

void Client::on_announce(net::PeerId peer, ByteView body) {
    const auto info = peers_.find(peer);
    if (info == peers_.end()) return;
    auto record = decode_announce(body);
    Status ok = record.ok() ? check_announce(*record, clock_.wall_ms()) : Status(record.error());
    // Others may pass on a record, but what we asked this server for is its own.
    if (ok.ok() && record->key != info->second.key)
        ok = invalid("its announcement is of another key");
    for (const auto& search : searches_) {
        for (std::size_t i = 0; i < search->targets.size(); ++i) {
            Search::Target& target = search->targets[i];
            if (target.peer != peer || target.settled) continue;
            if (ok.ok()) {
                target.offer = *record;
                target.offer->address = target.address;  // the one that works from here
            }
            settle(*search, i, ok.ok() ? "" : "sent a bad announcement: " + ok.error().message);
        }
    }
    finish_searches();
}

void Client::settle(Search& search, std::size_t index, std::string why_silent) {
    Search::Target& target = search.targets[index];
    if (target.settled) return;
    target.settled = true;
    if (!target.offer) target.why_silent = target.address + " " + why_silent;
}

void Client::finish_searches() {
    std::vector<std::unique_ptr<Search>> finished;
    std::erase_if(searches_, [&](std::unique_ptr<Search>& search) {
        const bool all = std::all_of(search->targets.begin(), search->targets.end(),
                                     [](const Search::Target& target) { return target.settled; });
        if (all) finished.push_back(std::move(search));
        return all;
    });
    for (const auto& search : finished) {
        loop_.cancel(search->timer);
        Discovery discovery;
        for (Search::Target& target : search->targets) {
            if (target.offer)
                discovery.offers.push_back(*target.offer);
            else
                discovery.silent.push_back(target.why_silent);
        }
        search->done(std::move(discovery));
    }
}

}  // namespace cairn::serve
