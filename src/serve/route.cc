#include "serve/route.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "chain/payment.h"

namespace cairn::serve {

namespace {

/// Of who says no speed, where nobody does: it decides nothing then but by the load.
constexpr std::uint32_t kUnknownRowsPerS = 1000;

bool is_usable(const Announce& offer, const Hash256& model) {
    return offer.model == model && offer.numerics == kNumericsVersion &&
           offer.serve_version == kServeVersion;
}

/// An offer that may be taken, with what its layers cost.
struct Candidate {
    const Announce* offer = nullptr;
    std::uint32_t rows_per_s = 0;
    std::uint64_t trip_us = 0;
    bool probation = false;
    bool full = false;
    std::string standing{};  // in words; empty where nothing is known of anybody

    std::uint64_t layers_us(std::uint64_t layers) const {
        const std::uint64_t us = layers * 1'000'000 / std::max(rows_per_s, 1U);
        const std::uint64_t places = std::max(offer->capacity, 1U);
        return us + us * std::min<std::uint64_t>(offer->load, places) / places;
    }
};

/// Less is better; what comes first decides.
struct Cost {
    std::uint64_t untrusted_layers = 0;
    std::uint64_t full = 0;
    std::uint64_t first = 0, second = 0;  // time and price, as is preferred
    std::uint64_t hops = 0;

    auto operator<=>(const Cost&) const = default;
    Cost operator+(const Cost& other) const {
        return {untrusted_layers + other.untrusted_layers, full + other.full, first + other.first,
                second + other.second, hops + other.hops};
    }
};

Cost cost_of(const Candidate& candidate, model::LayerRange layers, Prefer prefer) {
    const std::uint64_t us = candidate.trip_us + candidate.layers_us(layers.size());
    const std::uint64_t price = candidate.offer->price * layers.size();
    Cost cost{candidate.probation ? layers.size() : 0, candidate.full ? 1U : 0U, us, price, 1};
    if (prefer == Prefer::kCheapest) std::swap(cost.first, cost.second);
    return cost;
}

std::string name_of(const Announce& offer) {
    return offer.address + " (" + describe(offer.layers) + ", key " + short_hex(offer.key) + ")";
}

/// Why it may not be taken; empty if it may.
std::string objection(const Announce& offer, const RouteChoice& choice,
                      const std::optional<trust::Standing>& standing) {
    using enum trust::ServerStatus;
    if (standing && (standing->status == kDeactivated || standing->status == kConvicted))
        return std::string(trust::status_name(standing->status)) + ": " + standing->why;
    if (choice.most_price && offer.price > *choice.most_price) {
        const std::string asks = chain::amount_text(offer.price);
        if (*choice.most_price == 0)
            return "it asks for " + asks +
                   " coins for 1000 tokens through a layer, and nothing is to be paid from: give "
                   "--pay DIR";
        return "it asks for " + asks + " coins for 1000 tokens through a layer, and " +
               chain::amount_text(*choice.most_price) + " are the most that you would pay";
    }
    return "";
}

std::vector<Candidate> candidates(std::span<const Announce> offers, const Hash256& model,
                                  const RouteChoice& choice, std::vector<std::string>& left_out) {
    std::vector<Candidate> list;
    std::uint32_t slowest = 0;
    for (const Announce& offer : offers) {
        if (!is_usable(offer, model)) continue;
        const auto standing =
            choice.standing ? choice.standing(offer.key) : std::optional<trust::Standing>();
        if (const std::string why = objection(offer, choice, standing); !why.empty()) {
            left_out.push_back(name_of(offer) + " is left out: " + why);
            continue;
        }
        Candidate candidate{.offer = &offer, .rows_per_s = offer.rows_per_s};
        const auto trip = choice.trip_us.find(offer.key);
        candidate.trip_us = trip == choice.trip_us.end() ? kUsualTripUs : trip->second;
        candidate.full = offer.load >= offer.capacity;
        if (choice.standing) {
            candidate.probation = !standing || standing->status != trust::ServerStatus::kActive;
            candidate.standing =
                standing ? std::string(trust::status_name(standing->status)) + ": " + standing->why
                         : "never audited here";
        }
        if (offer.rows_per_s > 0)
            slowest = slowest == 0 ? offer.rows_per_s : std::min(slowest, offer.rows_per_s);
        list.push_back(std::move(candidate));
    }
    for (Candidate& candidate : list)
        if (candidate.rows_per_s == 0)
            candidate.rows_per_s = slowest == 0 ? kUnknownRowsPerS : slowest;
    // The first of equals is taken.
    std::ranges::sort(list, {}, [](const Candidate& candidate) { return candidate.offer->key; });
    return list;
}

/// Of `missing` the first layers that nobody offers.
Error uncovered(std::span<const Announce> offers, const std::vector<Candidate>& usable,
                const Hash256& model, model::LayerRange missing,
                const std::vector<std::string>& left_out) {
    std::uint32_t end = missing.end;
    for (const Candidate& candidate : usable)
        if (candidate.offer->layers.begin > missing.begin)
            end = std::min(end, candidate.offer->layers.begin);
    std::string message = "no server holds " + describe(model::LayerRange{missing.begin, end}) +
                          " of model " + short_hex(model);
    if (usable.empty() && left_out.empty() && !offers.empty())
        message +=
            "; the servers asked hold other models (if yours is a file, start both sides with the "
            "same one)";
    else if (!usable.empty())
        message += "; others hold the rest: start one with --serve " +
                   std::to_string(missing.begin) + "-" + std::to_string(end);
    for (const std::string& sentence : left_out) message += "; " + sentence;
    return not_found(std::move(message));
}

/// What the best route from `begin` to the end of the layers costs, and its first hop.
struct Rest {
    std::optional<Cost> cost;
    std::size_t candidate = 0;
    std::uint32_t end = 0;
};

/// Where hops may begin or end. Costs grow evenly with the layers, so nothing is lost by changing
/// only where some server's layers begin or end.
std::vector<std::uint32_t> borders(const std::vector<Candidate>& list, model::LayerRange layers) {
    std::vector<std::uint32_t> all = {layers.begin, layers.end};
    for (const Candidate& candidate : list)
        for (const std::uint32_t at : {candidate.offer->layers.begin, candidate.offer->layers.end})
            if (at > layers.begin && at < layers.end) all.push_back(at);
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

/// From the last border to the first; `fewest_hops` before all else, if need be.
std::map<std::uint32_t, Rest> best_rests(const std::vector<Candidate>& list,
                                         model::LayerRange layers, Prefer prefer,
                                         bool fewest_hops) {
    const std::vector<std::uint32_t> at = borders(list, layers);
    std::map<std::uint32_t, Rest> rests;
    rests[layers.end].cost = Cost{};
    for (std::size_t i = at.size() - 1; i-- > 0;) {
        Rest& best = rests[at[i]];
        for (std::size_t c = 0; c < list.size(); ++c) {
            if (!list[c].offer->layers.contains(at[i])) continue;
            for (std::size_t j = at.size() - 1; j > i; --j) {
                const Rest& rest = rests[at[j]];
                if (at[j] > list[c].offer->layers.end || !rest.cost) continue;
                const Cost cost = cost_of(list[c], {at[i], at[j]}, prefer) + *rest.cost;
                const auto key = [fewest_hops](const Cost& of, std::uint32_t end) {
                    return std::tuple(fewest_hops ? of.hops : 0, of, -std::int64_t{end});
                };
                if (!best.cost || key(cost, at[j]) < key(*best.cost, best.end))
                    best = {cost, c, at[j]};
            }
        }
    }
    return rests;
}

std::string reason(const Candidate& candidate, model::LayerRange layers, std::size_t rivals) {
    const Announce& offer = *candidate.offer;
    std::string text = describe(layers) + " at " + offer.address + ": ";
    text += rivals == 0 ? "nobody else holds the first of them"
                        : fmt::format("best of {} that hold the first of them", rivals + 1);
    text += fmt::format(
        "; {:.1f} ms a token expected",
        static_cast<double>(candidate.trip_us + candidate.layers_us(layers.size())) / 1000);
    if (offer.rows_per_s > 0)
        text += fmt::format(" ({} layer-rows a second announced)", offer.rows_per_s);
    text += fmt::format(", {} of {} places taken, ", offer.load, offer.capacity);
    text += offer.price == 0
                ? "free"
                : chain::amount_text(offer.price) + " coins for 1000 tokens through a layer";
    if (!candidate.standing.empty()) text += "; " + candidate.standing;
    return text;
}

}  // namespace

Result<Prefer> parse_prefer(std::string_view name) {
    if (name == "fastest") return Prefer::kFastest;
    if (name == "cheapest") return Prefer::kCheapest;
    return invalid("the choice is fastest or cheapest");
}

Result<ChosenRoute> explain_route(std::span<const Announce> offers, const Hash256& model,
                                  model::LayerRange layers, const RouteChoice& choice) {
    ChosenRoute route;
    const std::vector<Candidate> list = candidates(offers, model, choice, route.left_out);
    const auto follow = [&](const std::map<std::uint32_t, Rest>& rests) {
        std::vector<const Rest*> steps;
        for (std::uint32_t at = layers.begin; at < layers.end; at = steps.back()->end)
            steps.push_back(&rests.at(at));
        return steps;
    };
    auto rests = best_rests(list, layers, choice.prefer, false);
    if (!rests[layers.begin].cost) {
        // As far as anybody leads, on any way.
        std::uint32_t reached = layers.begin;
        for (bool further = true; further;) {
            further = false;
            for (const Candidate& candidate : list) {
                if (!candidate.offer->layers.contains(reached)) continue;
                reached = candidate.offer->layers.end;
                further = true;
            }
        }
        return uncovered(offers, list, model, {reached, layers.end}, route.left_out);
    }
    auto steps = follow(rests);
    if (steps.size() > kMaxHops) {
        rests = best_rests(list, layers, choice.prefer, true);
        steps = follow(rests);
    }
    if (steps.size() > kMaxHops)
        return Error{ErrorCode::kUnsupported, "a route of more than 32 hops would be needed"};
    std::uint32_t at = layers.begin;
    for (const Rest* step : steps) {
        const Candidate& candidate = list[step->candidate];
        const model::LayerRange part{at, step->end};
        const auto rivals = std::ranges::count_if(
            list, [at](const Candidate& other) { return other.offer->layers.contains(at); });
        route.hops.push_back({part, candidate.offer->key, candidate.offer->address,
                              candidate.offer->price, candidate.offer->genesis,
                              candidate.offer->rows_per_s});
        route.why.push_back(reason(candidate, part, static_cast<std::size_t>(rivals) - 1));
        route.us_per_token += candidate.trip_us + candidate.layers_us(part.size());
        route.price += candidate.offer->price * part.size();
        at = step->end;
    }
    return route;
}

Result<std::vector<Hop>> choose_route(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers, const RouteChoice& choice) {
    ASSIGN_OR_RETURN(ChosenRoute route, explain_route(offers, model, layers, choice));
    return std::move(route.hops);
}

std::vector<std::string> worth_asking(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers, const RouteChoice& choice,
                                      std::size_t most) {
    std::vector<Announce> left(offers.begin(), offers.end());
    std::vector<std::string> addresses;
    while (addresses.size() < most) {
        const auto route = choose_route(left, model, layers, choice);
        if (!route.ok()) break;
        for (const Hop& hop : *route) {
            if (addresses.size() < most &&
                std::ranges::find(addresses, hop.address) == addresses.end())
                addresses.push_back(hop.address);
            std::erase_if(left, [&](const Announce& offer) { return offer.key == hop.key; });
        }
    }
    // Parts of a route may still stand in for somebody.
    for (const Announce& offer : left)
        if (is_usable(offer, model) && addresses.size() < most &&
            std::ranges::find(addresses, offer.address) == addresses.end())
            addresses.push_back(offer.address);
    return addresses;
}

std::string describe(model::LayerRange layers) {
    if (layers.size() == 1) return "layer " + std::to_string(layers.begin);
    return "layers " + std::to_string(layers.begin) + "-" + std::to_string(layers.end);
}

std::string describe(const Hop& hop, std::size_t index, std::size_t count) {
    return "hop " + std::to_string(index + 1) + " of " + std::to_string(count) + " (" +
           hop.address + ", " + describe(hop.layers) + ")";
}

std::string describe(std::span<const Hop> route) {
    std::string text;
    for (const Hop& hop : route) {
        if (!text.empty()) text += ", ";
        text += describe(hop.layers) + " at " + hop.address;
    }
    return text;
}

}  // namespace cairn::serve
