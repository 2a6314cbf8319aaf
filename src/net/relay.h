// Passes circuits on between two peers that are both linked with this node and cannot reach each
// other (S34 to S37). It never dials: a circuit is asked for by a key, and goes to the peer with
// that key that offered to take some, or to nobody. So it cannot be used as an open proxy. What
// runs through is a link of its own that only its two ends can read; what a relay can do is to
// stall and to cut.
//
// Bounded: circuits in all and of each opener, openings and bytes a second, and bytes under way in
// each direction of each. Keys are free, so places and the rate are divided between the parts of
// the network (net/address.h) that openers come from. The loop's thread only.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/loop.h"
#include "net/network.h"
#include "net/relay_messages.h"

namespace cairn::net {

struct RelayOptions {
    std::size_t max_circuits = 0;  ///< 0: passes nothing on
    std::size_t max_per_opener = 4;
    std::uint64_t bytes_per_s = 1 << 20;
    /// Openings that reach a target, of each part of the network: each costs the target a TLS link.
    std::size_t opens_per_s = 16;
    std::uint64_t open_ms = 10'000;  ///< for the target to accept
    std::uint64_t idle_ms = 90'000;  ///< the links inside ping each other after 20 s of silence
};

/// How circuits' messages leave: false if the peer is gone or its queue is full.
using SendToPeer = std::function<bool(PeerId, RelayKind, ByteView)>;

class Relay {
  public:
    /// `peer_of` finds the link with a key that is up; 0: none. `group_of` says which part of the
    /// network a peer is in.
    Relay(Loop& loop, RelayOptions options, SendToPeer send,
          std::function<PeerId(const crypto::PublicKey&)> peer_of,
          std::function<std::string(PeerId)> group_of);

    void on_peer_down(PeerId peer);
    void on_offer(PeerId peer);
    void on_open(PeerId peer, const crypto::PublicKey& opener, const CircuitKey& message);
    /// These say whether the circuit is one that this passes on.
    bool on_accepted(PeerId peer, const CircuitId& id);
    bool on_data(PeerId peer, CircuitData& message);  ///< takes its bytes, if so
    bool on_taken(PeerId peer, const CircuitTaken& message);
    bool on_closed(PeerId peer, const CircuitClosed& message);

    std::size_t circuits() const { return circuits_.size(); }
    /// Bytes of all circuits that wait here for the rate.
    std::size_t held_bytes() const;

  private:
    /// One end of a circuit, as its peer names it to us.
    struct End {
        PeerId peer = 0;
        CircuitId id;

        auto operator<=>(const End&) const = default;
    };
    /// What flows towards one end.
    struct Way {
        std::deque<Bytes>
            held;  // small pieces are joined, so that they cost no more than large ones
        std::size_t held_bytes = 0;
        std::size_t under_way = 0;  ///< sent on, and not said to be taken
        std::uint32_t taken = 0;    ///< said to be taken, and not passed on yet
    };
    struct Circuit {
        std::array<End, 2> ends;  // the opener's, the target's
        std::array<Way, 2> ways;  // towards the end of the same index
        std::string group;        // of the opener
        bool accepted = false;
        std::uint64_t idle_ms = 0;
        std::uint64_t turn = 0;  // larger: something was sent on later
    };
    // A node may begin circuits of its own beside those that it passes on, on the same link.
    static constexpr std::uint32_t kFirstNumber = 0x8000'0000;

    struct Side {
        std::uint32_t circuit = 0;
        std::size_t end = 0;
    };

    Side* find(PeerId peer, const CircuitId& id);
    void refuse(PeerId opener, std::uint32_t number, const std::string& reason);
    /// Tells both ends, but for the one that `knows`.
    void close(std::uint32_t circuit, const std::string& reason,
               std::optional<std::size_t> knows = std::nullopt);
    bool send(const End& to, RelayKind kind, ByteView body);
    bool may_open(const std::string& group) const;
    /// Whether there is a place for one more opener from `group`, once another has yielded if need
    /// be.
    bool find_place(const std::string& group);
    void tell_taken(Circuit& circuit, std::size_t end);
    /// The circuit from which something is sent on next; 0: nothing is held.
    std::uint32_t next_turn() const;
    bool send_piece(Circuit& circuit, std::size_t end);
    void drain();
    void tick();
    void on_tick();

    Loop& loop_;
    RelayOptions options_;
    SendToPeer send_;
    std::function<PeerId(const crypto::PublicKey&)> peer_of_;
    std::function<std::string(PeerId)> group_of_;
    std::set<PeerId> offered_;
    std::map<std::uint32_t, Circuit> circuits_;  // by the number that we gave it at its target
    std::map<End, Side> sides_;
    std::uint32_t next_ = kFirstNumber;
    std::uint64_t turns_ = 0;
    std::map<std::string, std::size_t> opened_;  // of each group, in this second
    std::uint64_t second_ms_ = 0;
    std::int64_t allowance_ = 0;  // bytes that may be sent before the next tick
    TimerId timer_ = 0;
    Alive alive_;
};

}  // namespace cairn::net
