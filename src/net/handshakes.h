// How many strangers' connections are taken in a second. A TLS handshake and a hello cost this
// machine's loop about as much as the stranger, so somebody who does nothing else would keep it
// from everything else. Each part of the network (net/address.h) has a bound of its own. Where all
// together reach theirs, one that has had none in this second is still taken, up to twice as many,
// so a flood from a few parts keeps nobody else out.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace cairn::net {

class Handshakes {
  public:
    /// In a second: of one group, and of all.
    Handshakes(std::size_t per_group, std::size_t all) : per_group_(per_group), all_(all) {}

    /// Whether a connection from `group` is taken; it counts then.
    bool take(const std::string& group);
    void on_second() {
        groups_.clear();
        taken_ = 0;
    }
    std::size_t taken() const { return taken_; }

  private:
    std::size_t per_group_;
    std::size_t all_;
    std::map<std::string, std::size_t> groups_;  // in this second; none is 0
    std::size_t taken_ = 0;
};

}  // namespace cairn::net
