// Proves that a block which is invalid, or which is still being judged, does not keep the honest
// one beside it away from a node that heard of both from the same peer.
#include "consensus/test_chain.h"
#include "sim/scenario.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

using node::MessageKind;

/// A node that mines nothing, and one peer, which tells it of blocks and gives them.
class OnePeer {
  public:
    explicit OnePeer(WorldOptions options = {})
        : world(1, scenario_name(), kit_, options), others(kit_.network()) {
        world.add_node({.mine = false, .train = false});
        peer_ = std::make_unique<Stranger>(world, "10.0.0.99:7000");
        peer_->on_heard = [this](const std::string&, MessageKind kind, ByteView body) {
            if (kind != MessageKind::kGetBlock) return;
            const Hash256 hash = *node::decode_hash(body);
            asked.push_back(hash);
            if (blocks_.contains(hash)) peer_->say(MessageKind::kBlock, blocks_.at(hash));
        };
        peer_->dial(0);
        world.run_ms(2'000);
    }

    /// It passes C1 and C2.
    void tell(const chain::Block& block) {
        blocks_[chain::block_hash(block.header)] = chain::encode(block);
        peer_->say_headers({block.header});
    }
    /// The block, but for the state that it names.
    chain::Block lie(chain::Block block, std::size_t number) const {
        block.header.state_root.bytes[number] ^= 1;
        others.seal(block);
        return block;
    }
    bool invalid(const chain::Block& block) {
        const auto* node = world.node(0).chain().tree().find(chain::block_hash(block.header));
        return node != nullptr && node->invalid;
    }
    /// Above an honest chain that the node has: contributions for the next block.
    consensus::Candidates before_a_merge() {
        const auto revealed = others.commit_round(alice, {alice}, {consensus::step(0, -900)});
        for (const chain::Block& block : others.blocks) tell(block);
        world.run_ms(5'000);
        consensus::Candidates candidates;
        candidates.contributions.assign(revealed.begin(), revealed.end());
        return candidates;
    }

  private:
    FakeModelKit kit_;

  public:
    World world;
    consensus::TestChain others;
    consensus::Person alice{1};
    consensus::Person bob{2};
    std::vector<Hash256> asked;

  private:
    std::unique_ptr<Stranger> peer_;
    std::map<Hash256, Bytes> blocks_;
};

TEST(ToldBranches, WhoToldAnInvalidBlockIsAskedForTheNext) {
    OnePeer play;
    chain::Block honest = play.others.assemble({}, play.alice);
    play.others.seal(honest);
    const chain::Block bad = play.lie(honest, 3);
    play.tell(bad);
    play.world.run_ms(5'000);
    ASSERT_TRUE(play.invalid(bad));
    play.tell(honest);
    play.world.run_ms(5'000);
    EXPECT_EQ(play.world.height(0), 1U) << play.world.replay_line();
}

// It was told before the other one was found invalid, so nobody will tell it again.
TEST(ToldBranches, BothAreAskedOfWhoToldThemTogether) {
    OnePeer play;
    chain::Block honest = play.others.assemble({}, play.alice);
    play.others.seal(honest);
    play.tell(play.lie(honest, 3));
    play.tell(honest);
    play.world.run_ms(5'000);
    EXPECT_EQ(play.world.height(0), 1U) << play.world.replay_line();
}

TEST(ToldBranches, ABlockThatIsStillJudgedDoesNotKeepTheHonestOneAway) {
    WorldOptions options;
    options.reference_lane = {30'000'000, 30'000'000};
    OnePeer play(options);
    const consensus::Candidates candidates = play.before_a_merge();
    chain::Block honest = play.others.assemble(candidates, play.bob);
    ASSERT_EQ(honest.contributions.size(), 1U);
    play.others.seal(honest);
    const std::uint32_t below = play.world.height(0);
    ASSERT_EQ(below, honest.coinbase.height - 1);
    const chain::Block bad = play.lie(honest, 0);
    play.tell(bad);
    play.world.run_ms(5'000);
    ASSERT_EQ(play.world.height(0), below);
    play.tell(honest);
    play.world.run_ms(5'000);
    EXPECT_FALSE(play.invalid(bad)) << "the reference needs longer";
    EXPECT_EQ(play.world.tip(0), chain::block_hash(honest.header)) << play.world.replay_line();
}

// As many as a peer's branches that are remembered, one after the other.
TEST(ToldBranches, ManyInvalidBlocksDoNotKeepTheHonestOneAway) {
    OnePeer play;
    chain::Block honest = play.others.assemble({}, play.alice);
    play.others.seal(honest);
    for (std::size_t i = 0; i < 12; ++i) {
        play.tell(play.lie(honest, i));
        play.world.run_ms(500);
    }
    play.tell(honest);
    play.world.run_ms(5'000);
    EXPECT_EQ(play.world.height(0), 1U) << play.world.replay_line();
    EXPECT_EQ(play.asked.size(), 13U);
}

}  // namespace
}  // namespace cairn::sim
