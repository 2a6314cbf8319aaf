// What the store's tests share: a folder that is removed at the end, blocks that can be made from
// their heights alone, and the invariants that must hold after any crash.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/encoding.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "store/store.h"

namespace cairn::store {

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = testing::TempDir() + "cairn-store-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code failure;
        std::filesystem::remove_all(path_, failure);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// The value of a Result, or a failed test with the reason.
template <typename T>
T must(Result<T> result) {
    if (!result.ok()) {
        ADD_FAILURE() << result.error().message;
        std::abort();
    }
    return std::move(result).value();
}

inline Hash256 test_hash(const std::string& what, std::uint64_t number) {
    Writer writer;
    writer.text(what);
    writer.u64(number);
    return crypto::sha256(writer.out());
}

/// Block `height` of branch `branch`: everything about it follows from the two numbers.
struct TestBlock {
    explicit TestBlock(std::uint64_t at, const std::string& branch = "main") : height(at) {
        hash = test_hash(branch, at);
        previous = at == 0 ? Hash256{} : test_hash(branch, at - 1);
        body.resize(1000 + 37 * (at % 50));
        SeededRandom random(at);
        random.fill(body);
    }

    HeaderRecord header() const {
        HeaderRecord record;
        record.hash = hash;
        record.previous = previous;
        record.height = height;
        record.header = Bytes(80, static_cast<std::uint8_t>(height));
        record.work.bytes[31] = static_cast<std::uint8_t>(height);
        return record;
    }

    BlockRecords records() const {
        BlockRecords records;
        records.hash = hash;
        records.height = height;
        PaymentRecord coinbase;
        coinbase.id = test_hash("coinbase of " + to_hex(hash), height);
        coinbase.coinbase = true;
        coinbase.parties.push_back({test_hash("miner", height % 3), 50, 0});
        records.payments.push_back(coinbase);
        ContributionRecord contribution;
        contribution.commitment_id = test_hash("commitment of " + to_hex(hash), height);
        contribution.contributor = test_hash("contributor", height % 3);
        contribution.round = height;
        contribution.height = height;
        contribution.block = hash;
        contribution.merged = true;
        contribution.reason = "merged";
        contribution.score = Int128{-7} * (Int128{1} << 90);
        contribution.reward = 100 + height;
        records.contributions.push_back(contribution);
        MergeRecord merge;
        merge.height = height;
        merge.block = hash;
        merge.judge_loss_after = 5.0 / static_cast<double>(height + 1);
        merge.contributions = 1;
        merge.minted = 100 + height;
        merge.state_root = test_hash("state", height);
        records.merge = merge;
        return records;
    }

    TipChange joins() const { return TipChange{{}, {records()}, {hash, height}}; }

    std::uint64_t height;
    Hash256 hash;
    Hash256 previous;
    Bytes body;
};

/// Header, body and tip: what a node does with a block that it found valid.
inline Status add_block(Store& store, const TestBlock& block) {
    RETURN_IF_ERROR(store.add_header(block.header()));
    RETURN_IF_ERROR(store.put_body(block.hash, block.body));
    return store.advance_tip(block.joins());
}

/// What must hold whenever a store of the branch "main" is opened. Returns its height; -1: empty.
inline std::int64_t check_invariants(Store& store) {
    const auto tip = must(store.tip());
    if (!tip) return -1;
    for (std::uint64_t height = 0; height <= tip->height; ++height) {
        const TestBlock block(height);
        EXPECT_EQ(must(store.active_block(height)), block.hash);
        EXPECT_EQ(must(store.header(block.hash)).status, BlockStatus::kValid);
        EXPECT_EQ(must(store.body(block.hash)), block.body);
        EXPECT_EQ(must(store.contributions(block.hash, 9)).size(), 1u);
        EXPECT_EQ(must(store.payment(block.records().payments[0].id)).height, height);
    }
    EXPECT_EQ(must(store.merges(0, 1'000'000)).size(), tip->height + 1);
    EXPECT_FALSE(store.active_block(tip->height + 1).ok());
    EXPECT_TRUE(must(store.merges(tip->height + 1, 1)).empty());
    for (const SnapshotRecord& snapshot : must(store.snapshots())) {
        EXPECT_LE(snapshot.height, tip->height);
        EXPECT_EQ(must(store.snapshot(snapshot)), TestBlock(snapshot.height).body);
    }
    return static_cast<std::int64_t>(tip->height);
}

}  // namespace cairn::store
