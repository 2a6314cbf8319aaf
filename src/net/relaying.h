// All that a network does about circuits (S34 to S37): it passes them on for others (net/relay.h),
// opens and takes them (net/circuits.h), and keeps links with the relays through which it is to be
// reached. TlsNetwork owns one and tells it what happens on the links. The loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/circuits.h"

namespace cairn::net {

/// Relays that pass links on to us, at most; and circuits that wait for the link with their relay.
inline constexpr std::size_t kMaxThrough = 8;
inline constexpr std::size_t kMaxWaitingCircuits = 64;

class Relaying {
  public:
    struct Owner {
        SendToPeer send;
        /// The link with a key, or that was dialled at an address, that is up; 0: none.
        std::function<PeerId(const crypto::PublicKey&)> peer_of;
        std::function<PeerId(const std::string&)> linked_at;
        /// The part of the network (net/address.h) that a peer is in.
        std::function<std::string(PeerId)> group_of;
        std::function<void(const std::string&)> connect;
        /// As in Circuits::Owner.
        std::function<void(const std::string& address, int socket)> opened;
        std::function<void(const std::string& address, const std::string& reason)> failed;
        std::function<void(PeerId relay, int socket)> incoming;
        /// What a relay answered to our offer, and false when its link ends after a yes.
        std::function<void(const std::string& relay, bool passes_on)> answered;
    };
    Relaying(boost::asio::io_context& io, Loop& loop, RelayOptions options,
             std::vector<std::string> through, Owner owner);

    /// Dials the relays through which we are to be reached, and again whenever a link is lost.
    void start();
    /// Opens a circuit to a relayed address, once there is a link with its relay.
    void connect(const std::string& address);

    /// A link is up; `dialled` is the address at which we dialled it, else empty.
    void on_up(PeerId peer, const std::string& dialled);
    void on_down(PeerId peer);
    /// Dialling an address came to nothing.
    void on_failed(const std::string& address, const std::string& reason);
    /// An error if the message is none that an honest peer sends.
    Status on_message(PeerId peer, const crypto::PublicKey& key, RelayKind kind, ByteView body);

    const Relay& relay() const { return relay_; }

  private:
    struct Offered {
        std::string address;
        std::optional<bool> passes_on{};  // as it answered
    };
    bool is_through(const std::string& address) const;
    void dial_again(const std::string& address);

    Loop& loop_;
    std::vector<std::string> through_;
    Owner owner_;
    Relay relay_;
    Circuits circuits_;
    std::map<PeerId, Offered> offered_;  // relays that are to pass links on to us
    std::map<std::string, std::set<std::string>> waiting_;  // relayed addresses, by their relay
    std::map<std::string, int> failures_;                   // in a row, of `through_`
    Alive alive_;
};

}  // namespace cairn::net
