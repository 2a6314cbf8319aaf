// For tests alone: links in memory between nodes named by address, in the time of a TestLoop, and
// somebody who gives weights over them, honestly or not.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/test_loop.h"
#include "fetch/weights_giver.h"

namespace cairn::fetch {

class TestLinks;
using TestWire = std::map<std::string, TestLinks*>;

class TestLinks final : public net::Network {
  public:
    TestLinks(Loop& loop, TestWire& wire, std::string address)
        : loop_(loop), wire_(wire), address_(std::move(address)) {
        wire_[address_] = this;
    }
    ~TestLinks() override {
        wire_.erase(address_);
        for (const auto& [peer, end] : std::map(ends_)) disconnect(peer);
    }
    void set_handler(net::NetworkHandler* handler) override { handler_ = handler; }
    void connect(const std::string& address) override {
        ++dialled;
        const auto found = wire_.find(address);
        if (found == wire_.end()) return;
        TestLinks& other = *found->second;
        const net::PeerId here = next_++, there = other.next_++;
        ends_[here] = {&other, there};
        other.ends_[there] = {this, here};
        up(here, {address, {}, true});
        other.up(there, {"", {}, false});
    }
    bool send(net::PeerId peer, std::uint16_t kind, ByteView body) override {
        const auto found = ends_.find(peer);
        if (found == ends_.end() || is_full) return false;
        Bytes sent(body.begin(), body.end());
        if (tamper && !tamper(kind, sent)) return true;
        loop_.post([to = found->second, kind, sent = std::move(sent), &wire = wire_] {
            for (const auto& [address, node] : wire)
                if (node == to.other && node->ends_.contains(to.there) && node->handler_ != nullptr)
                    return node->handler_->on_message(to.there, kind, sent);
        });
        return true;
    }
    void disconnect(net::PeerId peer) override {
        const auto found = ends_.find(peer);
        if (found == ends_.end()) return;
        const End end = found->second;
        end.other->lose(end.there);
        lose(peer);
    }
    std::string listen_address() const override { return address_; }

    /// May change what this node sends; false: it is not sent.
    std::function<bool(std::uint16_t kind, Bytes& body)> tamper;
    bool is_full = false;  ///< as a link whose other end reads nothing: nothing can be sent
    std::size_t dialled = 0;

  private:
    struct End {
        TestLinks* other = nullptr;
        net::PeerId there = 0;
    };
    void up(net::PeerId peer, const net::PeerInfo& info) {
        loop_.post(alive_.guard([this, peer, info] {
            if (ends_.contains(peer) && handler_ != nullptr) handler_->on_peer_up(peer, info);
        }));
    }
    void lose(net::PeerId peer) {
        if (ends_.erase(peer) == 0) return;
        loop_.post(alive_.guard([this, peer] {
            if (handler_ != nullptr) handler_->on_peer_down(peer, "gone");
        }));
    }

    Loop& loop_;
    TestWire& wire_;
    std::string address_;
    net::NetworkHandler* handler_ = nullptr;
    std::map<net::PeerId, End> ends_;
    net::PeerId next_ = 1;
    Alive alive_;
};

/// A node that gives weights and does nothing else.
struct TestGiver final : net::NetworkHandler {
    TestGiver(Loop& loop, TestWire& wire, const Clock& clock, const std::string& address,
              GiverOptions options = {})
        : links(loop, wire, address), giver(loop, links, clock, std::move(options)) {
        links.set_handler(this);
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId peer, const std::string&) override { giver.on_peer_down(peer); }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (!giver.on_message(peer, kind, body).ok()) links.disconnect(peer);
    }

    TestLinks links;
    WeightsGiver giver;
};

}  // namespace cairn::fetch
