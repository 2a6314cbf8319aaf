// Proves that a link on which nobody says hello does not last, and that a peer's addresses are read
// only as the answer to a question, as ours are told once.
#include "node/messages.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

using node::MessageKind;

/// Listens and dials; says hello if it `greets`, and then what a test tells it to.
class Guest final : public net::NetworkHandler {
  public:
    Guest(World& world, std::string address, bool greets)
        : genesis_id_(world.node(0).chain().genesis_id()),
          greets_(greets),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, std::move(address),
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
    }

    void dial(const std::string& address) { network_.connect(address); }
    void say(MessageKind kind, ByteView body) { node::send(network_, peer_, kind, body); }

    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        peer_ = peer;
        ++linked;
        node::Hello hello;
        hello.genesis_id = genesis_id_;
        if (greets_) say(MessageKind::kHello, encode(hello));
    }
    void on_peer_down(net::PeerId, const std::string&) override { ++dropped; }
    void on_message(net::PeerId, std::uint16_t kind, Bytes) override {
        ++heard[static_cast<MessageKind>(kind)];
    }

    int linked = 0;
    int dropped = 0;
    std::map<MessageKind, int> heard;

  private:
    Hash256 genesis_id_;
    bool greets_;
    SimLoop loop_;
    SimNetwork network_;
    net::PeerId peer_ = 0;
};

TEST(Links, WhoeverDoesNotSayHelloIsDropped) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({});
        world.run_ms(1'000);
        Guest mute(world, "10.0.0.99:7000", false);
        Guest greeter(world, "10.0.0.98:7000", true);
        mute.dial(world.address(0));
        greeter.dial(world.address(0));
        world.run_ms(50'000);
        EXPECT_EQ(mute.linked, 1) << world.replay_line();
        EXPECT_EQ(mute.dropped, 0) << world.replay_line();
        world.run_ms(15'000);
        EXPECT_GE(mute.dropped, 1) << world.replay_line();
        EXPECT_EQ(greeter.dropped, 0) << world.replay_line();
        EXPECT_EQ(world.failure(), "");
    }
}

TEST(Links, AddressesAreReadWhenAskedForAndToldOnce) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({});
        world.run_ms(1'000);
        Guest teller(world, "10.0.0.99:7000", true);
        Guest first(world, "10.0.0.97:7000", true);
        Guest second(world, "10.0.0.96:7000", true);
        teller.dial(world.address(0));
        world.run_ms(2'000);
        EXPECT_EQ(teller.heard[MessageKind::kGetAddresses], 1) << world.replay_line();
        teller.say(MessageKind::kAddresses, encode(node::Addresses{{"10.0.0.97:7000"}}));
        world.run_ms(5'000);
        EXPECT_EQ(first.linked, 1) << world.replay_line();
        teller.say(MessageKind::kAddresses, encode(node::Addresses{{"10.0.0.96:7000"}}));
        for (int i = 0; i < 3; ++i) teller.say(MessageKind::kGetAddresses, {});
        world.run_ms(30'000);
        EXPECT_EQ(second.linked, 0) << "nobody asked for it; " << world.replay_line();
        EXPECT_EQ(teller.heard[MessageKind::kAddresses], 1) << world.replay_line();
        EXPECT_EQ(teller.dropped, 0) << world.replay_line();
        EXPECT_EQ(world.failure(), "");
    }
}

}  // namespace
}  // namespace cairn::sim
