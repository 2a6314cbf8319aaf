// The two ends of circuits (S34 to S37): what runs through one comes out of a socket here, so that
// a link over a relay is an ordinary link (net/link.h) over that socket. The loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/loop.h"
#include "net/relay.h"

namespace boost::asio {
class io_context;
}

namespace cairn::net {

/// Circuits that end here, at most: those that we opened, and those that a relay brought.
inline constexpr std::size_t kMaxCircuitEnds = 64;
/// Of these one relay brings no more: another that we offered ourselves to, and whom we dial over
/// one, find places too.
inline constexpr std::size_t kMaxBroughtByRelay = 24;

class Circuits {
  public:
    struct Owner {
        SendToPeer send;
        /// The circuit to `address` is there; `socket` carries its bytes.
        std::function<void(const std::string& address, int socket)> opened;
        std::function<void(const std::string& address, const std::string& reason)> failed;
        /// A relay brought a circuit, whose other end is yet to say who it is.
        std::function<void(PeerId relay, int socket)> incoming;
    };
    Circuits(boost::asio::io_context& io, Loop& loop, Owner owner);
    ~Circuits();

    /// Asks the relay for a circuit to the key of `address`, which is one of its.
    void open(PeerId relay, const RelayedAddress& address);
    /// Whether a circuit to the address is being opened.
    bool is_opening(const std::string& address) const;

    void on_peer_down(PeerId relay);
    /// `wanted`: whether we offered to take circuits of this relay.
    void on_incoming(PeerId relay, const CircuitKey& message, bool wanted);
    void on_accepted(PeerId relay, const CircuitId& id);
    void on_data(PeerId relay, CircuitData message);
    void on_taken(PeerId relay, const CircuitTaken& message);
    void on_closed(PeerId relay, const CircuitClosed& message);

  private:
    class Stream;
    struct Name {
        PeerId relay = 0;
        CircuitId id;  // as the relay says it

        auto operator<=>(const Name&) const = default;
    };
    struct End {
        std::string address;  // that we opened; empty once it is open, or if a relay brought it
        TimerId timer = 0;    // while it is being opened
        std::shared_ptr<Stream> stream;
    };

    /// Makes the sockets' pair; the one that is for the link, or -1.
    int start_stream(const Name& name, End& end);
    /// `tell`: the relay, which does not know yet.
    void close(const Name& name, const std::string& reason, bool tell = true);

    boost::asio::io_context& io_;
    Loop& loop_;
    Owner owner_;
    std::map<Name, End> ends_;
    std::uint32_t next_ = 1;
    Alive alive_;
};

}  // namespace cairn::net
