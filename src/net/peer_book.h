// The addresses that a node knows: whom to dial next (with growing pauses after failures) and
// what to tell others. Strangers fill it, so it is built to be filled by strangers:
//   * What peers told is bounded for each host, each netgroup (net/address.h) and each netgroup of
//     tellers, so one machine with many ports, or one peer with many names, takes a small part.
//   * An address that we dialled with success ("worked") never makes room for hearsay. Being told,
//     or having dialled us, does not make it one.
//   * What is due is drawn netgroup by netgroup, so many addresses in one netgroup are dialled no
//     more often than one.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace cairn::net {

inline constexpr std::size_t kMaxKnownAddresses = 1024;
/// Of those, how many may have worked: the rest is for what is new.
inline constexpr std::size_t kMaxWorked = 512;
/// Addresses told by peers: of one host, of one netgroup, and (those that have not worked) told
/// from one netgroup.
inline constexpr std::size_t kMaxToldPerHost = 8;
inline constexpr std::size_t kMaxToldPerGroup = 64;
inline constexpr std::size_t kMaxToldByGroup = 128;
/// Addresses that forget() keeps out.
inline constexpr std::size_t kMaxForgotten = 256;
/// Addresses in one gossip message.
inline constexpr std::size_t kMaxGossipAddresses = 64;

enum class AddressSource : std::uint8_t {
    kGossip = 0,  ///< told by a peer
    kUser = 1,    ///< named by the user; never makes room for others
};

class PeerBook {
  public:
    /// `random` spreads retries and samples; it must outlive the book.
    explicit PeerBook(Random& random) : random_(&random) {}

    /// Notes an address; `teller` is the address of the peer that told it. False if it is
    /// malformed, has port 0 or was forgotten, or there is no room.
    bool add(const std::string& address, AddressSource source, const std::string& teller = "");
    /// Notes an address that worked before this start. An anchor was a peer of ours until then, and
    /// is dialled before others: whoever makes us restart does not choose our next peers.
    void restore(const std::string& address, bool anchor);
    /// We dial it now: not due again until the result is known or a minute has passed.
    void on_attempt(const std::string& address, std::uint64_t now_ms);
    /// We dialled it and it answered. Not for those who dialled us: what they say of their own
    /// address is only gossip.
    void on_connected(const std::string& address, std::uint64_t now_ms);
    /// The connection ended, well or badly: it may be dialled again after a short pause.
    void on_disconnected(const std::string& address, std::uint64_t now_ms);
    /// Dialling failed: the pause doubles, up to ten minutes (one for addresses from the user).
    void on_failed(const std::string& address, std::uint64_t now_ms);
    /// Never dial, take or pass on this one again (it is ourselves, or another network). The last
    /// kMaxForgotten of these are remembered, until the program ends.
    void forget(const std::string& address);

    /// Up to `max` addresses that may be dialled at `now_ms`: the user's first, then anchors, those
    /// that worked before, and others; in random order within each, but an address of a netgroup
    /// that is linked with or came before only after all others of its kind.
    std::vector<std::string> due(std::uint64_t now_ms, std::size_t max) const;
    /// Up to `max` addresses that worked, at random: what we tell a peer who asks.
    std::vector<std::string> sample(std::size_t max) const;
    std::size_t size() const { return entries_.size(); }

    /// For keeping it over a restart. Pauses and what was forgotten are not kept.
    Bytes encode() const;
    /// kInvalid, with the book unchanged, for anything but what encode() gives.
    Status decode(ByteView bytes);

  private:
    struct Entry {
        AddressSource source = AddressSource::kGossip;
        bool connected = false;
        bool worked = false;  ///< was connected at least once
        std::uint32_t failures = 0;
        std::uint64_t not_before_ms = 0;
        bool anchor = false;
        std::string host{};
        std::string group{};      ///< netgroup of the host
        std::string told_from{};  ///< netgroup of who told it; empty: nobody did
    };
    static Entry entry_of(const std::string& address, AddressSource source);
    Entry* find(const std::string& address);
    bool find_room(const Entry& newcomer);
    template <typename Counted>
    bool drop_failed(Counted counted);
    bool make_room(const Entry& newcomer);
    void bound_worked();
    std::uint64_t jittered(std::uint64_t pause_ms) const;

    Random* random_;
    std::map<std::string, Entry> entries_;
    std::deque<std::string> forgotten_;
};

/// The body of an address gossip message: at most kMaxGossipAddresses well-formed addresses.
Bytes encode_addresses(const std::vector<std::string>& addresses);
Result<std::vector<std::string>> decode_addresses(ByteView body);

}  // namespace cairn::net
