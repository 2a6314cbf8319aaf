// What a server that is paid asks of the chain, passed in: how high it is, may be by now, and which
// channels it has. A node answers from its ledger (node/layer_service.h), tests from a map.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "channel/policy.h"

namespace cairn::serve {

class ChannelView {
  public:
    using Found = std::function<void(std::vector<std::optional<channel::OnChain>>)>;

    virtual ~ChannelView() = default;
    /// Of the tip. Called on the loop.
    virtual std::uint32_t height() const = 0;
    /// How high it may be by now (channel/policy.h), where ours is behind. Called on the loop.
    virtual std::uint32_t height_by_now() const = 0;
    /// The outputs that are on the chain, unspent, one for each that was asked for. `done` is
    /// called on the loop, later.
    virtual void find(std::vector<chain::OutPoint> outpoints, Found done) = 0;
};

}  // namespace cairn::serve
