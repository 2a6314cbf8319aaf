// How a node gets the chain from its peers: headers first (of a long branch twice: presync.h),
// then the bodies of whatever has more work than our tip, several at once from whoever has them.
// Of a peer the bodies of several branches are asked for (told_branches.h): the best that it told
// us of may prove invalid. A body that nobody asked for is not looked at. If one does not come
// soon, that is a lapse, and another peer is asked as well: those with fewest lapses first, and of
// those the ones that we chose. For the next blocks, whoever has more lapses does not keep us from
// asking one that has fewer, so any number of peers that announce blocks and withhold them cost
// little time. A peer that leaves a question open too long is dropped. New blocks are announced by
// their header as soon as C1 and C2 hold.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "node/active_chain.h"
#include "node/header_work.h"
#include "node/peer_reads.h"
#include "node/peers.h"

namespace cairn::node {

struct SyncOptions {
    std::uint64_t timeout_ms = 15'000;    ///< for headers, and for each body
    std::uint64_t patience_ms = 2'000;    ///< before another peer is asked for the same body
    std::size_t max_asked = 3;            ///< peers that are asked for one body at once
    std::size_t max_blocks_per_peer = 8;  ///< asked for at once
    std::size_t max_ahead = 256;          ///< missing bodies looked at, lowest first
};

/// The handlers' errors mean that the peer broke the protocol or a cheap rule: drop it.
class Sync {
  public:
    Sync(const Clock& clock, Random& random, Loop& loop, net::Network& network, ActiveChain& chain,
         PeerTable& peers, PeerReads& reads, SyncOptions options);

    void on_peer_ready(Peer& peer);
    Status on_get_headers(Peer& peer, ByteView body);
    Status on_headers(Peer& peer, ByteView body);
    /// The link is gone, and the peer from the table.
    void on_peer_down(net::PeerId id);
    Status on_get_block(Peer& peer, ByteView body);
    Status on_block(Peer& peer, ByteView body);
    Status on_no_block(Peer& peer, ByteView body);

    /// Tells peers of a block, except those that know it.
    void announce(const BlockNode* node);
    /// Asks for bodies that are missing: looks at those that come next for every peer, which takes
    /// a millisecond or two while many are missing.
    void request_bodies();
    /// How often it did so.
    std::uint64_t requests() const { return requests_; }
    const HeaderWork& header_work() const { return header_work_; }
    /// Time passes: drops peers that owe an answer for too long. Call every second or so.
    void tick();

  private:
    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000 + 1; }
    void ask_headers(Peer& peer, const BlockNode* from);
    /// How many of the first headers are in the tree, so that nothing has to be hashed; the message
    /// is cut after the first header that is undecided. All but the work of the rest is valid.
    Result<std::size_t> screen(const Peer& peer, HeaderWork::Message& message);
    void drop(Peer& peer, const std::string& reason);
    void on_work(net::PeerId id, const HeaderWork::Message& message, const Status& judged);
    Status on_judged(Peer& peer, const HeaderWork::Message& message, consensus::Work work);
    void ask_about_air(Peer& peer);
    void start_presync(Peer& peer, const HeaderWork::Message& message, consensus::Work work);
    Status on_presync(Peer& peer, const HeaderWork::Message& message, consensus::Work work);
    void ask_on(Peer& peer);
    void end_presync(Peer& peer, bool refuted);
    /// request_bodies() for a peer's message of a few bytes, of which there may be any number: now,
    /// or a little after the last time.
    void request_soon();
    void note_lapses();
    std::vector<Peer*> best_first();
    /// Whether it was asked of so many, or so lately, that this peer is not to be asked now.
    bool is_asked(const BlockNode* node, const Peer& by) const;
    void request_from(Peer& peer);
    void request_branch(Peer& peer, const BlockNode* best);
    void read_block(net::PeerId id, const Hash256& hash, std::function<void()> finished);
    /// `bytes` null: we cannot give it.
    void send_block(net::PeerId id, const Hash256& hash, const Bytes* bytes);

    const Clock& clock_;
    Random& random_;
    Loop& loop_;
    net::Network& network_;
    ActiveChain& chain_;
    PeerTable& peers_;
    PeerReads& reads_;
    SyncOptions options_;
    HeaderWork header_work_;
    std::uint64_t requests_ = 0;
    std::uint64_t requested_ms_ = 0;  // the last time
    TimerId request_timer_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
