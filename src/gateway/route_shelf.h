// RouteShelf: routes over servers that nobody uses at the moment, with what their caches hold. The
// next turn of a conversation sends all of it, so it goes on with the route that holds most of it,
// and its servers compute the rest alone.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>

#include "host/ready_model.h"
#include "serve/network_layers.h"

namespace cairn::gateway {

struct Route {
    std::unique_ptr<serve::NetworkLayers> layers;
    std::shared_ptr<const host::ReadyModel> model;
    std::size_t room = 0;  ///< positions that it was opened for
    std::uint64_t opened_us = 0;
    text::Tokens text{};  ///< whose rows the caches hold
    std::uint64_t used_us = 0;
};

/// How many tokens of the prompt a route need not compute again; its last one always is, for the
/// logits that follow it.
std::size_t known_of(const Route& route, std::span<const std::uint32_t> prompt);

class RouteShelf {
  public:
    /// A route of this model with so much room, opened since then: the one whose conversation the
    /// prompt goes on with; where it is of another one, none if a new route may be opened, or else
    /// the one that was used longest ago.
    std::optional<Route> take(const std::shared_ptr<const host::ReadyModel>& model,
                              std::span<const std::uint32_t> prompt, std::size_t room,
                              std::uint64_t opened_since_us, bool may_open);
    void put(Route route) { routes_.push_back(std::move(route)); }
    /// The one that was used longest ago.
    std::optional<Route> take_oldest();
    /// One that has not been used after that.
    std::optional<Route> take_unused_since(std::uint64_t time_us);
    std::size_t size() const { return routes_.size(); }

  private:
    std::list<Route> routes_;  // the latest last
};

}  // namespace cairn::gateway
