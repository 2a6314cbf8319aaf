// For this room's tests alone: channels that a server may find on its chain.
#pragma once

#include <map>

#include "serve/channel_view.h"
#include "serve/test_world.h"

namespace cairn::serve {

struct FakeChannels final : ChannelView {
    Loop& loop;
    std::map<chain::OutPoint, channel::OnChain> channels;
    std::uint32_t tip = 100;
    std::uint32_t missing = 0;  ///< blocks that this chain may lack
    bool held = false;          ///< answers wait for answer(): a chain that is busy

    explicit FakeChannels(Loop& l) : loop(l) {}
    std::uint32_t height() const override { return tip; }
    std::uint32_t height_by_now() const override { return tip + missing; }
    void find(std::vector<chain::OutPoint> outpoints, Found done) override {
        std::vector<std::optional<channel::OnChain>> found;
        for (const auto& outpoint : outpoints)
            found.push_back(channels.contains(outpoint) ? std::optional(channels.at(outpoint))
                                                        : std::nullopt);
        answers_.push_back([found = std::move(found), done = std::move(done)] { done(found); });
        if (!held) answer();
    }
    std::size_t waiting() const { return answers_.size(); }
    void answer() {
        for (auto& each : std::exchange(answers_, {})) loop.post(std::move(each));
    }

  private:
    std::vector<std::function<void()>> answers_;
};

}  // namespace cairn::serve
