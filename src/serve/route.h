// Choosing a route: which servers together hold every layer of a model, and which of those that do
// are best for this client. Pure functions over announced records and over what the client itself
// knows of their signers, so that a choice can be tested and explained.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "serve/announce.h"
#include "trust/score.h"

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
    std::uint32_t rows_per_s = 0;  ///< layer-rows, as it announces; 0: it does not say

    bool operator==(const Hop&) const = default;
};

enum class Prefer { kFastest, kCheapest };
/// "fastest", "cheapest".
Result<Prefer> parse_prefer(std::string_view name);

/// What a client goes by besides the announcements.
struct RouteChoice {
    Prefer prefer = Prefer::kFastest;
    /// What its own audits say of a server; nothing for one that was never audited, which is then
    /// on probation. Empty: the client knows nothing of anybody, and all are alike.
    std::function<std::optional<trust::Standing>(const crypto::PublicKey&)> standing{};
    /// Measured times to a server and back, microseconds; others are taken to be kUsualTripUs away.
    std::map<crypto::PublicKey, std::uint64_t> trip_us{};
    /// Servers that ask for more (base units per 1000 layer-rows) are left out; nothing: none is.
    std::optional<std::uint64_t> most_price{};
};
inline constexpr std::uint64_t kUsualTripUs = 20'000;

struct ChosenRoute {
    std::vector<Hop> hops;
    std::vector<std::string> why;       ///< a sentence for each hop
    std::vector<std::string> left_out;  ///< and for each server that could not be chosen, with why
    std::uint64_t us_per_token = 0;     ///< expected, as announced
    std::uint64_t price = 0;            ///< base units for 1000 tokens through all hops
};

/// Hops that cover these layers of the model without gap or overlap. Whom the client's audits have
/// deactivated or convicted is never taken. Of all other routes the best one: with the fewest
/// layers on servers on probation, then with the fewest that are full (which may still have a place
/// for us: session_places.h), then as `prefer` says: the least time for a token (trips, and layers
/// by announced speed, longer by the part of its places that is taken), then the lowest price; or
/// the other way round. Of equals with fewer hops, then with longer ones first, then with lower
/// keys. Who does not say how fast he is counts as the slowest that does. kNotFound names the
/// layers that nobody offers; kUnsupported: it would take more than kMaxHops hops.
Result<ChosenRoute> explain_route(std::span<const Announce> offers, const Hash256& model,
                                  model::LayerRange layers, const RouteChoice& choice);
/// Its hops alone.
Result<std::vector<Hop>> choose_route(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers, const RouteChoice& choice = {});

/// Of many servers the addresses of `most` that are worth asking: of the best route, of the best
/// without those, and so on, as far as they hold layers of this model.
std::vector<std::string> worth_asking(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers, const RouteChoice& choice,
                                      std::size_t most);

/// "layers 0-2 at 127.0.0.1:7001, layers 2-5 at 127.0.0.1:7002".
std::string describe(std::span<const Hop> route);
/// "layers 2-5", "layer 4": for people; a-b means a up to but not including b.
std::string describe(model::LayerRange layers);
/// "hop 1 of 2 (127.0.0.1:7001, layers 0-2)"; `index` counts from 0.
std::string describe(const Hop& hop, std::size_t index, std::size_t count);

}  // namespace cairn::serve
