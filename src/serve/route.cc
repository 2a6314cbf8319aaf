#include "serve/route.h"

#include <algorithm>

namespace cairn::serve {

namespace {

bool is_full(const Announce& offer) { return offer.load >= offer.capacity; }

/// Whether `a` should be taken before `b` where both hold the layer that is next.
bool is_better(const Announce& a, const Announce& b) {
    if (is_full(a) != is_full(b)) return is_full(b);
    if (a.layers.end != b.layers.end) return a.layers.end > b.layers.end;
    if (a.load != b.load) return a.load < b.load;
    return a.key < b.key;
}

bool is_usable(const Announce& offer, const Hash256& model) {
    return offer.model == model && offer.numerics == kNumericsVersion &&
           offer.serve_version == kServeVersion;
}

// Of `missing` the first layers that nobody offers.
Error uncovered(std::span<const Announce> offers, const Hash256& model, model::LayerRange missing) {
    std::uint32_t end = missing.end;
    std::size_t of_model = 0;
    for (const Announce& offer : offers) {
        if (!is_usable(offer, model)) continue;
        ++of_model;
        if (offer.layers.begin > missing.begin) end = std::min(end, offer.layers.begin);
    }
    std::string message = "no server holds " + describe(model::LayerRange{missing.begin, end}) +
                          " of model " + short_hex(model);
    if (of_model == 0 && !offers.empty())
        message += "; the servers asked hold other models: give the same model file to both sides";
    else if (of_model > 0)
        message += "; others hold the rest: start one with --serve " +
                   std::to_string(missing.begin) + "-" + std::to_string(end);
    return not_found(std::move(message));
}

}  // namespace

Result<std::vector<Hop>> choose_route(std::span<const Announce> offers, const Hash256& model,
                                      model::LayerRange layers) {
    std::vector<Hop> route;
    std::uint32_t at = layers.begin;
    while (at < layers.end) {
        const Announce* best = nullptr;
        for (const Announce& offer : offers) {
            if (!is_usable(offer, model) || !offer.layers.contains(at)) continue;
            if (best == nullptr || is_better(offer, *best)) best = &offer;
        }
        if (best == nullptr) return uncovered(offers, model, {at, layers.end});
        if (route.size() == kMaxHops)
            return Error{ErrorCode::kUnsupported, "a route of more than 32 hops would be needed"};
        const std::uint32_t end = std::min(best->layers.end, layers.end);
        route.push_back({{at, end}, best->key, best->address, best->price, best->genesis});
        at = end;
    }
    return route;
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
