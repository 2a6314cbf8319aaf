// Proves that a network passes an upgrade of its rules: programs that know it go on, one that does
// not stops at the block before, says what to do, keeps its links and condemns nothing, and with a
// newer program goes on from there; and that a reorganisation takes the upgrade back and makes it
// again.
#include "chain/test_objects.h"
#include "consensus/test_rules.h"
#include "node/messages.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

constexpr std::uint32_t kHeight = 22;

FakeModelKit upgrading_kit(std::uint32_t height) {
    chain::NetworkDefinition network = sim_network_definition();
    network.upgrades = {{height, 0, 2}};
    CHECK(chain::validate(network).ok());
    return FakeModelKit(network);
}

NodeSpec knowing(std::vector<int> connect) {
    NodeSpec spec{.connect = std::move(connect)};
    spec.rules = &consensus::later_rule_book();
    return spec;
}

std::optional<std::uint32_t> number_in_place(World& world, int number) {
    return world.ledger(number, [](const consensus::Ledger& ledger) {
        return consensus::test_number(ledger.rules());
    });
}

std::size_t invalid_headers(World& world, int number) {
    std::size_t invalid = 0;
    EXPECT_TRUE(world.store(number)
                    .for_each_header([&](const store::HeaderRecord& record) {
                        invalid += record.status == store::BlockStatus::kInvalid;
                    })
                    .ok());
    return invalid;
}

void expect_it_waits(World& world, int old) {
    const node::NodeStatus status = world.node(old).status();
    EXPECT_EQ(status.height, kHeight - 1) << world.replay_line();
    EXPECT_EQ(status.headers_height, kHeight - 1) << world.replay_line();
    EXPECT_EQ(status.peers.size(), 3U) << world.replay_line();
    EXPECT_FALSE(status.mining.enabled) << world.replay_line();
    const std::string trouble = node::troubles_text(status);
    EXPECT_NE(trouble.find("this node can go no further: block 22 brings"), std::string::npos)
        << trouble;
    EXPECT_NE(trouble.find("install the newest Cairn"), std::string::npos);
    EXPECT_NE(status.training.stage.find("waits"), std::string::npos) << status.training.stage;
    ASSERT_EQ(status.upgrades.size(), 1U);
    EXPECT_FALSE(status.upgrades[0].known);
    EXPECT_EQ(invalid_headers(world, old), 0U) << world.replay_line();
    // The API answers.
    Status paid = ok_status();
    world.node(old).submit_payment(encode(chain::sample_payment()), [&](const Result<Hash256>& id) {
        paid = id.ok() ? ok_status() : Status(id.error());
    });
    world.run_ms(1'000);
    EXPECT_FALSE(paid.ok());
    EXPECT_NE(paid.error().message.find("update Cairn"), std::string::npos) << paid.error().message;
}

TEST(Upgrade, WhoDoesNotKnowItStopsBeforeAndGoesOnWithANewerProgram) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit = upgrading_kit(kHeight);
        World world(seed, scenario_name(), kit);
        world.add_node(knowing({}));
        world.add_node(knowing({0}));
        world.add_node(knowing({0, 1}));
        const int old = world.add_node({.connect = {0, 1, 2}});
        ASSERT_TRUE(world.run_until([&] { return world.agreed(5); }, 120'000))
            << world.replay_line();
        const std::string early = troubles_text(world.node(old).status());
        EXPECT_NE(early.find("blocks away"), std::string::npos) << early;
        EXPECT_EQ(troubles_text(world.node(0).status()), "") << world.replay_line();
        EXPECT_TRUE(world.node(0).status().upgrades.at(0).known);

        const auto passed = [&](std::uint32_t height) {
            return world.run_until(
                [&] {
                    return world.height(0) >= height && world.tip(1) == world.tip(0) &&
                           world.tip(2) == world.tip(0);
                },
                400'000);
        };
        ASSERT_TRUE(passed(kHeight + 9)) << world.replay_line();
        expect_it_waits(world, old);
        EXPECT_TRUE(number_in_place(world, 0).has_value());
        EXPECT_FALSE(number_in_place(world, old).has_value());

        // The same program again, from its disk, does the same.
        world.kill(old);
        world.start(old);
        world.run_ms(10'000);
        expect_it_waits(world, old);

        world.kill(old);
        world.spec(old).rules = &consensus::later_rule_book();
        world.start(old);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(kHeight + 12); }, 200'000))
            << world.replay_line();
        for (int i = 0; i < 4; ++i) world.node(i).set_mining(false);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(); }, 20'000));
        world.run_ms(1'000);
        EXPECT_EQ(world.saved_ledger(old), world.saved_ledger(0)) << world.replay_line();
        EXPECT_EQ(troubles_text(world.node(old).status()), "") << world.replay_line();
        EXPECT_TRUE(world.failure().empty()) << world.replay_line();
    }
}

/// Sends a payment in a form that no program here knows, as later rules may have.
class Newer final : public net::NetworkHandler {
  public:
    Newer(World& world, int to, const std::string& address)
        : genesis_id_(world.node(to).chain().genesis_id()),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, address,
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
        network_.connect(world.address(to));
    }
    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        node::Hello hello;
        hello.genesis_id = genesis_id_;
        node::send(network_, peer, node::MessageKind::kHello, encode(hello));
        node::send(network_, peer, node::MessageKind::kPayment, Bytes{9, 9, 9});
        ++linked;
    }
    void on_peer_down(net::PeerId, const std::string&) override { ++dropped; }
    void on_message(net::PeerId, std::uint16_t, Bytes) override {}

    int linked = 0;
    int dropped = 0;

  private:
    Hash256 genesis_id_;
    SimLoop loop_;
    SimNetwork network_;
};

TEST(Upgrade, WhoWaitsDoesNotJudgeWhatTheNextBlockMayCarry) {
    FakeModelKit kit = upgrading_kit(kHeight);
    World world(1, scenario_name(), kit);
    world.add_node(knowing({}));
    const int old = world.add_node({.connect = {0}});
    ASSERT_TRUE(world.run_until([&] { return world.agreed(3); }, 120'000));
    Newer early(world, old, "10.0.0.98:7000");
    world.run_ms(10'000);  // until it notices
    EXPECT_GE(early.dropped, 1) << "by the rules that it knows this is no payment";
    ASSERT_TRUE(world.run_until([&] { return world.height(0) > kHeight; }, 400'000));
    Newer late(world, old, "10.0.0.99:7000");
    world.run_ms(5'000);
    EXPECT_EQ(world.height(old), kHeight - 1);
    EXPECT_EQ(late.linked, 1);
    EXPECT_EQ(late.dropped, 0) << world.replay_line();
}

void reorganise_across(std::uint64_t seed, std::uint32_t max_undo) {
    constexpr std::uint32_t kUpgrade = 12;
    FakeModelKit kit = upgrading_kit(kUpgrade);
    World world(seed, scenario_name(), kit);
    NodeSpec first = knowing({});
    first.max_undo = max_undo;
    world.add_node(first);
    world.add_node(knowing({0}));
    ASSERT_TRUE(world.run_until([&] { return world.agreed(6); }, 120'000)) << world.replay_line();
    world.partition({0});
    const auto mine_to = [&](int number, std::uint32_t height) {
        world.node(number).set_mining(true);
        const bool reached =
            world.run_until([&] { return world.height(number) >= height; }, 240'000);
        world.node(number).set_mining(false);
        world.run_ms(500);
        return reached;
    };
    world.node(1).set_mining(false);
    ASSERT_TRUE(mine_to(0, kUpgrade + 2)) << world.replay_line();
    EXPECT_TRUE(number_in_place(world, 0).has_value()) << world.replay_line();
    ASSERT_TRUE(mine_to(1, kUpgrade + 3)) << world.replay_line();
    while (!(world.node(1).chain().tip()->node->work > world.node(0).chain().tip()->node->work))
        ASSERT_TRUE(mine_to(1, world.height(1) + 1)) << world.replay_line();
    world.heal();
    ASSERT_TRUE(world.run_until([&] { return world.agreed(kUpgrade + 3); }, 120'000))
        << world.replay_line();
    EXPECT_GE(world.node(0).status().reorganisations, 1U) << world.replay_line();
    EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(1)) << world.replay_line();
    EXPECT_EQ(number_in_place(world, 0), number_in_place(world, 1)) << world.replay_line();
    EXPECT_EQ(invalid_headers(world, 0) + invalid_headers(world, 1), 0U) << world.replay_line();
    EXPECT_TRUE(world.failure().empty()) << world.replay_line();
}

TEST(Upgrade, AReorganisationTakesItBackAndMakesItAgain) {
    for (const std::uint64_t seed : seeds()) {
        reorganise_across(seed, 64);
        reorganise_across(seed, 2);  // by a snapshot and replay
    }
}

// The network decided on an upgrade, and one node has the definition without it: it must neither
// condemn the others' blocks nor part from their network. With the new definition it goes on.
TEST(Upgrade, ANodeWithTheOldDefinitionWaitsForTheNewOne) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit = upgrading_kit(kHeight);
        World world(seed, scenario_name(), kit);
        world.add_node(knowing({}));
        world.add_node(knowing({0}));
        NodeSpec late = knowing({0, 1});
        late.mine = false;
        late.upgrades = std::vector<chain::Upgrade>{};
        const int behind = world.add_node(late);
        ASSERT_TRUE(world.run_until([&] { return world.height(0) >= kHeight + 5; }, 400'000))
            << world.replay_line();
        world.run_ms(5'000);
        EXPECT_EQ(world.height(behind), kHeight - 1) << world.replay_line();
        EXPECT_EQ(world.node(behind).status().peers.size(), 2U) << world.replay_line();
        EXPECT_EQ(invalid_headers(world, behind), 0U) << world.replay_line();
        world.kill(behind);
        world.spec(behind).upgrades.reset();
        world.start(behind);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(kHeight + 6); }, 200'000))
            << world.replay_line();
        EXPECT_TRUE(world.failure().empty()) << world.replay_line();
    }
}

}  // namespace
}  // namespace cairn::sim
