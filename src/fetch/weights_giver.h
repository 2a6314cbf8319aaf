// WeightsGiver: hands leaves of models to whoever asks (S51). It answers on any network's links,
// asks nothing, reads on Lane::kRead one question at a time, and gives no more than so many bytes a
// second, which parts of the network that ask at the same time share equally.
//
// Everything happens on the Loop. Links carry other messages too: its owner hands on those that are
// about weights.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "fetch/leaf_source.h"
#include "fetch/messages.h"

namespace cairn::fetch {

struct GiverOptions {
    std::uint64_t bytes_per_s = std::uint64_t{16} << 20;
    std::size_t max_waiting_per_peer = 8;  ///< questions; beyond, kBusy
    std::size_t max_waiting = 512;
    std::size_t max_sources = 4;  ///< the oldest goes
    /// The part of the network that a peer is in (net::TlsNetwork::group_of). May be empty.
    std::function<std::string(net::PeerId)> group_of{};
};

class WeightsGiver {
  public:
    /// The newest model of a chain: where it lies in it, and its name, which was offered.
    struct Newest {
        Hash256 name;
        Anchor anchor;
    };
    using NewestAnswer = std::function<void(std::optional<Newest>)>;

    /// All must outlive it.
    WeightsGiver(Loop& loop, net::Network& network, const Clock& clock, GiverOptions options);

    /// From now on others may have these.
    void offer(std::shared_ptr<const LeafSource> source);
    /// Whom to ask for the newest of a chain; it answers on the loop, at once or later, once.
    void set_newest(std::function<void(NewestAnswer)> newest) { newest_ = std::move(newest); }

    /// An error for what does not decode; answers and unknown kinds are passed over.
    Status on_message(net::PeerId peer, std::uint16_t kind, ByteView body);
    void on_peer_down(net::PeerId peer);

    std::size_t waiting() const { return waiting_count_; }
    std::uint64_t bytes_given() const { return bytes_given_; }

  private:
    using SourcePtr = std::shared_ptr<const LeafSource>;

    SourcePtr find(const Hash256& name) const;
    void on_ask_weights(net::PeerId peer, const Hash256& name);
    void on_ask_leaves(net::PeerId peer, const AskLeaves& asked);
    void refuse(net::PeerId peer, const Hash256& name, std::uint64_t first, Lack lack);
    std::string group_of(net::PeerId peer) const {
        return options_.group_of ? options_.group_of(peer) : "";
    }
    /// Refuses the latest question of the part of the network that has most of them waiting, if
    /// that is more than `group` has: a crowd in one part keeps nobody else out.
    bool make_room(const std::string& group);
    void serve_next();
    /// Whose turn it is: of the group that was given least lately, the peer that was.
    net::PeerId next_peer() const;
    void refill();
    void send_run(net::PeerId peer, const AskLeaves& asked, Result<LeafRun> run);

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    GiverOptions options_;
    std::deque<SourcePtr> sources_;
    std::function<void(NewestAnswer)> newest_;
    std::size_t asking_newest_ = 0;

    struct Waiting {
        std::string group;
        std::deque<AskLeaves> questions;
        std::uint64_t given = 0;  // bytes, while questions wait
    };
    std::map<net::PeerId, Waiting> waiting_;
    std::map<std::string, std::uint64_t> group_given_;  // of groups with questions that wait
    std::size_t waiting_count_ = 0;
    std::uint64_t bytes_given_ = 0;
    std::int64_t credit_ = 0;  // bytes that may be given now
    std::uint64_t refilled_us_ = 0;
    bool reading_ = false, timed_ = false;
    Alive alive_;
};

}  // namespace cairn::fetch
