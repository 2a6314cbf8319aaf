// Proves that a node gets the chain although a peer promises much and gives nothing: it notices,
// drops that peer and asks others. And that what peers ask of a node is bounded: reads from disk,
// which are beside the loop, questions back, and answers that nobody will read.
#include "node/messages.h"
#include "sim/scenario.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

using node::MessageKind;

/// Says that it has the most work of all, shows the headers of an honest node, and never a body.
class Liar final : public net::NetworkHandler {
  public:
    Liar(World& world, int honest, bool shows_headers)
        : world_(world),
          honest_(honest),
          shows_headers_(shows_headers),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, kAddress,
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
    }
    static constexpr const char* kAddress = "10.0.0.99:7000";

    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        node::Hello hello;
        hello.genesis_id = world_.node(honest_).chain().genesis_id();
        hello.height = 1'000'000;
        hello.work.bytes.fill(0xff);
        node::send(network_, peer, MessageKind::kHello, encode(hello));
    }
    void on_peer_down(net::PeerId, const std::string&) override { ++dropped; }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes) override {
        if (static_cast<MessageKind>(kind) == MessageKind::kGetBlock) ++refused;
        if (static_cast<MessageKind>(kind) != MessageKind::kGetHeaders || !shows_headers_) return;
        node::Headers answer;
        const auto& chain = world_.node(honest_).chain();
        for (std::uint32_t height = 1; const node::BlockNode* at = chain.active_at(height);
             ++height)
            answer.headers.push_back(at->header);
        node::send(network_, peer, MessageKind::kHeaders, encode(answer));
    }

    int dropped = 0;
    int refused = 0;

  private:
    World& world_;
    int honest_;
    bool shows_headers_;
    SimLoop loop_;
    SimNetwork network_;
};

void sync_beside_a_liar(std::uint64_t seed, bool shows_headers) {
    FakeModelKit kit;
    World world(seed, scenario_name(), kit);
    world.add_node({});
    ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 12; }, 400'000));
    Liar liar(world, 0, shows_headers);
    NodeSpec spec{.mine = false, .train = false};
    spec.connect_addresses = {Liar::kAddress};
    const int late = world.add_node(spec);
    world.run_ms(3'000);  // it knows nobody but the liar
    EXPECT_EQ(world.height(late), 0U) << world.replay_line();
    EXPECT_EQ(liar.refused > 0, shows_headers) << world.replay_line();
    world.kill(late);
    world.spec(late).connect = {0};
    world.start(late);
    ASSERT_TRUE(world.run_until(
        [&] { return world.height(late) >= 12 && world.tip(late) == world.tip(0); }, 120'000))
        << world.replay_line();
    ASSERT_TRUE(world.run_until([&] { return liar.dropped >= 2; }, 120'000)) << world.replay_line();
}

TEST(Sync, APeerThatNeverAnswers) {
    for (const std::uint64_t seed : seeds()) sync_beside_a_liar(seed, false);
}

TEST(Sync, APeerThatShowsHeadersButGivesNoBodies) {
    for (const std::uint64_t seed : seeds()) sync_beside_a_liar(seed, true);
}

/// Asks for one block many times in a row, without waiting for an answer.
class Glutton final : public net::NetworkHandler {
  public:
    Glutton(World& world, const Hash256& wanted)
        : genesis_id_(world.node(0).chain().genesis_id()),
          wanted_(wanted),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, "10.0.0.99:7000",
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
        network_.connect(world.address(0));
    }
    static constexpr int kAsked = 200;

    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        node::Hello hello;
        hello.genesis_id = genesis_id_;
        node::send(network_, peer, MessageKind::kHello, encode(hello));
        for (int i = 0; i < kAsked; ++i)
            node::send(network_, peer, MessageKind::kGetBlock, node::encode_hash(wanted_));
    }
    void on_peer_down(net::PeerId, const std::string&) override { ++dropped; }
    void on_message(net::PeerId, std::uint16_t kind, Bytes) override {
        blocks += static_cast<MessageKind>(kind) == MessageKind::kBlock;
        refused += static_cast<MessageKind>(kind) == MessageKind::kNoBlock;
    }

    int blocks = 0;
    int refused = 0;
    int dropped = 0;

  private:
    Hash256 genesis_id_;
    Hash256 wanted_;
    SimLoop loop_;
    SimNetwork network_;
};

// What peers ask for is read from disk on a lane, so what waits for that lane must be bounded.
TEST(Sync, AGluttonGetsNoMoreBlocksThanAreReadAtOnce) {
    FakeModelKit kit;
    WorldOptions options;
    options.read_lane = {1'000'000, 1'000'000};
    World world(1, scenario_name(), kit, options);
    world.add_node({});
    // Above the blocks that are kept in memory.
    ASSERT_TRUE(world.run_until([&] { return world.height(0) > 40; }, 400'000));
    Glutton glutton(world, world.node(0).chain().active_at(1)->hash);
    world.run_ms(60'000);
    EXPECT_EQ(glutton.blocks, static_cast<int>(node::PeerReadLimits().per_peer));
    EXPECT_EQ(glutton.blocks + glutton.refused, Glutton::kAsked);
    EXPECT_EQ(glutton.dropped, 0) << "it broke no rule";
}

// Reads outlive the link that asked for them, so a bound for each link is none.
TEST(Sync, GluttonsThatComeAndGoDoNotFillTheLane) {
    FakeModelKit kit;
    WorldOptions options;
    options.read_lane = {6'000, 6'000};
    World world(1, scenario_name(), kit, options);
    world.add_node({.train = false});
    ASSERT_TRUE(world.run_until([&] { return world.height(0) > 40; }, 400'000));
    const auto ask = [&](Stranger& stranger, int times) {
        for (int i = 0; i < times; ++i) {
            const auto height = static_cast<std::uint32_t>(1 + i % 3);
            const Hash256 wanted = world.node(0).chain().active_at(height)->hash;
            stranger.say(MessageKind::kGetBlock, node::encode_hash(wanted));
        }
    };
    for (int second = 0; second < 10; ++second) {
        std::vector<std::unique_ptr<Stranger>> strangers;
        for (int i = 0; i < 32; ++i) {
            const std::string place = std::to_string(second) + "." + std::to_string(i);
            strangers.push_back(std::make_unique<Stranger>(world, "10.1." + place + ":7000"));
            strangers.back()->dial(0);
        }
        world.run_ms(500);
        for (const auto& stranger : strangers) ask(*stranger, 32);
        world.run_ms(500);
    }
    Stranger honest(world, "10.99.0.1:7000");
    int blocks = 0;
    honest.on_heard = [&](const std::string&, MessageKind kind, ByteView) {
        blocks += kind == MessageKind::kBlock;
    };
    honest.dial(0);
    world.run_ms(1'000);
    ask(honest, 1);
    EXPECT_TRUE(world.run_until([&] { return blocks == 1; }, 5'000)) << world.replay_line();
}

// Each question back names blocks down to genesis.
TEST(Sync, HeadersInTheAirAreAskedAboutOnceInASecond) {
    FakeModelKit kit;
    World world(1, scenario_name(), kit);
    world.add_node({.mine = false, .train = false});
    Stranger stranger(world, "10.0.0.99:7000");
    int questions = 0;
    stranger.on_heard = [&](const std::string&, MessageKind kind, ByteView) {
        questions += kind == MessageKind::kGetHeaders;
    };
    stranger.dial(0);
    world.run_ms(1'000);
    std::vector<chain::BlockHeader> headers(2);
    for (chain::BlockHeader& header : headers) header.versions = world.network().versions_at(1);
    headers[0].previous.bytes[5] = 9;
    headers[1].previous = chain::block_hash(headers[0]);
    for (int i = 0; i < 1000; ++i) {
        stranger.after_ms(static_cast<std::uint64_t>(i), [&] { stranger.say_headers(headers); });
        // An empty answer leaves no question open.
        stranger.after_ms(static_cast<std::uint64_t>(i), [&] { stranger.say_headers({}); });
    }
    world.run_ms(1'500);
    EXPECT_GE(questions, 1);
    EXPECT_LE(questions, 5);
    EXPECT_EQ(stranger.dropped, 0) << "it broke no rule";
}

// Each of these cost 1.6 ms of a newcomer's loop where 48 links had told it of the chain and gave
// no body of it.
TEST(Sync, BodiesAreNotLookedForAtEverySmallMessage) {
    FakeModelKit kit;
    World world(1, scenario_name(), kit);
    world.add_node({.train = false});
    ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 12; }, 400'000));
    const int quiet = world.add_node({.connect = {0}, .mine = false, .train = false});
    Stranger stranger(world, "10.0.0.99:7000");
    stranger.dial(quiet);
    world.run_ms(3'000);
    ASSERT_GE(world.height(quiet), 12U);
    const std::uint64_t before = world.node(quiet).sync().requests();
    for (int i = 0; i < 20; ++i) {
        for (int n = 0; n < 100; ++n) {
            stranger.say_headers({world.node(0).chain().active_at(1)->header});
            stranger.say(MessageKind::kNoBlock, node::encode_hash(Hash256{}));
        }
        world.run_ms(50);
    }
    EXPECT_LE(world.node(quiet).sync().requests() - before, 1'000U / 20 + 10);
    EXPECT_EQ(stranger.dropped, 0) << "it broke no rule";
}

TEST(Sync, WhoClaimsWorkAndHasNoHeadersIsNotAskedForEver) {
    FakeModelKit kit;
    World world(1, scenario_name(), kit);
    world.add_node({.mine = false, .train = false});
    Stranger stranger(world, "10.0.0.99:7000");
    int questions = 0;
    stranger.on_heard = [&](const std::string&, MessageKind kind, ByteView) {
        if (kind != MessageKind::kGetHeaders) return;
        ++questions;
        stranger.say_headers({});
    };
    stranger.dial(0);
    world.run_ms(1'000);
    node::Hello hello;
    hello.genesis_id = world.node(0).chain().genesis_id();
    hello.height = 1'000;
    hello.work.bytes.fill(0xff);
    stranger.say(MessageKind::kHello, encode(hello));
    world.run_ms(60'000);
    EXPECT_EQ(questions, 1);
    EXPECT_EQ(stranger.dropped, 0) << "it broke no rule";
}

// An answer that does not fit into the queue must not be made first.
TEST(Sync, WhoReadsNothingGetsNoAnswersMade) {
    chain::NetworkDefinition network = sim_network_definition();
    network.judge_hash.bytes.fill(7);
    FakeModelKit kit(network);
    WorldOptions options;
    options.links.bytes_per_s = 100'000;
    World world(1, scenario_name(), kit, options);
    int looked_for = 0;
    const auto text = std::make_shared<const Bytes>(std::size_t{4} << 20, 3);
    world.add_node({.mine = false, .train = false, .assets = [&](const Hash256&) {
                        ++looked_for;
                        return text;
                    }});
    Stranger stranger(world, "10.0.0.99:7000");
    stranger.dial(0);
    world.run_ms(1'000);
    for (int i = 0; i < 10'000; ++i)
        stranger.say(MessageKind::kGetAsset, encode(node::GetAsset{network.judge_hash, 0}));
    world.run_ms(10'000);
    const auto fit = SimNetwork::kMaxQueuedBytes / node::kAssetChunkBytes;
    EXPECT_GE(looked_for, static_cast<int>(fit) / 2);
    EXPECT_LE(looked_for, static_cast<int>(fit) + 10);
}

/// Asks for assets and counts what comes.
class Collector final : public net::NetworkHandler {
  public:
    Collector(World& world, std::vector<Hash256> wanted)
        : genesis_id_(world.node(0).chain().genesis_id()),
          wanted_(std::move(wanted)),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, "10.0.0.99:7000",
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
        network_.connect(world.address(0));
    }
    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override {
        node::Hello hello;
        hello.genesis_id = genesis_id_;
        node::send(network_, peer, MessageKind::kHello, encode(hello));
        for (const Hash256& hash : wanted_)
            node::send(network_, peer, MessageKind::kGetAsset, encode(node::GetAsset{hash, 0}));
    }
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId, std::uint16_t kind, Bytes body) override {
        if (static_cast<MessageKind>(kind) != MessageKind::kAsset) return;
        ++answers;
        bytes += node::decode_asset_chunk(body)->bytes.size();
    }

    int answers = 0;
    std::size_t bytes = 0;

  private:
    Hash256 genesis_id_;
    std::vector<Hash256> wanted_;
    SimLoop loop_;
    SimNetwork network_;
};

// The seam may read a disk, on the loop, for hashes that are not in memory.
TEST(Sync, OnlyAssetsThatTheNetworkNamesAreLookedFor) {
    chain::NetworkDefinition network = sim_network_definition();
    network.judge_hash.bytes.fill(7);
    FakeModelKit kit(network);
    World world(1, scenario_name(), kit);
    std::vector<Hash256> looked_for;
    world.add_node({.assets = [&](const Hash256& hash) {
        looked_for.push_back(hash);
        return std::make_shared<const Bytes>(3, 0);
    }});
    world.run_ms(1'000);
    Hash256 strange;
    strange.bytes.fill(9);
    const Collector collector(world, {strange, network.judge_hash, Hash256{}});
    world.run_ms(2'000);
    EXPECT_EQ(collector.answers, 3);
    EXPECT_EQ(collector.bytes, 3U);
    EXPECT_EQ(looked_for, std::vector<Hash256>{network.judge_hash});
}

TEST(Sync, RecordsAreReadBesideTheLoop) {
    FakeModelKit kit;
    WorldOptions options;
    options.read_lane = {100'000, 100'000};
    World world(1, scenario_name(), kit, options);
    world.add_node({});
    ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 12; }, 400'000));
    std::optional<Result<std::vector<node::MergeView>>> merges;
    std::optional<Result<std::vector<store::ContributionRecord>>> records;
    world.node(0).merges(0, 10, [&](auto answer) { merges = std::move(answer); });
    world.node(0).explain(crypto::public_key(world.key(0)), 10,
                          [&](auto answer) { records = std::move(answer); });
    EXPECT_FALSE(merges || records);
    world.run_ms(1'000);
    ASSERT_TRUE(merges && merges->ok() && records && records->ok());
    EXPECT_FALSE((*merges)->empty());
}

}  // namespace
}  // namespace cairn::sim
