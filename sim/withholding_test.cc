// Proves that a block which is announced and then withheld comes from somebody else soon, from
// however many peers that withhold it, and though they tell us in time that they do not have it.
#include "sim/scenario.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

using node::BlockNode;
using node::MessageKind;

WorldOptions slow_links() {
    WorldOptions options;
    options.links.min_delay_us = 20'000;
    options.links.max_delay_us = 300'000;
    return options;
}

/// Node 0 mines, node 1 passes on, and node 2 hears of blocks from node 1, and before that from
/// peers which have none of them to give.
class Withheld {
  public:
    Withheld(std::uint64_t seed, int accomplices)
        : world_(seed, scenario_name(), kit_, slow_links()) {
        world_.add_node({});
        world_.add_node({.connect = {0}, .mine = false, .train = false});
        victim_ = world_.add_node({.connect = {1}, .mine = false, .train = false});
        for (int i = 0; i < accomplices; ++i) add_accomplice(i);
    }

    World& world() { return world_; }

    /// How long the victim waits for the next `blocks` blocks, the longest of them.
    std::uint64_t worst_ms(int blocks) {
        std::uint64_t worst = 0;
        for (int i = 0; i < blocks; ++i) {
            const std::uint32_t height = world_.height(0);
            while (world_.height(0) == height) CHECK(world_.scheduler().step());
            found_ = world_.node(0).chain().active_at(height + 1)->header;
            for (const auto& peer : accomplices_) peer->say_headers({found_});
            const std::uint64_t since = world_.scheduler().now_ms();
            if (!world_.run_until([&] { return world_.height(victim_) > height; }, 120'000))
                return 120'000;
            worst = std::max(worst, world_.scheduler().now_ms() - since);
        }
        return worst;
    }
    /// The victim's honest peer is now the one that it has known for the shortest time.
    void restart_the_honest_peer() {
        world_.kill(1);
        world_.start(1);
        CHECK(world_.run_until([&] { return world_.agreed(world_.height(0)); }, 60'000));
    }

  private:
    // Silent until just before it would be dropped; then it says that it does not have the block,
    // and that it has it.
    void add_accomplice(int number) {
        auto& peer = *accomplices_.emplace_back(
            std::make_unique<Stranger>(world_, "10." + std::to_string(90 + number) + ".0.1:7000"));
        peer.on_heard = [this, &peer](const std::string&, MessageKind kind, ByteView body) {
            if (kind != MessageKind::kGetBlock) return;
            peer.after_ms(13'500, [this, &peer, hash = Bytes(body.begin(), body.end())] {
                peer.say(MessageKind::kNoBlock, hash);
                peer.say_headers({found_});
            });
        };
        peer.dial(victim_);
    }

    FakeModelKit kit_;
    World world_;
    int victim_ = 0;
    chain::BlockHeader found_;
    std::vector<std::unique_ptr<Stranger>> accomplices_;
};

TEST(Withholding, ABlockComesFromSomebodyElseSoon) {
    std::uint64_t worst_ms = 0;
    for (const std::uint64_t seed : seeds()) {
        Withheld withheld(seed, 1);
        ASSERT_TRUE(
            withheld.world().run_until([&] { return withheld.world().agreed(4); }, 120'000));
        worst_ms = std::max(worst_ms, withheld.worst_ms(4));
    }
    std::printf("a withheld block was %.1f s late at most\n", static_cast<double>(worst_ms) / 1e3);
    EXPECT_LE(worst_ms, 4'000U);
}

TEST(Withholding, ManyWithholdersDelayItNoLongerThanOne) {
    std::uint64_t worst_ms = 0;
    for (const std::uint64_t seed : seeds()) {
        Withheld withheld(seed, 8);
        ASSERT_TRUE(
            withheld.world().run_until([&] { return withheld.world().agreed(4); }, 120'000));
        withheld.restart_the_honest_peer();
        worst_ms = std::max(worst_ms, withheld.worst_ms(4));
    }
    std::printf("withheld by eight, it was %.1f s late at most\n",
                static_cast<double>(worst_ms) / 1e3);
    EXPECT_LE(worst_ms, 4'000U);
}

}  // namespace
}  // namespace cairn::sim
