// Proves that a damaged or full disk gives a clear error and never a wrong state.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/sqlite.h"
#include "store/store.h"
#include "store/store_fixture.h"

namespace cairn::store {
namespace {

namespace fs = std::filesystem;

std::string body_path(const TestBlock& block) {
    const std::string name = to_hex(block.hash);
    return "bodies/" + name.substr(name.size() - 2) + "/" + name;
}

TEST(Damage, EveryFlippedBitOfABodyIsFound) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const TestBlock block(0);
    must(add_block(*store, block));
    const std::size_t bits = 8 * must(disk.read(body_path(block), 1 << 20)).size();
    for (std::size_t bit = 0; bit < bits; bit += bit < 600 ? 1 : 61) {
        disk.flip_bit(body_path(block), bit);
        const auto damaged = store->body(block.hash);
        ASSERT_FALSE(damaged.ok()) << "bit " << bit;
        ASSERT_EQ(damaged.error().code, ErrorCode::kIo);
        disk.flip_bit(body_path(block), bit);
    }
    EXPECT_EQ(must(store->body(block.hash)), block.body);
}

TEST(Damage, EveryShortReadOfASnapshotIsFound) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const TestBlock block(7);
    must(store->put_snapshot(7, block.hash, block.body));
    const std::string name = "snapshots/7-" + to_hex(block.hash);
    const Bytes whole = must(disk.read(name, 1 << 20));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        must(disk.write_atomic(name, ByteView(whole).first(size)));
        ASSERT_EQ(store->snapshot({7, block.hash}).error().code, ErrorCode::kIo) << size;
    }
    Bytes longer = whole;
    longer.push_back(0);
    must(disk.write_atomic(name, longer));
    EXPECT_EQ(store->snapshot({7, block.hash}).error().code, ErrorCode::kIo);
}

TEST(Damage, AFileUnderAnothersNameIsFound) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    must(add_block(*store, TestBlock(0)));
    must(add_block(*store, TestBlock(1)));
    must(disk.write_atomic(body_path(TestBlock(0)),
                           must(disk.read(body_path(TestBlock(1)), 1 << 20))));
    EXPECT_EQ(store->body(TestBlock(0).hash).error().code, ErrorCode::kIo);
    must(store->put_snapshot(1, TestBlock(1).hash, TestBlock(1).body));
    must(disk.write_atomic(body_path(TestBlock(1)),
                           must(disk.read("snapshots/1-" + to_hex(TestBlock(1).hash), 1 << 20))));
    EXPECT_EQ(store->body(TestBlock(1).hash).error().code, ErrorCode::kIo);
}

TEST(Damage, ADamagedBodyCanBeFetchedAgain) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    const TestBlock block(0);
    must(add_block(*store, block));
    disk.flip_bit(body_path(block), 700);
    ASSERT_FALSE(store->body(block.hash).ok());
    must(store->discard_body(block.hash));
    EXPECT_EQ(store->body(block.hash).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(must(store->header(block.hash)).status, BlockStatus::kValid);
    must(store->put_body(block.hash, block.body));
    EXPECT_EQ(must(store->body(block.hash)), block.body);
}

TEST(Damage, AFullDiskLeavesTheOldState) {
    MemoryDisk disk;
    auto store = must(Store::in_memory(disk));
    must(add_block(*store, TestBlock(0)));
    must(store->put_snapshot(0, TestBlock(0).hash, TestBlock(0).body));
    disk.set_full(true);
    const TestBlock next(1);
    must(store->add_header(next.header()));
    EXPECT_EQ(store->put_body(next.hash, next.body).error().code, ErrorCode::kFull);
    EXPECT_EQ(must(store->header(next.hash)).status, BlockStatus::kHeader);
    EXPECT_EQ(store->put_snapshot(1, next.hash, next.body).error().code, ErrorCode::kFull);
    EXPECT_EQ(must(store->snapshots()).size(), 1u);
    EXPECT_EQ(check_invariants(*store), 0);
    disk.set_full(false);
    must(add_block(*store, next));
    EXPECT_EQ(check_invariants(*store), 1);
}

TEST(Damage, AFullDatabaseRollsBackAndSaysSo) {
    TemporaryFolder folder;
    auto database = must(Database::open(folder.path() + "/small.sqlite", {}));
    must(database->exec("CREATE TABLE stones (weight BLOB); PRAGMA max_page_count = 20;"));
    must(database->query("INSERT INTO stones VALUES (zeroblob(100))").run());
    {
        const auto transaction = must(Transaction::begin(*database));
        must(database->query("INSERT INTO stones VALUES (zeroblob(100))").run());
        const Status full = database->query("INSERT INTO stones VALUES (zeroblob(500000))").run();
        ASSERT_FALSE(full.ok());
        EXPECT_EQ(full.error().code, ErrorCode::kFull);
    }
    Statement count = database->query("SELECT COUNT(*) FROM stones");
    ASSERT_TRUE(must(count.step()));
    EXPECT_EQ(count.i64(0), 1);
}

TEST(Damage, AnOverwrittenDatabaseIsAClearError) {
    TemporaryFolder folder;
    const std::string file = folder.path() + "/chain.sqlite";
    {
        auto store = must(Store::open(folder.path()));
        for (std::uint64_t height = 0; height < 30; ++height)
            must(add_block(*store, TestBlock(height)));
    }
    {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream << "this is no longer a database at all";
    }
    const auto opened = Store::open(folder.path());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kIo);
    EXPECT_NE(opened.error().message.find("damaged"), std::string::npos);
    EXPECT_TRUE(opened.error().message.starts_with(file)) << opened.error().message;
    EXPECT_NE(opened.error().message.find("move it away"), std::string::npos);
}

}  // namespace
}  // namespace cairn::store
