// A network in memory, where a seed decides what happens: many nodes, each with its own
// net::Network, joined by links that delay messages, break, and are cut by partitions. As over TCP,
// a link delivers in order; loss shows as a broken link, never as a gap.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "net/network.h"
#include "sim/sim_loop.h"

namespace cairn::sim {

struct LinkOptions {
    std::uint64_t min_delay_us = 5'000;
    std::uint64_t max_delay_us = 50'000;
    /// Of a million messages, how many break their link instead of arriving.
    std::uint32_t break_per_million = 0;
    /// How long an end takes to notice that the other is gone or cut off.
    std::uint64_t notice_us = 2'000'000;
    std::uint64_t bytes_per_s = 0;  ///< of one direction of a link; 0: no limit
};

class SimNetwork;

/// The wire under all nodes of a world. Outlives every SimNetwork.
class Fabric {
  public:
    Fabric(Scheduler& scheduler, std::uint64_t seed, LinkOptions options)
        : scheduler_(scheduler), random_(seed), options_(options) {}

    /// Nodes of different groups cannot reach each other; links between them break once noticed.
    /// Addresses that are not named stay in group 0.
    void partition(const std::map<std::string, int>& groups);
    void heal() { groups_.clear(); }
    void set_options(const LinkOptions& options) { options_ = options; }

    std::uint64_t messages() const { return messages_; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t broken_links() const { return broken_links_; }

  private:
    friend class SimNetwork;

    struct End {
        SimNetwork* network =
            nullptr;  // null once its node is gone, or has heard that the link broke
        net::PeerId id = 0;
        std::uint64_t free_us = 0;  // when all that it has sent so far will have arrived
        std::size_t queued = 0;     // bytes under way from this end
    };
    struct Link {
        End ends[2];
        bool broken = false;
    };

    bool reachable(const std::string& a, const std::string& b) const;
    std::uint64_t draw_delay_us();
    void open(SimNetwork& from, const std::string& to);
    bool joined(const SimNetwork& a, const SimNetwork& b) const;
    void join(SimNetwork& caller, SimNetwork& called);
    bool carry(std::uint64_t link_id, int from, std::uint16_t kind, ByteView body);
    void deliver(std::uint64_t link_id, int to, std::uint16_t kind, Bytes body);
    /// Both ends will hear of it, the end `quick` (if 0 or 1) at once.
    void break_link(std::uint64_t link_id, int quick, const std::string& reason);
    void tell_down(std::uint64_t link_id, int end, const std::string& reason);
    void gone(SimNetwork& network);

    Scheduler& scheduler_;
    SeededRandom random_;
    LinkOptions options_;
    std::map<std::string, SimNetwork*> nodes_;
    std::map<std::uint64_t, Link> links_;
    std::uint64_t next_link_ = 1;
    std::map<std::string, int> groups_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t broken_links_ = 0;
};

/// One node's end of the fabric. When it is destroyed, its peers notice.
class SimNetwork final : public net::Network {
  public:
    /// Bytes under way to one peer before send() says no.
    static constexpr std::size_t kMaxQueuedBytes = std::size_t{64} << 20;

    SimNetwork(Fabric& fabric, SimLoop& loop, std::string address, crypto::PublicKey key);
    ~SimNetwork() override;
    SimNetwork(const SimNetwork&) = delete;
    SimNetwork& operator=(const SimNetwork&) = delete;

    void set_handler(net::NetworkHandler* handler) override { handler_ = handler; }
    void connect(const std::string& address) override;
    bool send(net::PeerId peer, std::uint16_t kind, ByteView body) override;
    bool has_room(net::PeerId peer, std::size_t body_bytes) const override;
    void disconnect(net::PeerId peer) override;
    std::string listen_address() const override { return address_; }
    /// Called with an address that was dialled in vain.
    void set_dial_failed(std::function<void(const std::string&)> told) {
        dial_failed_ = std::move(told);
    }

  private:
    friend class Fabric;

    struct Peer {
        std::uint64_t link = 0;
        int end = 0;
    };

    Fabric& fabric_;
    SimLoop& loop_;
    std::string address_;
    crypto::PublicKey key_;
    net::NetworkHandler* handler_ = nullptr;
    std::function<void(const std::string&)> dial_failed_;
    net::PeerId next_peer_ = 1;
    std::map<net::PeerId, Peer> peers_;
};

}  // namespace cairn::sim
