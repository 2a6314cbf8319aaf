// Proves that a node copies its chain's model once however many ask for it, gives leaves that lead
// to the state root of the block that it names, also where that lies merges below the tip, and
// gives nothing where the copy is not that block's.
#include "node/theta_giver.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "chain/target.h"
#include "codec/codec.h"
#include "consensus/state_root.h"
#include "consensus/winner_rules.h"
#include "fetch/test_links.h"
#include "node/network_presets.h"
#include "tensor/kernels.h"
#include "worth/chain_model.h"

namespace cairn::node {
namespace {

class CountingReader final : public ModelReader {
  public:
    CountingReader(const worth::ChainModel& model, bool is_wrong)
        : model_(model), is_wrong_(is_wrong) {}
    std::optional<ThetaCopy> theta_at(const ChainState& state,
                                      const BlockNode* block) const override {
        const auto later = state.merges_above(block);
        if (!later) return std::nullopt;
        ++copies;
        ThetaCopy copy{model_.layout().config(), model_.theta_before(*later)};
        if (is_wrong_) ++copy.theta[7];
        return copy;
    }
    WeightsPtr weights(const ChainState&) const override { return nullptr; }
    model::Model model_of(WeightsPtr) const override { return {}; }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<std::vector<double>> report_losses(const std::vector<float>&) override {
        return std::vector{0.0};
    }
    Result<std::string> generate(const std::vector<float>&, const std::string&, std::uint32_t,
                                 std::uint64_t) override {
        return std::string();
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return ok_status();
    }
    mutable int copies = 0;

  private:
    const worth::ChainModel& model_;
    bool is_wrong_;
};

struct Asker final : net::NetworkHandler {
    Asker(Loop& loop, fetch::TestWire& wire, const std::string& address)
        : links(loop, wire, address) {
        links.set_handler(this);
        links.connect("node");
    }
    void on_peer_up(net::PeerId id, const net::PeerInfo&) override {
        peer = id;
        send(links, id, fetch::MessageKind::kAskWeights, fetch::encode_ask_weights({}));
    }
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId, std::uint16_t kind, Bytes body) override {
        switch (static_cast<fetch::MessageKind>(kind)) {
            case fetch::MessageKind::kWeights:
                weights = *fetch::decode_weights(body);
                break;
            case fetch::MessageKind::kLeaves:
                leaves = *fetch::decode_leaves(body);
                break;
            default:
                ++refused;
        }
    }
    fetch::TestLinks links;
    net::PeerId peer = 0;
    std::optional<fetch::Weights> weights;
    std::optional<fetch::Leaves> leaves;
    int refused = 0;
};

struct ThetaGiving : testing::Test, private net::NetworkHandler {
    void start(bool is_wrong, bool one_winner = false) {
        const std::vector<std::uint32_t> judge(2'000, 65);
        network = *network_preset("tiny");
        if (one_winner) {
            set_one_winner(network);
            network.codec = {.kind = chain::CodecKind::kDense, .log2_ratio = 0, .bits = 8};
        }
        network.first_target = network.pow_limit = 0x207fffff;
        network.judge_hash = worth::token_text_hash(judge);
        model =
            worth::ChainModel::create(network, judge, {tensor::reference_kernels(), &pool}).value();
        chain = std::make_unique<ActiveChain>(network, clock, loop, *store, *model, ChainOptions{});
        ASSERT_TRUE(chain->start([] {}).ok());
        loop.run();
        reader.emplace(*model, is_wrong);
        giver.emplace(network, clock, loop, links, *chain, &*reader, fetch::GiverOptions{});
        links.set_handler(this);
        for (int i = 0; i < 5; ++i)
            askers.push_back(std::make_unique<Asker>(loop, wire, "asker " + std::to_string(i)));
        loop.run();
    }
    /// Of a block of one winner upon the tip, which moves all parameters by as much.
    consensus::Candidates update() {
        const BlockNode* tip = chain->tip()->node;
        const std::size_t count = model->layout().size();
        const double step = static_cast<double>(network.norm_start) / std::sqrt(count);
        const auto more = static_cast<std::int32_t>(1'000 * tip->height);
        const std::vector<std::int32_t> delta(count, static_cast<std::int32_t>(step) + more);
        consensus::Candidates candidates;
        candidates.contributions = {consensus::winner_contribution(
            network, chain->genesis_id(), {tip->hash, tip->height + 1, crypto::public_key(miner)},
            codec::encode(network.codec, delta, {}), miner, random)};
        return candidates;
    }
    /// Blocks, a second apart, up to now: empty ones, or in a network of one winner with updates.
    void mine(int count) {
        for (; count > 0; --count) {
            loop.advance_ms(1'000);
            std::optional<chain::Block> block;
            const auto candidates = network.round_length == 1 ? update() : consensus::Candidates();
            chain->lane().on_lane(
                [&, now_ms = clock.wall_ms()](ChainState& state) {
                    return state.assemble(state.tip(), candidates, crypto::public_key(miner),
                                          now_ms, nullptr);
                },
                [&](Result<chain::Block> made) { block = *std::move(made); });
            loop.run();
            const chain::U256 target = *chain::target_from_compact(block->header.target);
            while (!chain::meets_target(chain::work_hash(network.work, block->header), target))
                ++block->header.nonce;
            chain->accept_headers({&block->header, 1});
            chain->accept_block(*block);
            loop.run();
            ASSERT_EQ(chain->tip()->node->hash, chain::block_hash(block->header));
            ASSERT_EQ(block->contributions.empty(), network.round_length > 1);
        }
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId peer, const std::string&) override { giver->on_peer_down(peer); }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        EXPECT_TRUE(giver->on_message(peer, kind, body).ok());
    }

    ManualClock clock;
    SeededRandom random{7};
    crypto::SecretKey miner = crypto::SecretKey::generate(random);
    TestLoop loop{clock};
    ThreadPool pool{1};
    chain::NetworkDefinition network;
    std::unique_ptr<worth::ChainModel> model;
    MemoryDisk disk;
    std::unique_ptr<store::Store> store = store::Store::in_memory(disk).value();
    fetch::TestWire wire;
    fetch::TestLinks links{loop, wire, "node"};
    std::unique_ptr<ActiveChain> chain;
    std::optional<CountingReader> reader;
    std::optional<ThetaGiver> giver;
    std::vector<std::unique_ptr<Asker>> askers;
};

TEST_F(ThetaGiving, AModelIsCopiedOnceAndItsLeavesLeadToTheStateRoot) {
    start(false);
    EXPECT_EQ(reader->copies, 1);
    for (const auto& asker : askers) {
        ASSERT_TRUE(asker->weights && asker->weights->anchor);
        const fetch::Manifest manifest = *fetch::decode_manifest(asker->weights->manifest);
        const fetch::Anchor& anchor = *asker->weights->anchor;
        const BlockNode* block = chain->tip()->node;
        EXPECT_EQ(anchor.block, block->hash);
        EXPECT_EQ(consensus::state_root(manifest.root, anchor.coins_root, anchor.rules_root),
                  block->header.state_root);
        send(asker->links, asker->peer, fetch::MessageKind::kAskLeaves,
             encode(fetch::AskLeaves{manifest.name(), 0, 2}));
    }
    // Who asks later has the same copy.
    Asker later(loop, wire, "later");
    loop.advance_ms(100);
    EXPECT_TRUE(later.weights);
    EXPECT_EQ(reader->copies, 1);
    for (const auto& asker : askers) {
        ASSERT_TRUE(asker->leaves);
        EXPECT_EQ(asker->leaves->bytes.size(), 2 * fetch::kLeafBytes);
    }
}

// A block on top costs its miner little; whoever knows headers alone wants work upon what he
// believes.
TEST_F(ThetaGiving, TheMergeBlockItselfIsNamedOnceItStandsFirm) {
    start(false);
    mine(static_cast<int>(network.round_length));
    const BlockNode* merge = chain->tip()->node;
    ASSERT_EQ(merge->height % network.round_length, 0U);
    Asker early(loop, wire, "early");
    loop.advance_ms(100);
    ASSERT_TRUE(early.weights && early.weights->anchor);
    EXPECT_EQ(early.weights->anchor->block, ancestor_at(merge, 0)->hash) << "nothing lies upon it";
    mine(5);
    Asker sooner(loop, wire, "sooner");
    loop.advance_ms(100);
    ASSERT_TRUE(sooner.weights && sooner.weights->anchor);
    EXPECT_EQ(sooner.weights->anchor->block, ancestor_at(merge, 0)->hash) << "five blocks do";
    mine(1);
    Asker later(loop, wire, "later");
    loop.advance_ms(100);
    ASSERT_TRUE(later.weights && later.weights->anchor);
    const fetch::Anchor& anchor = *later.weights->anchor;
    EXPECT_EQ(anchor.block, merge->hash);
    const fetch::Manifest manifest = *fetch::decode_manifest(later.weights->manifest);
    EXPECT_EQ(consensus::state_root(manifest.root, anchor.coins_root, anchor.rules_root),
              merge->header.state_root);
}

// What stands firm is then not the model in memory but one of six merges ago, which is made from
// it.
TEST_F(ThetaGiving, WhereEveryBlockMergesTheModelOfSixBlocksAgoIsGiven) {
    start(false, true);
    mine(7);
    const BlockNode* tip = chain->tip()->node;
    Asker asker(loop, wire, "asker");
    loop.advance_ms(100);
    ASSERT_TRUE(asker.weights && asker.weights->anchor);
    const fetch::Anchor& anchor = *asker.weights->anchor;
    EXPECT_EQ(anchor.block, ancestor_at(tip, 1)->hash);
    const fetch::Manifest manifest = *fetch::decode_manifest(asker.weights->manifest);
    EXPECT_NE(manifest.root, model->root());
    EXPECT_EQ(consensus::state_root(manifest.root, anchor.coins_root, anchor.rules_root),
              ancestor_at(tip, 1)->header.state_root);
    mine(1);
    Asker later(loop, wire, "later");
    loop.advance_ms(100);
    ASSERT_TRUE(later.weights && later.weights->anchor);
    EXPECT_EQ(later.weights->anchor->block, ancestor_at(chain->tip()->node, 2)->hash);
    EXPECT_NE(later.weights->manifest, asker.weights->manifest);
}

TEST_F(ThetaGiving, WhatIsNotTheBlocksModelIsNotGiven) {
    start(true);
    for (const auto& asker : askers) {
        EXPECT_FALSE(asker->weights);
        EXPECT_EQ(asker->refused, 1);
    }
}

}  // namespace
}  // namespace cairn::node
