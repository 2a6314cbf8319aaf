// Proves that the store gives back what was put, across restarts and reorganisations, and refuses
// what it must: another network, a second writer, a newer schema, writes through a reader.
#include "store/store.h"

#include <gtest/gtest.h>

#include "store/sqlite.h"
#include "store/store_fixture.h"

namespace cairn::store {
namespace {

TEST(Store, EverythingSurvivesReopening) {
    TemporaryFolder folder;
    {
        auto store = must(Store::open(folder.path()));
        EXPECT_FALSE(must(store->tip()).has_value());
        for (std::uint64_t height = 0; height < 20; ++height)
            must(add_block(*store, TestBlock(height)));
        must(store->put_snapshot(10, TestBlock(10).hash, TestBlock(10).body));
        must(store->set_report_loss(TestBlock(5).hash, 3.25));
        must(store->set_sample(TestBlock(5).hash, "In the beginning"));
        must(store->put_peer({"127.0.0.1:9000", test_hash("peer", 1), 77, 2}));
    }
    auto store = must(Store::open(folder.path()));
    EXPECT_EQ(check_invariants(*store), 19);
    const ContributionRecord record = must(store->contributions(TestBlock(3).hash, 1))[0];
    const ContributionRecord original = TestBlock(3).records().contributions[0];
    EXPECT_EQ(record.commitment_id, original.commitment_id);
    EXPECT_TRUE(record.score == original.score);
    EXPECT_EQ(record.reward, 103u);
    const MergeRecord merge = must(store->merges(5, 1))[0];
    EXPECT_EQ(merge.report_loss, 3.25);
    EXPECT_EQ(merge.sample, "In the beginning");
    EXPECT_FALSE(merge.judge_loss_before.has_value());
    const auto peers = must(store->peers());
    ASSERT_EQ(peers.size(), 1u);
    EXPECT_EQ(peers[0].failures, 2u);
    EXPECT_EQ(must(store->header(TestBlock(4).hash)).arrival, 5u);
}

TEST(Store, ReorganisationReplacesTheRecordsOfTheBranch) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    for (std::uint64_t height = 0; height < 6; ++height) must(add_block(*store, TestBlock(height)));
    TipChange change;
    for (std::uint64_t height = 5; height > 2; --height)
        change.disconnected.push_back(TestBlock(height).hash);
    for (std::uint64_t height = 3; height < 8; ++height) {
        const TestBlock block(height, "other");
        must(store->add_header(block.header()));
        must(store->put_body(block.hash, block.body));
        change.connected.push_back(block.records());
        change.tip = {block.hash, height};
    }
    must(store->advance_tip(change));
    EXPECT_EQ(must(store->tip())->height, 7u);
    EXPECT_EQ(must(store->active_block(2)), TestBlock(2).hash);
    EXPECT_EQ(must(store->active_block(3)), TestBlock(3, "other").hash);
    EXPECT_TRUE(must(store->contributions(TestBlock(4).hash, 9)).empty());
    EXPECT_FALSE(store->payment(TestBlock(4).records().payments[0].id).ok());
    EXPECT_EQ(must(store->merges(0, 100)).size(), 8u);
    // The left branch stays on disk: it may win again.
    EXPECT_EQ(must(store->body(TestBlock(5).hash)), TestBlock(5).body);
}

TEST(Store, AWrongStepOfTheChainChangesNothing) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    for (std::uint64_t height = 0; height < 4; ++height) must(add_block(*store, TestBlock(height)));
    TipChange hole = TestBlock(5).joins();
    must(store->add_header(TestBlock(5).header()));
    EXPECT_FALSE(store->advance_tip(hole).ok());
    TipChange not_the_tip;
    not_the_tip.disconnected = {TestBlock(3).hash, TestBlock(1).hash};
    not_the_tip.tip = {TestBlock(1).hash, 1};
    EXPECT_FALSE(store->advance_tip(not_the_tip).ok());
    EXPECT_FALSE(store->advance_tip(TestBlock(4).joins()).ok()) << "no header, so no such block";
    TipChange wrong_end;
    wrong_end.disconnected = {TestBlock(3).hash};
    wrong_end.tip = {TestBlock(3).hash, 3};
    EXPECT_FALSE(store->advance_tip(wrong_end).ok());
    EXPECT_EQ(check_invariants(*store), 3);
}

TEST(Store, StatusesMoveForwardAndInvalidStays) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const TestBlock block(0);
    EXPECT_EQ(store->put_body(block.hash, block.body).error().code, ErrorCode::kNotFound);
    must(store->add_header(block.header()));
    EXPECT_EQ(store->body(block.hash).error().code, ErrorCode::kNotFound);
    must(store->put_body(block.hash, block.body));
    EXPECT_EQ(must(store->header(block.hash)).status, BlockStatus::kBody);
    must(store->discard_body(block.hash));
    EXPECT_EQ(must(store->header(block.hash)).status, BlockStatus::kHeader);
    EXPECT_FALSE(store->has_body(block.hash));
    must(store->mark_invalid(block.hash, "a payment spends a coin twice"));
    must(store->put_body(block.hash, block.body));
    must(store->add_header(block.header()));
    const HeaderRecord known = must(store->header(block.hash));
    EXPECT_EQ(known.status, BlockStatus::kInvalid);
    EXPECT_EQ(known.reason, "a payment spends a coin twice");
    EXPECT_FALSE(store->mark_invalid(test_hash("unknown", 0), "").ok());
}

TEST(Store, RefusedContributionsAreRememberedUntilMerged) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    ContributionRecord refused = TestBlock(0).records().contributions[0];
    refused.reason = "its worth is negative: it points uphill";
    refused.reward = 0;
    must(store->put_refused(refused));
    must(store->put_refused(refused));
    auto found = must(store->contributions(refused.commitment_id, 9));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_FALSE(found[0].merged);
    EXPECT_TRUE(found[0].block.is_zero());
    must(add_block(*store, TestBlock(0)));
    found = must(store->contributions(refused.commitment_id, 9));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].merged);
    EXPECT_EQ(must(store->contributions_at(0, 9)).size(), 1u);
    // The same reason again, but after the merge: it is not remembered.
    must(store->put_refused(refused));
    found = must(store->contributions(refused.commitment_id, 9));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].merged);
}

TEST(Store, RefusedContributionsAreBounded) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    ContributionRecord record;
    for (std::uint64_t i = 0; i < kMaxRefused + 20; ++i) {
        record.commitment_id = test_hash("flood", i);
        must(store->put_refused(record));
    }
    EXPECT_EQ(must(store->contributions(Hash256{}, 2 * kMaxRefused)).size(), kMaxRefused);
    EXPECT_TRUE(must(store->contributions(test_hash("flood", 19), 1)).empty());
    EXPECT_EQ(must(store->contributions(test_hash("flood", 20), 1)).size(), 1u);
}

TEST(Store, TheFirstPaymentToAKeyIsFoundBehindAnyNumberOfOthers) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const auto alice = test_hash("alice", 0);
    EXPECT_FALSE(must(store->first_received(alice)));
    TestBlock block(0);
    BlockRecords records = block.records();
    records.payments.push_back({test_hash("spent", 0), false, {{alice, 0, 10}}});
    for (std::uint64_t i = 0; i < 1'200; ++i)
        records.payments.push_back({test_hash("flood", i), false, {{alice, 10, 0}}});
    must(store->add_header(block.header()));
    must(store->advance_tip({{}, {records}, {block.hash, 0}}));
    const auto first = must(store->first_received(alice));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->payment, test_hash("flood", 0));
    EXPECT_EQ(first->place.position, 2u);
    EXPECT_EQ(must(store->history(alice, 1'000)).back().payment, test_hash("flood", 200));
}

TEST(Store, HistoryTellsWhatAKeyGotAndGave) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const auto alice = test_hash("alice", 0);
    const auto bob = test_hash("bob", 0);
    TestBlock block(0);
    BlockRecords records = block.records();
    // Two coins of Alice's go in, Bob is paid, she gets change.
    records.payments.push_back(
        {test_hash("payment", 1), false, {{alice, 0, 30}, {alice, 0, 30}, {bob, 45, 0}}});
    records.payments[1].parties.push_back({alice, 14, 0});
    must(store->add_header(block.header()));
    must(store->advance_tip({{}, {records}, {block.hash, 0}}));
    const auto history = must(store->history(alice, 10));
    ASSERT_EQ(history.size(), 1u);
    EXPECT_EQ(history[0].spent, 60u);
    EXPECT_EQ(history[0].received, 14u);
    EXPECT_EQ(history[0].place.position, 1u);
    EXPECT_FALSE(history[0].coinbase);
    EXPECT_TRUE(must(store->history(test_hash("miner", 0), 10))[0].coinbase);
    const std::string name = to_hex(test_hash("payment", 1));
    EXPECT_EQ(must(store->find_by_prefix(name.substr(0, 9), 5)),
              std::vector<Hash256>{test_hash("payment", 1)});
    EXPECT_FALSE(store->find_by_prefix("abc", 5).ok());
    EXPECT_FALSE(store->find_by_prefix("not hexadecimal", 5).ok());
}

TEST(Store, KeepsTheLatestSnapshotsOnly) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    for (const std::uint64_t height : {5u, 9u, 12u, 7u, 8u})  // 7 and 8: after a reorganisation
        must(store->put_snapshot(height, TestBlock(height).hash, TestBlock(height).body));
    const auto kept = must(store->snapshots());
    ASSERT_EQ(kept.size(), kKeptSnapshots);
    EXPECT_EQ(kept[0].height, 8u);
    EXPECT_EQ(kept[1].height, 7u);
    EXPECT_EQ(kept[2].height, 12u);
    EXPECT_EQ(disk.list("snapshots").size(), kKeptSnapshots);
}

// Whoever goes back further than the latest ones replays a few times as many blocks, not all.
TEST(Store, OfTheActiveChainEverFewerSnapshotsAreKeptFurtherDown) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    for (std::uint64_t height = 0; height < 12'000; ++height) {
        must(add_block(*store, TestBlock(height)));
        if (height % 32 != 31) continue;
        must(store->put_snapshot(height, TestBlock(height).hash, TestBlock(height).body));
        const auto kept = must(store->snapshots());
        ASSERT_LE(kept.size(), 3U + 7U);
        ASSERT_EQ(kept.size(), disk.list("snapshots").size());
        for (std::uint64_t depth = 64; depth <= std::min<std::uint64_t>(height, 2'048);
             depth *= 2) {
            std::uint64_t from = 0;
            for (const SnapshotRecord& each : kept)
                if (each.height + depth <= height) from = std::max(from, each.height);
            ASSERT_LE(height - depth - from, 3 * depth) << depth << " below " << height;
        }
    }
    // Of a branch that was given up only the latest are kept.
    for (const std::uint64_t height : {11'900U, 11'910U, 11'920U, 11'930U})
        must(store->put_snapshot(height, TestBlock(height, "other").hash, TestBlock(9).body));
    int of_others = 0;
    for (const SnapshotRecord& each : must(store->snapshots()))
        of_others += each.block == TestBlock(each.height, "other").hash;
    EXPECT_EQ(of_others, 3);
}

TEST(Store, TheBestMergeIsTheOneOfLowestLossOnTheActiveChain) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    EXPECT_EQ(must(store->best_merge()), std::nullopt);
    for (std::uint64_t height = 0; height < 40; ++height)
        must(add_block(*store, TestBlock(height)));
    const auto merges = must(store->merges(0, 100));
    ASSERT_GE(merges.size(), 4U);
    for (std::size_t i = 0; i < merges.size(); ++i)
        must(store->set_report_loss(merges[i].block, 5.0));
    EXPECT_EQ(must(store->best_merge())->height, merges[0].height) << "of equals the earlier";
    const MergeRecord& last = merges.back();
    must(store->set_report_loss(merges[1].block, 2.5));
    must(store->set_report_loss(last.block, 2.0));
    EXPECT_EQ(must(store->best_merge())->block, last.block);
    TipChange back;
    for (std::uint64_t height = 39; height >= last.height; --height)
        back.disconnected.push_back(TestBlock(height).hash);
    back.tip = {TestBlock(last.height - 1).hash, last.height - 1};
    must(store->advance_tip(back));
    EXPECT_EQ(must(store->best_merge())->block, merges[1].block) << "the other left the chain";
}

TEST(Store, OneModelIsKept) {
    TemporaryFolder folder;
    const TestBlock first(8), second(16);
    {
        auto store = must(Store::open(folder.path()));
        must(store->keep_model(8, first.hash, first.body));
        EXPECT_EQ(must(store->kept_model(8, first.hash)), first.body);
        must(store->keep_model(16, second.hash, second.body));
    }
    auto reader = must(Store::open(folder.path(), {.read_only = true}));
    EXPECT_EQ(must(reader->kept_model(16, second.hash)), second.body);
    EXPECT_EQ(reader->kept_model(8, first.hash).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(reader->keep_model(8, first.hash, first.body).error().code, ErrorCode::kRefused);
}

TEST(Store, PeersAreBoundedByTheLongestUnseen) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    for (std::uint32_t i = 0; i < kMaxPeers + 5; ++i)
        must(store->put_peer({"host:" + std::to_string(i), {}, i, 0}));
    const auto peers = must(store->peers());
    ASSERT_EQ(peers.size(), kMaxPeers);
    EXPECT_EQ(peers.back().last_seen_ms, 5u);
}

TEST(Store, BelongsToOneNetworkAndOneWriter) {
    TemporaryFolder folder;
    auto store = must(Store::open(folder.path()));
    EXPECT_EQ(store->network().error().code, ErrorCode::kNotFound);
    must(store->bind_network(test_hash("network", 1)));
    must(store->bind_network(test_hash("network", 1)));
    EXPECT_EQ(store->bind_network(test_hash("network", 2)).error().code, ErrorCode::kRefused);
    EXPECT_EQ(Store::open(folder.path()).error().code, ErrorCode::kRefused);
}

TEST(Store, AReaderSeesWhatTheWriterCommitsAndCannotWrite) {
    TemporaryFolder folder;
    EXPECT_EQ(Store::open(folder.path(), {.read_only = true}).error().code, ErrorCode::kNotFound);
    auto writer = must(Store::open(folder.path()));
    auto reader = must(Store::open(folder.path(), {.read_only = true}));
    for (std::uint64_t height = 0; height < 10; ++height) {
        must(add_block(*writer, TestBlock(height)));
        EXPECT_EQ(check_invariants(*reader), static_cast<std::int64_t>(height));
    }
    const TestBlock block(10);
    EXPECT_EQ(reader->add_header(block.header()).error().code, ErrorCode::kRefused);
    EXPECT_EQ(reader->put_body(block.hash, block.body).error().code, ErrorCode::kRefused);
    EXPECT_EQ(reader->advance_tip(block.joins()).error().code, ErrorCode::kRefused);
    EXPECT_EQ(reader->put_snapshot(1, block.hash, block.body).error().code, ErrorCode::kRefused);
    EXPECT_EQ(reader->put_peer({}).error().code, ErrorCode::kRefused);
    writer.reset();
    EXPECT_EQ(check_invariants(*reader), 9) << "the writer's end does not disturb a reader";
    reader.reset();
    reader = must(Store::open(folder.path(), {.read_only = true}));
    EXPECT_EQ(check_invariants(*reader), 9) << "nor does a reader need a writer";
}

TEST(Store, RefusesTheSchemaOfANewerProgram) {
    TemporaryFolder folder;
    must(Store::open(folder.path()));
    {
        auto database = must(Database::open(folder.path() + "/chain.sqlite", {}));
        must(database->exec("PRAGMA user_version = 99;"));
    }
    EXPECT_EQ(Store::open(folder.path()).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(Store::open(folder.path(), {.read_only = true}).error().code,
              ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::store
