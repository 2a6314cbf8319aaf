// Proves that peers which flood a node with offers, offer what they cannot have, or send rubbish
// under the ids that others offer, keep neither payments nor payloads from it.
#include <algorithm>

#include "sim/paying.h"
#include "sim/scenario.h"
#include "sim/sim_hostile_peer.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

/// Node 0 pays, node 1 mines: the payment travels, or it is never in a block. All nodes train.
class Flooded {
  public:
    Flooded(std::uint64_t seed, Malice malice) : world_(seed, scenario_name(), kit_) {
        world_.add_node({.mine = true});
        world_.add_node({.connect = {0}});
        for (int i = 1; i <= 4; ++i)
            hostile_.push_back(
                std::make_unique<SimHostilePeer>(world_, i, malice, std::vector<int>{0, 1}));
    }

    World& world() { return world_; }

    bool payment_gets_through() {
        std::optional<chain::Payment> payment;
        const auto can_pay = [&] {
            payment = make_payment(world_, 0, crypto::public_key(world_.key(1)), 1'000, 1'000);
            return payment.has_value();
        };
        // The payee must not be a block behind, where the coin is not mature yet.
        const auto both_can = [&] { return world_.height(1) >= world_.height(0) && can_pay(); };
        if (!world_.run_until(both_can, 120'000)) return false;
        world_.node(0).set_mining(false);
        world_.node(0).submit_payment(chain::encode(*payment), [](const Result<Hash256>&) {});
        const chain::OutPoint spent = payment->inputs[0];
        return world_.run_until(
            [&] {
                return world_.ledger(1, [&](const consensus::Ledger& ledger) {
                    return ledger.coins().find(spent) == nullptr;
                });
            },
            60'000);
    }
    /// Of the payloads that node 0 reveals, mined by node 1 alone.
    std::size_t merged_of_node_0() {
        world_.node(0).set_mining(false);
        const std::uint32_t end = world_.height(1) + 6 * world_.network().round_length;
        world_.run_until([&] { return world_.height(1) >= end; }, 240'000);
        std::size_t merged = 0;
        const auto records =
            world_.store(1).contributions(crypto::public_key(world_.key(0)), 100).value();
        for (const auto& record : records) merged += record.merged;
        return merged;
    }

  private:
    FakeModelKit kit_;
    World world_;
    std::vector<std::unique_ptr<SimHostilePeer>> hostile_;
};

TEST(ItemFlood, OffersWithoutEndKeepNoPaymentAway) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Flooded flooded(seed, Malice::kOfferFlood);
        EXPECT_TRUE(flooded.payment_gets_through()) << flooded.world().replay_line();
        EXPECT_EQ(flooded.world().failure(), "") << flooded.world().replay_line();
    }
}

// The id of a payload is its commitment's, which a block has carried: a stranger offers it before
// the trainer shows it, and delivers nothing. A new stranger comes every round, so none has failed.
TEST(ItemFlood, WhoOffersPayloadsBeforeTheyAreShownKeepsFewAway) {
    std::size_t all = 0;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({.mine = false});
        world.add_node({.connect = {0}, .train = false});
        std::vector<std::unique_ptr<Stranger>> strangers;
        const auto offer_all = [&] {
            node::Inventory known{node::ItemKind::kContribution, {}};
            for (const auto& open : world.node(1).chain().tip()->rules.open_commitments())
                known.ids.push_back(open.id);
            strangers.back()->say(node::MessageKind::kInventory, encode(known));
        };
        for (std::uint32_t height = 0; height < 32;) {
            if (height % world.network().round_length == 0) {
                strangers.push_back(std::make_unique<Stranger>(
                    world, "10." + std::to_string(100 + height) + ".0.1:7000"));
                strangers.back()->dial(1);
            }
            while (world.height(1) == height) ASSERT_TRUE(world.scheduler().step());
            height = world.height(1);
            offer_all();
        }
        const auto records =
            world.store(1).contributions(crypto::public_key(world.key(0)), 100).value();
        const auto merged = std::ranges::count_if(records, [](const auto& r) { return r.merged; });
        all += static_cast<std::size_t>(merged);
        EXPECT_EQ(world.failure(), "") << world.replay_line();
    }
    std::printf("merged %zu payloads in 24 rounds\n", all);
    EXPECT_GE(all, 17U) << "11 when whoever offered first was waited for";
}

TEST(ItemFlood, RubbishUnderTheirIdsKeepsNoPayloadAway) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Flooded flooded(seed, Malice::kItemSpam);
        EXPECT_GE(flooded.merged_of_node_0(), 3U) << flooded.world().replay_line();
        EXPECT_EQ(flooded.world().failure(), "") << flooded.world().replay_line();
    }
}

}  // namespace
}  // namespace cairn::sim
