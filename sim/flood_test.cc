// Proves that strangers cannot make a node grow or wait with headers and blocks that cost them
// nothing: headers on branches whose targets have eased are not kept, a long branch is only
// followed for its work, and bodies that nobody asked for are not stored.
#include "chain/target.h"
#include "consensus/header_rules.h"
#include "node/miner.h"
#include "sim/scenario.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

using node::BlockNode;
using node::MessageKind;

/// Headers with real work on a branch of their own, whose times are as far apart as they may be.
class CheapMiner {
  public:
    static constexpr std::uint64_t kLeastMs = 1;  // C1: later than the parent

    CheapMiner(World& world, const BlockNode* from)
        : network_(world.network()), random_(world.random().u64()), tree_(world.genesis()) {
        std::vector<const BlockNode*> below;
        for (; from->parent; from = from->parent) below.push_back(from);
        for (auto at = below.rbegin(); at != below.rend(); ++at) tip_ = tree_.add((*at)->header);
        if (!tip_) tip_ = tree_.genesis();
    }

    /// One more, `spacings` after the one below; the branch grows when `grow`.
    chain::BlockHeader mine(std::uint64_t spacings, bool grow) {
        const auto context = node::context_after(tip_);
        chain::BlockHeader header;
        header.versions = network_.versions_at(context.height);
        header.previous = tip_->hash;
        header.state_root.bytes[0] = static_cast<std::uint8_t>(random_.u64());
        header.time_ms = tip_->header.time_ms + std::max(spacings * network_.spacing_ms, kLeastMs);
        header.target = consensus::expected_target(network_, context);
        header.nonce = random_.u64() >> 1;
        CHECK(node::search_nonce(network_.work, header, 1 << 22));
        if (grow) tip_ = tree_.add(header);
        return header;
    }

  private:
    const chain::NetworkDefinition& network_;
    SeededRandom random_;
    node::BlockTree tree_;
    const BlockNode* tip_ = nullptr;
};

/// Targets ease by a factor of two in ten seconds, so that a short simulation has cheap headers.
FakeModelKit quick_to_ease() {
    chain::NetworkDefinition network = sim_network_definition();
    network.halflife_ms = 10'000;
    network.pow_limit = 0x20ffffff;
    return FakeModelKit(network);
}

/// Mining two thousand headers takes a second: a few seeds in the fast tier.
std::vector<std::uint64_t> few_seeds() {
    std::vector<std::uint64_t> all = seeds();
    if (all.size() == 15) all.resize(2);
    return all;
}

TEST(Flood, CheapHeadersOnAnOldBranchAreNotKept) {
    for (const std::uint64_t seed : few_seeds()) {
        FakeModelKit kit = quick_to_ease();
        World world(seed, scenario_name(), kit);
        world.add_node({});
        ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 120; }, 1'200'000));
        Stranger stranger(world, "10.0.0.99:7000");
        stranger.dial(0);
        world.run_ms(500);
        CheapMiner cheap(world, world.node(0).chain().active_at(1));
        // Twelve blocks far apart ease the target to the limit; after that, siblings are free.
        for (int i = 0; i < 12; ++i) stranger.say_headers({cheap.mine(10, true)});
        for (int i = 0; i < 2'000; ++i) stranger.say_headers({cheap.mine(1, false)});
        const std::uint32_t before = world.height(0);
        world.run_ms(20'000);
        EXPECT_LE(world.node(0).chain().tree().size(), world.height(0) + 8) << world.replay_line();
        EXPECT_GT(world.height(0), before) << world.replay_line();
        EXPECT_EQ(world.failure(), "");
    }
}

/// Ten blocks a second at one and the same target: branches of more headers than a message holds.
FakeModelKit many_blocks() {
    chain::NetworkDefinition network = sim_network_definition();
    network.spacing_ms = 100;
    network.halflife_ms = 1'000'000'000;
    return FakeModelKit(network);
}

/// A node with a chain of 700 blocks or more, and a stranger who has a branch of `length` beside it
/// and gives it to whoever asks.
class LongBranch {
  public:
    enum class Mind { kStays, kChangesOnce };
    explicit LongBranch(std::size_t length, Mind mind = Mind::kStays)
        : world_(1, scenario_name(), kit_) {
        world_.add_node({.train = false, .hashes_per_slice = 128});
        CHECK(world_.run_until([&] { return world_.height(0) >= 700; }, 400'000));
        world_.kill(0);
        world_.spec(0).mine = false;
        world_.start(0);
        CHECK(world_.run_until([&] { return world_.node(0).chain().is_ready(); }, 10'000));
        CheapMiner miner(world_, world_.node(0).chain().active_at(1));
        while (branch_.size() < length) branch_.push_back(miner.mine(0, true));
        CheapMiner other(world_, world_.node(0).chain().active_at(1));
        while (mind == Mind::kChangesOnce && next_.size() < length)
            next_.push_back(other.mine(0, true));
        stranger_ = std::make_unique<Stranger>(world_, "10.0.0.99:7000");
        stranger_->on_heard = [this](const std::string&, MessageKind kind, ByteView body) {
            if (kind == MessageKind::kGetHeaders) answer(*node::decode_get_headers(body));
        };
        stranger_->dial(0);
        world_.run_ms(500);
        send_from(0);
        world_.run_ms(10'000);
    }

    World& world() { return world_; }
    const node::BlockTree& tree() { return world_.node(0).chain().tree(); }
    int dropped() const { return stranger_->dropped; }
    int asked = 0;

  private:
    void answer(const node::GetHeaders& question) {
        ++asked;
        if (!next_.empty()) branch_ = std::exchange(next_, {});
        for (const Hash256& known : question.locator)
            for (std::size_t i = 0; i < branch_.size(); ++i)
                if (chain::block_hash(branch_[i]) == known) return send_from(i + 1);
        send_from(0);
    }
    void send_from(std::size_t first) {
        const std::size_t count = std::min(branch_.size() - first, node::kMaxHeadersPerMessage);
        const auto begin = branch_.begin() + static_cast<std::ptrdiff_t>(first);
        stranger_->say_headers({begin, begin + static_cast<std::ptrdiff_t>(count)});
    }

    FakeModelKit kit_ = many_blocks();
    World world_;
    std::vector<chain::BlockHeader> branch_;
    std::vector<chain::BlockHeader> next_;  // what it follows from its first answer on
    std::unique_ptr<Stranger> stranger_;
};

TEST(Flood, ALongBranchWithLittleWorkIsCountedAndForgotten) {
    LongBranch branch(node::kMaxHeadersPerMessage + 50);
    EXPECT_EQ(branch.tree().size(), branch.world().height(0) + 1U);
    EXPECT_GE(branch.asked, 1) << "it should count what follows";
    EXPECT_EQ(branch.dropped(), 0) << "it broke no rule";
}

// It reorganises while it is counted: what it has now is counted from the beginning.
TEST(Flood, APeerThatChangesItsBranchWhileItIsCountedIsFollowedAllTheSame) {
    LongBranch branch(1'200, LongBranch::Mind::kChangesOnce);
    EXPECT_EQ(branch.tree().best_header()->height, 1'201U);
    EXPECT_EQ(branch.dropped(), 0);
}

TEST(Flood, ALongBranchWithMoreWorkIsReadTwiceAndKept) {
    LongBranch branch(1'200);
    EXPECT_GE(branch.tree().size(), branch.world().height(0) + 1'200U);
    EXPECT_EQ(branch.tree().best_header()->height, 1'201U);
    EXPECT_GE(branch.asked, 4);
    EXPECT_EQ(branch.dropped(), 0);
}

TEST(Flood, BodiesThatNobodyAskedForAreNotStored) {
    FakeModelKit kit;
    World world(1, scenario_name(), kit);
    world.add_node({.mine = false, .train = false});
    Stranger stranger(world, "10.0.0.99:7000");
    stranger.dial(0);
    world.run_ms(500);
    CheapMiner miner(world, world.node(0).chain().tree().genesis());
    chain::Block block;
    block.coinbase.height = 1;
    chain::BlockHeader header = miner.mine(1, false);
    header.body_root = chain::body_root(block);
    ASSERT_TRUE(node::search_nonce(world.network().work, header, 1 << 22));
    block.header = header;
    stranger.say(MessageKind::kBlock, chain::encode(block));
    world.run_ms(500);
    EXPECT_EQ(world.node(0).chain().tree().size(), 1U);
    stranger.say_headers({block.header});
    world.run_ms(500);
    Stranger another(world, "10.0.0.98:7000");
    another.dial(0);
    world.run_ms(300);
    another.say(MessageKind::kBlock, chain::encode(block));  // it was asked of the first
    world.run_ms(300);
    EXPECT_FALSE(world.store(0).has_body(chain::block_hash(block.header)));
    stranger.say(MessageKind::kBlock, chain::encode(block));
    world.run_ms(300);
    EXPECT_TRUE(world.store(0).has_body(chain::block_hash(block.header)));
}

/// A node that follows a network of slow work, and a stranger who has three headers for it.
struct SlowWork {
    explicit SlowWork(World& world) : stranger(world, "10.0.0.99:7000") {
        world.add_node({.mine = false, .train = false});
        stranger.dial(0);
        world.run_ms(2'000);
        CheapMiner miner(world, world.node(0).chain().tree().genesis());
        for (int i = 0; i < 3; ++i) headers.push_back(miner.mine(1, true));
    }
    Stranger stranger;
    std::vector<chain::BlockHeader> headers;
};

TEST(Flood, AHeaderWithoutSlowWorkIsHashedOnceAndEndsItsSender) {
    FakeModelKit kit(slow_work_definition());
    World world(1, scenario_name(), kit);
    SlowWork scene(world);
    // Wrong in what costs nothing to see: nothing is hashed.
    std::vector<chain::BlockHeader> cheap = scene.headers;
    cheap.front().target = 0x2006ffff;
    cheap.resize(1);
    scene.stranger.say_headers(cheap);
    world.run_ms(10'000);  // until the stranger notices
    EXPECT_EQ(scene.stranger.dropped, 1);
    EXPECT_EQ(world.node(0).sync().header_work().computed(), 0U);
    // Without its work, and followed by as many as a message holds.
    scene.stranger.dial(0);
    world.run_ms(2'000);
    const auto target = chain::target_from_compact(world.network().first_target).value();
    std::vector<chain::BlockHeader> bad = scene.headers;
    while (chain::meets_target(chain::work_hash(world.network().work, bad[2]), target))
        ++bad[2].nonce;
    scene.stranger.say_headers(bad);
    world.run_ms(10'000);  // until the stranger notices
    EXPECT_EQ(scene.stranger.dropped, 2);
    EXPECT_EQ(world.node(0).sync().header_work().computed(), 3U);
    EXPECT_EQ(world.node(0).chain().tree().size(), 1U);
    EXPECT_EQ(world.failure(), "");
}

TEST(Flood, HeadersOfSlowWorkAreHashedOnceHoweverOftenTheyAreSent) {
    FakeModelKit kit(slow_work_definition());
    World world(1, scenario_name(), kit);
    SlowWork scene(world);
    for (int i = 0; i < 50; ++i) {
        scene.stranger.say_headers(scene.headers);
        world.run_ms(20);
    }
    world.run_ms(1'000);
    EXPECT_EQ(scene.stranger.dropped, 0);
    EXPECT_EQ(world.node(0).chain().tree().size(), 4U);
    EXPECT_EQ(world.node(0).sync().header_work().computed(), 3U);
}

}  // namespace
}  // namespace cairn::sim
