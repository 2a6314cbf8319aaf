// What peers ask us to read from disk: bodies of old blocks, exhibits. It is read on Lane::kRead,
// which others use too (the API, channels), so only a few reads are on it at once; the rest waits
// here, in a room that is bounded over all peers. A part of the network that has more waiting than
// others gives its places to them, and so does a peer within its part; parts are read for in turn,
// and so are the peers of each. What a peer asked goes with its link: however many links somebody
// makes and leaves, his part of the network gets its turn and no more.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string>

#include "base/loop.h"
#include "net/network.h"

namespace cairn::node {

struct PeerReadLimits {
    std::size_t at_once = 2;  ///< on the lane; those of peers that are gone among them
    std::size_t waiting = 256;
    std::size_t per_peer = 32;  ///< of one peer, on the lane or waiting
};

class PeerReads {
  public:
    struct Question {
        net::PeerId peer = 0;
        /// Begins to read, off the loop, and calls `finished` once, on the loop.
        std::function<void(std::function<void()> finished)> read;
        /// It will not be read: no room. Not called when the peer has gone.
        std::function<void()> refuse;
    };

    /// `group_of` says which part of the network a peer is in; without it all are in one.
    explicit PeerReads(std::function<std::string(net::PeerId)> group_of = {},
                       PeerReadLimits limits = {})
        : group_of_(std::move(group_of)), limits_(limits) {}

    /// May read at once, or refuse this question or another one.
    void add(Question question);
    /// The link is gone: what waits of it is forgotten.
    void forget(net::PeerId peer);

    const PeerReadLimits& limits() const { return limits_; }
    std::size_t reading() const { return reading_; }
    std::size_t waiting() const { return waiting_; }
    /// The most that any peer has on the lane or waiting.
    std::size_t most_of_a_peer() const;

  private:
    struct OfPeer {
        net::PeerId peer = 0;
        std::deque<Question> questions;
    };
    struct Group {
        std::string name;
        std::list<OfPeer> peers;  // whose turn is next first; each has something waiting
        std::size_t waiting() const;
    };

    bool make_room(const std::string& group, net::PeerId peer);
    Question take_next();
    void release(net::PeerId peer);
    void run();
    void on_finished(net::PeerId peer);

    std::function<std::string(net::PeerId)> group_of_;
    PeerReadLimits limits_;
    std::list<Group> groups_;                     // whose turn is next first; none is empty
    std::map<net::PeerId, std::size_t> of_peer_;  // on the lane or waiting; of peers that are there
    std::size_t waiting_ = 0;
    std::size_t reading_ = 0;
    bool running_ = false;
    Alive alive_;
};

}  // namespace cairn::node
