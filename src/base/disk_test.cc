// Proves: a file is the old one or the new one, a full disk loses nothing, and both disks agree.
#include "base/disk.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace cairn {
namespace {

class Folder {
  public:
    Folder() {
        char name[] = "/tmp/cairn-disk-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

void exercise(Disk& disk) {
    const Bytes first = {1, 2, 3};
    const Bytes second = {4};
    EXPECT_EQ(disk.read("a/b", 10).error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(disk.write_atomic("a/b", first).ok());
    EXPECT_TRUE(disk.write_atomic("a/c", second).ok());
    EXPECT_EQ(disk.read("a/b", 10).value(), first);
    EXPECT_EQ(disk.read("a/b", 2).error().code, ErrorCode::kFull);
    EXPECT_TRUE(disk.write_atomic("a/b", second).ok());
    EXPECT_EQ(disk.read("a/b", 10).value(), second);
    EXPECT_EQ(disk.list("a"), (std::vector<std::string>{"b", "c"}));
    EXPECT_TRUE(disk.exists("a/c"));
    EXPECT_TRUE(disk.remove("a/c").ok());
    EXPECT_FALSE(disk.exists("a/c"));
    EXPECT_FALSE(disk.remove("a/c").ok());
    EXPECT_TRUE(disk.list("nowhere").empty());
}

TEST(Disk, PosixKeepsItsContract) {
    const Folder folder;
    PosixDisk disk(folder.path());
    exercise(disk);
}

TEST(Disk, MemoryKeepsTheSameContract) {
    MemoryDisk disk;
    exercise(disk);
}

TEST(Disk, AFullDiskKeepsTheOldFile) {
    MemoryDisk disk;
    ASSERT_TRUE(disk.write_atomic("x", Bytes{1}).ok());
    disk.set_full(true);
    EXPECT_EQ(disk.write_atomic("x", Bytes{2}).error().code, ErrorCode::kFull);
    EXPECT_EQ(disk.read("x", 1).value(), Bytes{1});
}

TEST(Disk, WhatIsNoFileIsNamedAndNeverWaitedFor) {
    const Folder folder;
    PosixDisk disk(folder.path());
    ASSERT_EQ(::mkfifo((folder.path() + "/pipe").c_str(), 0600), 0);
    std::filesystem::create_directory(folder.path() + "/folder");
    for (const char* name : {"pipe", "folder"}) {
        const auto read = disk.read(name, 10);
        ASSERT_FALSE(read.ok());
        EXPECT_EQ(read.error().code, ErrorCode::kIo);
        EXPECT_NE(read.error().message.find("file"), std::string::npos) << read.error().message;
    }
    ASSERT_TRUE(disk.write_atomic("file", as_bytes("x")).ok());
    const Status below = disk.write_atomic("file/more", as_bytes("x"));
    ASSERT_FALSE(below.ok());
    EXPECT_NE(below.error().message.find("is no folder"), std::string::npos)
        << below.error().message;
}

TEST(Disk, APipeOrDeviceBehindALinkIsNotReplacedByAFile) {
    const Folder folder;
    const std::string pipe = folder.path() + "/pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::filesystem::create_symlink("pipe", folder.path() + "/link");
    PosixDisk disk(folder.path());
    for (const char* name : {"pipe", "link"})
        EXPECT_NE(disk.write_atomic(name, Bytes{1}).error().message.find("is a pipe"),
                  std::string::npos);
    EXPECT_TRUE(std::filesystem::is_fifo(pipe));
    EXPECT_TRUE(std::filesystem::is_symlink(folder.path() + "/link"));
}

TEST(Disk, AFailedPosixWriteKeepsTheOldFileAndLeavesNoTemporary) {
    const Folder folder;
    PosixDisk disk(folder.path());
    ASSERT_TRUE(disk.write_atomic("x", Bytes{1}).ok());
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    rlimit small = old;
    small.rlim_cur = 100;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const Status written = disk.write_atomic("x", Bytes(1000, 7));
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_FALSE(written.ok());
    EXPECT_EQ(disk.read("x", 10).value(), Bytes{1});
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/x.tmp"));
}

TEST(Disk, ALockKeepsOthersOutUntilItEnds) {
    const Folder folder;
    PosixDisk disk(folder.path());
    MemoryDisk memory;
    for (Disk* each : {static_cast<Disk*>(&disk), static_cast<Disk*>(&memory)}) {
        auto held = each->lock("some/lock", false);
        ASSERT_TRUE(held.ok());
        EXPECT_EQ(each->lock("some/lock", false).error().code, ErrorCode::kRefused);
        EXPECT_TRUE(each->lock("some/other", false).ok());
        held->reset();
        EXPECT_TRUE(each->lock("some/lock", false).ok());
    }
}

TEST(Disk, WhoWaitsForALockGetsItWhenItsHolderDies) {
    const Folder folder;
    PosixDisk disk(folder.path());
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto held = disk.lock("lock", false);
        const char byte = held.ok() ? 'y' : 'n';
        if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
        ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    EXPECT_EQ(disk.lock("lock", false).error().code, ErrorCode::kRefused);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    EXPECT_TRUE(disk.lock("lock", true).ok());
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace
}  // namespace cairn
