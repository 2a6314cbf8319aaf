// Choosing a route: which servers together hold every layer of a model, in as few hops as
// possible. A pure function over announced records, so that it can be tested and explained.
#pragma once

#include <span>
#include <vector>

#include "serve/announce.h"

namespace cairn::serve {

inline constexpr std::size_t kMaxHops = 32;

/// One server on a route.
struct Hop {
    model::LayerRange layers;
    crypto::PublicKey key;
    std::string address;  ///< "host:port"
    /// Of 1,000 rows through one layer, in the smallest unit of the coin of network `genesis_id`;
    /// 0: free.
    std::uint64_t price = 0;
    Hash256 genesis_id{};

    bool operator==(const Hop&) const = default;
};

/// Hops that cover these layers of the model without gap or overlap, each a different server.
/// Takes at each step one that is not full before one that is (which may still have a place for us:
/// session_places.h), then the server that reaches farthest, then the less loaded one, then the
/// lower key. kNotFound names the layers that nobody offers; kUnsupported: it would take more than
/// kMaxHops hops.
Result<std::vector<Hop>> choose_route(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers);

/// "layers 0-2 at 127.0.0.1:7001, layers 2-5 at 127.0.0.1:7002".
std::string describe(std::span<const Hop> route);
/// "layers 2-5", "layer 4": for people; a-b means a up to but not including b.
std::string describe(model::LayerRange layers);
/// "hop 1 of 2 (127.0.0.1:7001, layers 0-2)"; `index` counts from 0.
std::string describe(const Hop& hop, std::size_t index, std::size_t count);

}  // namespace cairn::serve
