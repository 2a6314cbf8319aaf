// Proves that a process that was killed at any instant finds, when it opens the store again, all
// that it had announced; and that a copy of the directory between any two writes is a good store.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

#include "store/store.h"
#include "store/store_fixture.h"

namespace cairn::store {
namespace {

namespace fs = std::filesystem;

// The child: adds blocks for ever and announces each height once the store has it.
[[noreturn]] void write_blocks(const std::string& directory, int announce) {
    auto store = Store::open(directory);
    if (!store.ok()) std::_Exit(1);
    const auto tip = must((*store)->tip());
    for (std::uint64_t height = tip ? tip->height + 1 : 0;; ++height) {
        const TestBlock block(height);
        if (!add_block(**store, block).ok()) std::_Exit(2);
        if (::write(announce, &height, sizeof height) != sizeof height) std::_Exit(3);
        if (height % 4 == 3 && !(*store)->put_snapshot(height, block.hash, block.body).ok())
            std::_Exit(4);
    }
}

// Runs the child for a while and kills it. Returns the height that it announced last; -1: none.
std::int64_t run_and_kill(const std::string& directory, std::uint64_t after_us) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) write_blocks(directory, ends[1]);
    ::close(ends[1]);
    ::usleep(static_cast<useconds_t>(after_us));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child stopped by itself: " << WEXITSTATUS(status);
    std::int64_t announced = -1;
    std::uint64_t height = 0;
    while (::read(ends[0], &height, sizeof height) == sizeof height)
        announced = static_cast<std::int64_t>(height);
    ::close(ends[0]);
    return announced;
}

TEST(Crash, KilledAtRandomInstantsNothingAnnouncedIsLost) {
    TemporaryFolder folder;
    SeededRandom random(20);
    std::int64_t announced = -1;
    for (int round = 0; round < 25; ++round) {
        announced = std::max(announced, run_and_kill(folder.path(), random.below(150'000)));
        auto store = must(Store::open(folder.path()));
        const std::int64_t height = check_invariants(*store);
        ASSERT_GE(height, announced) << "round " << round;
        for (const std::string& name : PosixDisk(folder.path()).list("snapshots"))
            EXPECT_FALSE(name.ends_with(".tmp"));
    }
    EXPECT_GE(announced, 0) << "the child never got to write: the test proved nothing";
}

// Calls back before and after each file that is written.
class WatchedDisk final : public Disk {
  public:
    explicit WatchedDisk(const std::string& root) : disk_(root) {}
    std::function<void()> watch = [] {};

    Result<Bytes> read(const std::string& name, std::size_t max_bytes) const override {
        return disk_.read(name, max_bytes);
    }
    Status write_atomic(const std::string& name, ByteView bytes) override {
        watch();
        const Status written = disk_.write_atomic(name, bytes);
        watch();
        return written;
    }
    Status remove(const std::string& name) override {
        watch();
        return disk_.remove(name);
    }
    bool exists(const std::string& name) const override { return disk_.exists(name); }
    std::vector<std::string> list(const std::string& folder) const override {
        return disk_.list(folder);
    }
    Result<std::unique_ptr<DiskLock>> lock(const std::string& name, bool wait) override {
        return disk_.lock(name, wait);
    }

  private:
    PosixDisk disk_;
};

TEST(Crash, ACopyTakenBetweenAnyTwoWritesIsAGoodStore) {
    TemporaryFolder folder;
    WatchedDisk disk(folder.path());
    auto store = must(Store::open_on(folder.path(), disk, {.durable = false}));
    SeededRandom random(4);
    std::int64_t announced = -1;
    int copies = 0;
    disk.watch = [&] {
        TemporaryFolder copy;
        fs::copy(folder.path(), copy.path(), fs::copy_options::recursive);
        // The last write is cut short: SQLite must fall back to the last whole transaction.
        const std::string log = copy.path() + "/chain.sqlite-wal";
        const bool torn = copies % 2 == 1 && fs::exists(log) && fs::file_size(log) > 0;
        if (torn) fs::resize_file(log, random.below(fs::file_size(log)));
        auto reopened = must(Store::open(copy.path()));
        const std::int64_t height = check_invariants(*reopened);
        if (!torn) {
            EXPECT_EQ(height, announced);
        }
        EXPECT_LE(height, announced);
        ++copies;
    };
    for (std::uint64_t height = 0; height < 16; ++height) {
        const TestBlock block(height);
        must(add_block(*store, block));
        announced = static_cast<std::int64_t>(height);
        if (height % 2 == 1) must(store->put_snapshot(height, block.hash, block.body));
    }
    EXPECT_GT(copies, 45);
}

}  // namespace
}  // namespace cairn::store
