// A chain of the rules' tests, with payments, commitments and contributions, in a store, as a node
// would leave it there. Only for tests.
#pragma once

#include <memory>

#include "base/disk.h"
#include "consensus/test_chain.h"
#include "store/store.h"

namespace cairn::proof {

class StoredChain {
  public:
    explicit StoredChain(const chain::NetworkDefinition& network = consensus::test_network())
        : chain(network), store(std::move(store::Store::in_memory(disk_)).value()) {}

    /// Puts the blocks that the chain has meanwhile into the store.
    void keep() {
        for (; kept_ < chain.blocks.size(); ++kept_) keep(chain.blocks[kept_]);
    }

    consensus::TestChain chain;

  private:
    MemoryDisk disk_;

  public:
    std::unique_ptr<store::Store> store;

  private:
    void keep(const chain::Block& block) {
        store::HeaderRecord header;
        header.hash = chain::block_hash(block.header);
        header.previous = block.header.previous;
        header.height = block.coinbase.height;
        const auto bytes = chain::header_bytes(block.header);
        header.header = Bytes(bytes.bytes.begin(), bytes.bytes.end());
        CHECK(store->add_header(header).ok());
        CHECK(store->put_body(header.hash, chain::encode(block)).ok());
        store::BlockRecords records;
        records.hash = header.hash;
        records.height = header.height;
        records.payments.push_back({chain::coinbase_id(block.coinbase), true, {}});
        for (const chain::Payment& payment : block.payments)
            records.payments.push_back({chain::payment_id(payment), false, {}});
        for (const chain::Contribution& contribution : block.contributions) {
            store::ContributionRecord record;
            record.commitment_id = contribution.commitment_id;
            record.round = chain.network.round_of(block.coinbase.height);
            record.height = header.height;
            record.block = header.hash;
            record.merged = true;
            records.contributions.push_back(record);
        }
        CHECK(store->advance_tip({{}, {records}, {header.hash, header.height}}).ok());
    }

    std::size_t kept_ = 0;
};

}  // namespace cairn::proof
