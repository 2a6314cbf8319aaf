// A peer that speaks the protocol and means harm. It is no node: it has no state to lose and
// does, every so often and in answer to what it hears, what its kind of malice asks for. An
// attack that felled a node or blinded it belongs here as another kind, so that the swarm
// (swarm_test.cc) mixes it with all other trouble.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/random.h"
#include "node/block_tree.h"
#include "node/messages.h"
#include "node/pooled_item.h"

namespace cairn::sim {

enum class Malice {
    kMute,         ///< links, perhaps greets, and never says another word
    kGarbage,      ///< bytes of any kind, and what others said with a bit flipped
    kWithholder,   ///< announces what it hears of and gives none of it, or says no very late
    kAsker,        ///< asks for headers, bodies, items, assets and addresses without end
    kHeaderFlood,  ///< headers with real work on old blocks, where work is cheap
    kBadBlocks,    ///< blocks with real work on the tip that break C3 to C8
    kBadMerges,    ///< others' merges, with another state named, and a block on top
    kItemSpam,     ///< payments, commitments and payloads that break C3, C4 or C5
    kAddresses,    ///< addresses at which nobody listens, asked for or not
    kOfferFlood,   ///< offers thousands of items, those of others before them, and delivers none
};
inline constexpr int kMalices = 10;
const char* name_of(Malice malice);

/// Where a hostile peer sits: in a simulation (sim_hostile_peer.h), or on real links
/// (attack_node_main.cc). All of it must outlive the peer.
struct HostileSeat {
    const chain::NetworkDefinition& definition;
    const chain::Block& genesis;
    Loop& loop;
    net::Network& network;
    crypto::SecretKey key;  ///< what the network's links are bound to
};

class HostilePeer final : public net::NetworkHandler {
  public:
    /// Dials the victims, again and again.
    HostilePeer(const HostileSeat& seat, std::uint64_t seed, Malice malice,
                std::vector<std::string> victims);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

    Malice malice() const { return malice_; }
    std::string address() const { return network_.listen_address(); }
    std::uint64_t sent() const { return sent_; }

  private:
    void act();
    void act_towards(net::PeerId peer);
    void send(net::PeerId peer, node::MessageKind kind, ByteView body);
    void send_headers(net::PeerId peer, const std::vector<chain::BlockHeader>& headers);
    void learn(net::PeerId from, const node::Headers& headers);

    void send_garbage(net::PeerId peer);
    void ask_everything(net::PeerId peer);
    void flood_headers(net::PeerId peer);
    void send_bad_block(net::PeerId peer);
    void spoil_merge(ByteView body);
    void note_payloads(ByteView offer);
    void offer_bad_items(net::PeerId peer);
    void deliver(net::PeerId peer, ByteView question);
    void flood_offers(net::PeerId peer);
    void send_addresses(net::PeerId peer);
    void spread(net::PeerId from, node::MessageKind kind, ByteView body);
    void withhold(net::PeerId peer, const Bytes& hash);
    void foretell(ByteView body);

    Hash256 random_hash();
    Bytes random_bytes(std::size_t most);
    chain::Block empty_block(std::uint32_t height);
    /// A header on `parent` with its work done, for this body.
    chain::BlockHeader mine(const node::BlockNode* parent, const Hash256& body_root);

    const chain::NetworkDefinition& definition_;
    Malice malice_;
    std::vector<std::string> victims_;
    SeededRandom random_;
    crypto::SecretKey key_;
    Loop& loop_;
    net::Network& network_;
    Hash256 genesis_id_;
    std::unique_ptr<node::BlockTree> tree_;  // of the headers that it heard of
    std::map<net::PeerId, bool> peers_;      // whether it greeted
    std::deque<std::pair<std::uint16_t, Bytes>> heard_;
    std::deque<Hash256> payloads_heard_;
    std::deque<node::ItemPtr> offered_;  // what it would deliver
    std::uint64_t sent_ = 0;
    Alive alive_;
};

}  // namespace cairn::sim
