// Evidence against layer servers, told from node to node: an exhibit is offered by its id, fetched
// by whoever can judge it, judged there (serve/evidence_desk.h), and offered on only if it
// convicts. So no node believes another, and what convicts nobody goes no further than the nodes
// that its maker is linked with (S48).
//
// What a stranger can make a node do is bounded:
//   * Only exhibits about servers that the node knows (server_table.h), whose layers it has and
//     whom it has not convicted yet, are fetched: one at a time of a peer and of a netgroup, two in
//     all, of which strangers (peers that dialled us) may take one.
//   * Who offered one that does not convict has lost the right to offer any, and with him for an
//     hour the strangers in his part of the network. Whom we dialled answers for himself alone.
//   * Whoever is asked and says nothing is not asked again for some minutes.
//   * The desk judges one at a time and rests after what was in vain.
// An exhibit whose layers are not here is remembered by its id, one for each server, and shown as
// what it is: an accusation that was not checked here.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/token_bucket.h"
#include "node/peer_reads.h"
#include "node/peers.h"
#include "node/server_table.h"
#include "serve/evidence_desk.h"

namespace cairn::node {

struct EvidenceGossipLimits {
    std::size_t offers = 1024;  ///< exhibits that peers offer and that are not here
    std::size_t offers_per_peer = 256;
    std::size_t asked_at_once = 2;
    std::size_t asked_of_strangers = 1;       ///< of those
    std::uint64_t patience_ms = 30'000;       ///< for an exhibit that was asked for
    std::uint64_t unasked_ms = 240'000;       ///< after one that did not come
    std::uint64_t lost_right_ms = 3'600'000;  ///< of a part of the network
};

class EvidenceGossip {
  public:
    /// All must outlive it.
    EvidenceGossip(const Clock& clock, net::Network& network, PeerTable& peers,
                   const ServerTable& servers, serve::EvidenceDesk& desk, PeerReads& reads,
                   GroupOf group_of, const EvidenceGossipLimits& limits = {});

    void on_peer_ready(Peer& peer);
    void on_peer_down(net::PeerId peer);
    /// kInvalid, for which the link is to be ended: no such message. An exhibit that is none, or
    /// another than was asked for, costs the right to offer.
    Status on_exhibits(Peer& peer, ByteView body);
    Status on_get_exhibit(Peer& peer, ByteView body);
    Status on_exhibit(Peer& peer, ByteView body);
    /// Asks, and gives up. Call every second or so.
    void tick();

    /// The accusation against this server that was not checked here, if there is one.
    const serve::ExhibitNote* unchecked(const crypto::PublicKey& server) const;
    std::size_t unchecked() const { return unchecked_.size(); }
    /// Exhibits that were asked for, for tests of its bounds.
    std::uint64_t fetched() const { return fetched_; }
    std::size_t offers() const { return offers_.size(); }
    bool may_offer(const Peer& peer) const;

  private:
    struct PeerState {
        bool lost_right = false;
        SeenCache has{512};      // exhibits that it has, or was offered
        std::size_t offers = 0;  // of offers_
        /// Notes that are looked at: at once (a peer that was just linked tells all), and a second.
        TokenBucket notes{256, 4};
        TokenBucket answers{8, 0.2};  // exhibits that it is sent
        SeenCache given{512};         // exhibits that it was sent, each once
        std::uint64_t asked_ms = 0;
        Hash256 asked;  // which of offers_; zero: nothing
        std::uint64_t unasked_until_ms = 0;
        std::set<Hash256> late;  // exhibits that were waited for in vain, and may still come
    };
    struct Offer {
        serve::ExhibitNote note;
        std::uint64_t serial = 0;
        std::set<net::PeerId> by;
        net::PeerId asked = 0;     // of whom; 0: nobody
        bool judged = false;       // it is with the desk, or held
        Bytes held;                // what came while the desk had no room
        bool of_stranger = false;  // whom it was asked of
    };
    enum class Want { kYes, kNotNow, kNever };

    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000 + 1; }
    Want wants(const serve::ExhibitNote& note);
    /// Whether that is another offer.
    bool hear(Peer& peer, PeerState& state, const serve::ExhibitNote& note);
    void ask();
    bool is_chosen(net::PeerId peer) const;
    /// Whom to ask for it now; 0: nobody.
    net::PeerId whom(const Offer& offer, bool strangers_too) const;
    void take_back(net::PeerId peer, Offer& offer);
    /// Whether one more of this peer's has room; its own latest makes it, or the latest of whoever
    /// offers most.
    bool make_room(net::PeerId peer, const PeerState& state);
    /// As if this peer had not made its latest offer that is not asked for or judged; false: there
    /// is none.
    bool take_back_one_of(net::PeerId peer);
    void forget(const Hash256& key);
    void lose_right(net::PeerId peer);
    /// Gives the desk what waits for its room, where there is some.
    void judge_held(const Hash256& key, Offer& offer);
    void judge_all_held();
    void on_judged(const Hash256& key, serve::Judgement judgement, const std::string& why);
    void tell(const std::vector<serve::ExhibitNote>& notes, net::PeerId to);

    const Clock& clock_;
    net::Network& network_;
    PeerTable& peers_;
    const ServerTable& servers_;
    serve::EvidenceDesk& desk_;
    PeerReads& reads_;
    EvidenceGossipLimits limits_;
    std::map<net::PeerId, PeerState> states_;
    /// By the hash of the note: who says other things of an exhibit makes another offer, and so
    /// stands in nobody's way.
    std::map<Hash256, Offer> offers_;
    std::map<crypto::PublicKey, serve::ExhibitNote> unchecked_;
    GroupOf group_of_;
    std::map<std::string, std::uint64_t> lost_until_ms_;     // by netgroup
    std::map<std::string, std::uint64_t> unasked_until_ms_;  // by netgroup
    SeenCache in_vain_{1024};
    std::uint64_t next_serial_ = 0;
    std::uint64_t fetched_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
