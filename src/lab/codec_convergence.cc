#include "lab/codec_convergence.h"

#include <cmath>
#include <vector>

#include "base/check.h"
#include "codec/codec.h"

namespace cairn::lab {

namespace {

using Vector = std::vector<double>;
using papers::Participation;

constexpr std::size_t kDim = codec::kTile;
/// Of a number in a payload: as fine as the codec's range allows for updates of this size.
constexpr double kUnit = 1.0 / (1 << 18);

/// K steps of one user, as the others get them: through a payload with a seed of its own.
Result<Vector> sent_update(const papers::QuadraticUsers& users, std::size_t user,
                           const papers::FederatedRun& run, const chain::CodecSpec& codec,
                           const Vector& start, Random& random) {
    Vector x = start;
    for (std::size_t k = 0; k < run.local_steps; ++k)
        for (std::size_t i = 0; i < kDim; ++i)
            x[i] -= run.eta * users.curvature[user][i] * (x[i] - users.minimum[user][i]);
    std::vector<std::int32_t> delta(kDim);
    for (std::size_t i = 0; i < kDim; ++i)
        delta[i] = static_cast<std::int32_t>(std::lround((x[i] - start[i]) / kUnit));
    const Hash256 seed = random.hash256();
    ASSIGN_OR_RETURN(const auto back,
                     codec::decode(codec, codec::encode(codec, delta, seed), seed, kDim));
    for (std::size_t i = 0; i < kDim; ++i) x[i] = back[i] * kUnit;
    return x;
}

}  // namespace

Result<double> gap_by_codec(const papers::QuadraticUsers& users, const papers::Landscape& land,
                            const papers::FederatedRun& run, const chain::CodecSpec& codec,
                            Random& random) {
    CHECK(users.dim == kDim);
    Vector x(kDim);
    for (std::size_t t = 0; t < run.rounds; ++t) {
        Vector change(kDim);
        const bool full = run.participation == Participation::kFull;
        const std::size_t winner = random.below(users.curvature.size());
        for (std::size_t user = 0; user < users.curvature.size(); ++user) {
            if (!full && user != winner) continue;
            ASSIGN_OR_RETURN(const Vector sent, sent_update(users, user, run, codec, x, random));
            for (std::size_t i = 0; i < kDim; ++i)
                change[i] += sent[i] / static_cast<double>(full ? users.curvature.size() : 1);
        }
        for (std::size_t i = 0; i < kDim; ++i) x[i] += change[i];
    }
    return papers::gap(users, land, x);
}

}  // namespace cairn::lab
