// GivingLinks: one network's links for a layer server, for proofs of what it computed, and for
// weights that it gives to others.
#pragma once

#include "fetch/weights_giver.h"
#include "net/network.h"
#include "serve/attention_desk.h"

namespace cairn::serve {

class GivingLinks final : public net::NetworkHandler {
  public:
    /// All must outlive it.
    GivingLinks(net::NetworkHandler& server, AttentionDesk& desk, fetch::WeightsGiver& giver)
        : server_(server), desk_(desk), giver_(giver) {}

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        server_.on_peer_up(peer, info);
    }
    void on_peer_down(net::PeerId peer, const std::string& reason) override {
        giver_.on_peer_down(peer);
        desk_.forget(peer);
        server_.on_peer_down(peer, reason);
    }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (static_cast<MessageKind>(kind) == kAskAttention) return desk_.ask(peer, body);
        if (!fetch::is_about_weights(kind)) return server_.on_message(peer, kind, std::move(body));
        // What does not decode costs its sender an answer, and nothing else (S51).
        (void)giver_.on_message(peer, kind, body);
    }

  private:
    net::NetworkHandler& server_;
    AttentionDesk& desk_;
    fetch::WeightsGiver& giver_;
};

}  // namespace cairn::serve
