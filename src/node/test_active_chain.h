// An ActiveChain over the fake model, on a loop that the test drives, and beside it a TestChain
// (consensus/test_chain.h), which makes the blocks that come from others. Only for tests.
#pragma once

#include <memory>
#include <vector>

#include "base/test_loop.h"
#include "consensus/test_chain.h"
#include "node/active_chain.h"

namespace cairn::node {

class ActiveChainKit : public ActiveChain::Observer {
  public:
    explicit ActiveChainKit(chain::NetworkDefinition network = consensus::test_network(),
                            ChainOptions chain_options = {},
                            const consensus::RuleBook& book = consensus::own_rule_book())
        : others(network, book),
          options(chain_options),
          clock(network.genesis_time_ms + 1'000'000),
          loop(clock),
          store(store::Store::in_memory(disk).value()) {
        start();
    }

    consensus::TestChain others;
    consensus::Person alice{1};
    consensus::Person bob{2};
    ChainOptions options;
    ManualClock clock;
    TestLoop loop;
    MemoryDisk disk;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<consensus::FakeModel> model;
    std::unique_ptr<ActiveChain> chain;
    std::vector<SwitchOutcome> outcomes;  ///< of all moves of the tip
    int bodies_wanted = 0;
    std::string fault;

    /// A fresh process on the same disk.
    void start() {
        chain.reset();
        model = std::make_unique<consensus::FakeModel>();
        chain = std::make_unique<ActiveChain>(others.network, clock, loop, *store, *model, options);
        chain->set_observer(this);
        CHECK(chain->start([] {}).ok());
        loop.run();
        CHECK(chain->is_ready());
    }
    /// Header and body arrive.
    void give(const chain::Block& block) {
        give_header(block);
        chain->accept_block(block);
        loop.run();
    }
    ActiveChain::HeadersOutcome give_header(const chain::Block& block) {
        return chain->accept_headers({&block.header, 1});
    }
    /// The others' next block.
    chain::Block mine(const consensus::Person& miner,
                      const consensus::Candidates& candidates = {}) {
        return others.mine(miner, candidates);
    }
    /// The others take back their latest blocks, to make other ones.
    void take_back(int blocks) {
        for (int i = 0; i < blocks; ++i) others.disconnect();
    }
    /// `count` empty blocks, given to nobody yet.
    std::vector<chain::Block> branch(const consensus::Person& miner, int count) {
        std::vector<chain::Block> blocks;
        for (int i = 0; i < count; ++i) blocks.push_back(others.mine(miner));
        return blocks;
    }
    Hash256 tip() const { return chain->tip()->node->hash; }
    const BlockNode* node(const chain::Block& block) const {
        return chain->tree().find(chain::block_hash(block.header));
    }

    void on_tip(const SwitchOutcome& outcome) override { outcomes.push_back(outcome); }
    void on_block_accepted(const BlockNode*) override {}
    void on_bodies_wanted() override { ++bodies_wanted; }
    void on_fault(const std::string& sentence) override { fault = sentence; }
};

inline Hash256 hash_of(const chain::Block& block) { return chain::block_hash(block.header); }

}  // namespace cairn::node
