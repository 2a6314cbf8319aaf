// A hostile peer in a simulated network.
#pragma once

#include <string>
#include <vector>

#include "sim/hostile_peer.h"
#include "sim/world.h"

namespace cairn::sim {

class SimHostilePeer {
  public:
    /// Dials the victims from the address 10.66.0.`number`.
    SimHostilePeer(World& world, int number, Malice malice, const std::vector<int>& victims)
        : random_(world.random().u64()),
          key_(crypto::SecretKey::generate(random_)),
          loop_(world.scheduler(), random_.u64()),
          network_(world.fabric(), loop_, "10.66.0." + std::to_string(number) + ":7000",
                   crypto::public_key(key_)),
          peer_({world.network(), world.genesis(), loop_, network_, key_}, random_.u64(), malice,
                addresses(world, victims)) {}

    Malice malice() const { return peer_.malice(); }
    std::string address() const { return network_.listen_address(); }
    std::uint64_t sent() const { return peer_.sent(); }

  private:
    static std::vector<std::string> addresses(World& world, const std::vector<int>& victims) {
        std::vector<std::string> all;
        for (const int victim : victims) all.push_back(world.address(victim));
        return all;
    }

    SeededRandom random_;
    crypto::SecretKey key_;
    SimLoop loop_;
    SimNetwork network_;
    HostilePeer peer_;
};

}  // namespace cairn::sim
