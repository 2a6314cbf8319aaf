#include "serve/placement.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "base/check.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

/// Rounds in which the others may follow a move; they come to rest much sooner.
constexpr int kMaxRounds = 20;
/// A gain below this part is none: sums of the same speeds in another order differ so much.
constexpr double kRounding = 1e-9;

/// How good a distribution is; larger is better.
struct Goodness {
    double weakest = 0;
    double not_so_weak = 0;  // layers that are better than the weakest
    double spread = 0;       // concave, so that help counts more where there is little

    bool beats(const Goodness& other) const {
        if (std::abs(weakest - other.weakest) > kRounding * std::max(weakest, other.weakest))
            return weakest > other.weakest;
        if (not_so_weak != other.not_so_weak) return not_so_weak > other.not_so_weak;
        return spread > other.spread * (1 + kRounding);
    }
};

/// Of `through` with `more` added to each of `range`.
Goodness goodness(std::span<const double> through, model::LayerRange range, double more) {
    Goodness good{.weakest = through[0] + (range.contains(0) ? more : 0)};
    double equal = 0;
    for (std::uint32_t i = 0; i < through.size(); ++i) {
        const double here = through[i] + (range.contains(i) ? more : 0);
        good.spread += std::sqrt(here);
        if (here < good.weakest * (1 - kRounding)) {
            good.weakest = here;
            equal = 0;
        }
        equal += here <= good.weakest * (1 + kRounding);
    }
    good.not_so_weak = static_cast<double>(through.size()) - equal;
    return good;
}

/// The best stretch of `fewest` to `most` layers; the first of equals, longer ones before shorter.
model::LayerRange best_stretch(std::span<const double> through, double rows_per_s,
                               std::uint32_t fewest, std::uint32_t most) {
    const auto layers = static_cast<std::uint32_t>(through.size());
    model::LayerRange best{0, most};
    Goodness best_good = goodness(through, best, rows_per_s / most);
    for (std::uint32_t size = most; size >= fewest; --size) {
        for (std::uint32_t begin = 0; begin + size <= layers; ++begin) {
            const model::LayerRange range{begin, begin + size};
            const Goodness good = goodness(through, range, rows_per_s / size);
            if (!good.beats(best_good)) continue;
            best = range;
            best_good = good;
        }
    }
    return best;
}

void add(std::vector<double>& through, const Placed& server, double sign) {
    for (std::uint32_t i = server.layers.begin; i < server.layers.end; ++i)
        through[i] = std::max(0.0, through[i] + sign * server.tokens_per_s());
}

std::vector<Placed> without(std::span<const Placed> servers, std::size_t index) {
    std::vector<Placed> rest(servers.begin(), servers.end());
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(index));
    return rest;
}

}  // namespace

std::vector<std::uint32_t> divide_layers(std::span<const double> speeds, std::uint32_t layers,
                                         std::span<const std::uint32_t> most) {
    CHECK(most.empty() || most.size() == speeds.size());
    std::vector<std::uint32_t> shares(speeds.size(), 0);
    // Each layer to whoever is done with it first: then no other division has an earlier end.
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        std::size_t next = speeds.size();
        double soonest = 0;
        for (std::size_t i = 0; i < speeds.size(); ++i) {
            if (speeds[i] <= 0 || (!most.empty() && shares[i] >= most[i])) continue;
            const double end = (shares[i] + 1) / speeds[i];
            if (next < speeds.size() && end >= soonest) continue;
            next = i;
            soonest = end;
        }
        if (next == speeds.size()) break;
        ++shares[next];
    }
    return shares;
}

std::vector<Placed> placed_of(std::span<const Announce> offers, const Hash256& model,
                              double otherwise) {
    CHECK(otherwise > 0);
    std::uint32_t slowest = 0;
    std::vector<Placed> placed;
    for (const Announce& offer : offers) {
        if (offer.model != model || offer.numerics != kNumericsVersion ||
            offer.serve_version != kServeVersion)
            continue;
        placed.push_back({offer.key, offer.layers, static_cast<double>(offer.rows_per_s)});
        if (offer.rows_per_s > 0)
            slowest = slowest == 0 ? offer.rows_per_s : std::min(slowest, offer.rows_per_s);
    }
    for (Placed& server : placed)
        if (server.rows_per_s <= 0) server.rows_per_s = slowest > 0 ? slowest : otherwise;
    return placed;
}

std::vector<double> throughput(std::span<const Placed> servers, std::uint32_t layers) {
    std::vector<double> through(layers, 0);
    for (const Placed& server : servers)
        for (std::uint32_t i = server.layers.begin; i < std::min(server.layers.end, layers); ++i)
            through[i] += server.tokens_per_s();
    return through;
}

double weakest(std::span<const Placed> servers, std::uint32_t layers) {
    const std::vector<double> through = throughput(servers, layers);
    return through.empty() ? 0 : *std::ranges::min_element(through);
}

double best_possible(std::span<const Placed> servers, std::uint32_t layers) {
    double sum = 0;
    for (const Placed& server : servers) sum += server.rows_per_s;
    return sum / layers;
}

model::LayerRange choose_layers(std::span<const Placed> others, std::uint32_t layers,
                                double rows_per_s, std::uint32_t most) {
    CHECK(layers > 0 && most > 0);
    return best_stretch(throughput(others, layers), std::max(rows_per_s, 1.0), 1,
                        std::min(most, layers));
}

MoveAdvice advise_move(std::span<const Placed> servers, std::uint32_t layers,
                       const crypto::PublicKey& own, std::uint32_t most) {
    const auto self = std::ranges::find(servers, own, &Placed::key);
    CHECK(self != servers.end());
    const auto index = static_cast<std::size_t>(self - servers.begin());
    MoveAdvice advice{.to = self->layers, .now = weakest(servers, layers)};
    advice.then = advice.now;
    const std::vector<Placed> others = without(servers, index);
    if (advice.now > 0 && weakest(others, layers) <= 0) {
        advice.why = "some of its layers have no other server";
        return advice;
    }
    std::vector<Placed> all(servers.begin(), servers.end());
    all[index].layers = choose_layers(others, layers, self->rows_per_s, most);
    if (all[index].layers == self->layers) {
        advice.why = "its layers are those that need it most";
        return advice;
    }
    advice.to = all[index].layers;
    std::vector<double> through = throughput(all, layers);
    bool moved = true;
    for (int round = 0; moved && round < kMaxRounds; ++round) {
        moved = false;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i == index) continue;
            const std::uint32_t size = all[i].layers.size();
            add(through, all[i], -1);
            const Goodness stays = goodness(through, all[i].layers, all[i].tokens_per_s());
            const model::LayerRange to = best_stretch(through, all[i].rows_per_s, size, size);
            if (goodness(through, to, all[i].tokens_per_s()).beats(stays)) {
                all[i].layers = to;
                moved = true;
            }
            add(through, all[i], 1);
        }
    }
    advice.then = weakest(all, layers);
    advice.move = advice.then > 0 && advice.now < kMoveBelow * advice.then;
    advice.why = fmt::format(
        "{:.3g} tokens a second through the weakest layer, {:.3g} after moving "
        "to {}",
        advice.now, advice.then, describe(advice.to));
    return advice;
}

Status admit(double rows_per_s, std::uint32_t layers, double least_tokens_per_s) {
    CHECK(layers > 0);
    const double tokens_per_s = rows_per_s / layers;
    if (tokens_per_s >= least_tokens_per_s) return ok_status();
    return Error{ErrorCode::kRefused,
                 fmt::format("this machine carries {:.3g} layer-rows a second, so {:.3g} tokens a "
                             "second through {} layers, and at least {:.3g} are wanted: serve "
                             "{:.0f} layers at most, or use more threads",
                             rows_per_s, tokens_per_s, layers, least_tokens_per_s,
                             std::floor(rows_per_s / least_tokens_per_s))};
}

}  // namespace cairn::serve
