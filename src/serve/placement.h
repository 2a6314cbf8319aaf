// Which layers a server should hold: pure functions over what is announced. A server that carries
// R layer-rows a second and holds n layers can take R / n tokens a second through each of them, so
// a layer's *throughput* is the sum of that over its holders, and a model's is that of its weakest
// layer. Newcomers go where it is weakest, and servers move when much would be won by it: Petals'
// rule (Borzunov et al. 2023, section 3.2), here with the number of layers to be chosen, too.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "serve/announce.h"

namespace cairn::serve {

/// How many of `layers` each of some machines in a row should hold, so that the slowest stretch is
/// as fast as can be: proportional to their speeds up to whole layers. Speeds of 3 and 1 over 8
/// layers give 6 and 2. `most` limits each (empty: none is limited); what does not fit stays
/// unassigned. A machine may get none.
std::vector<std::uint32_t> divide_layers(std::span<const double> speeds, std::uint32_t layers,
                                         std::span<const std::uint32_t> most = {});

/// A server that is in its place.
struct Placed {
    crypto::PublicKey key;
    model::LayerRange layers;
    double rows_per_s = 0;  ///< layer-rows a second

    double tokens_per_s() const { return rows_per_s / layers.size(); }
};

/// Of the announcements of this model and of this program's versions. One that does not say how
/// fast it is counts as the slowest that does, or where none does as `otherwise`, above 0.
std::vector<Placed> placed_of(std::span<const Announce> offers, const Hash256& model,
                              double otherwise = 1);

/// Tokens a second through each of `layers`.
std::vector<double> throughput(std::span<const Placed> servers, std::uint32_t layers);
/// Of the weakest layer.
double weakest(std::span<const Placed> servers, std::uint32_t layers);
/// What weakest() could be at most, if speeds could be divided at will: their sum over `layers`.
double best_possible(std::span<const Placed> servers, std::uint32_t layers);

/// The layers for a newcomer of this speed that holds `most` at most (at least 1): those that raise
/// the weakest layer most, then leave the fewest that weak, then help the weaker ones more.
model::LayerRange choose_layers(std::span<const Placed> others, std::uint32_t layers,
                                double rows_per_s, std::uint32_t most);

/// A server moves only if the throughput before is below this part of what it would become.
inline constexpr double kMoveBelow = 0.75;

struct MoveAdvice {
    bool move = false;
    model::LayerRange to{};  ///< where it would go; where it is, if there is nothing better
    double now = 0;          ///< weakest(), tokens a second
    double then = 0;         ///< when all others have followed
    std::string why{};       ///< a sentence
};
/// Whether the server with this key, one of `servers`, should hold other layers. Others are taken
/// to go on following the rule, each with as many layers as it has now. Never leaves layers that
/// have a server without one.
MoveAdvice advise_move(std::span<const Placed> servers, std::uint32_t layers,
                       const crypto::PublicKey& own, std::uint32_t most);

/// Admission by a measured benchmark (papers B: 3.1): kRefused with the figures where a machine
/// takes fewer tokens a second through the layers that it would hold than `least`.
Status admit(double rows_per_s, std::uint32_t layers, double least_tokens_per_s);

}  // namespace cairn::serve
