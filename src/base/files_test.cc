// Proves that file calls never throw, and that unusable outputs are refused before the work.
#include "base/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include <cerrno>

#include "base/disk.h"
#include "base/outputs.h"

namespace cairn {
namespace {

class FilesTest : public testing::Test {
  protected:
    FilesTest() : folder_(make_temporary_folder("cairn-files").value()) {}
    ~FilesTest() override { (void)remove_tree(folder_); }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    std::string put(const std::string& name, const std::string& text = "text") const {
        EXPECT_TRUE(write_file(path(name), as_bytes(text)).ok());
        return path(name);
    }
    static mode_t mode_of(const std::string& file) {
        struct stat info {};
        EXPECT_EQ(::stat(file.c_str(), &info), 0);
        return info.st_mode & 0777;
    }

    std::string folder_;
};

TEST_F(FilesTest, WhatCannotBeToldIsAnErrorNotAnException) {
    const std::string longest(5000, 'a');
    EXPECT_EQ(file_kind(longest).error().code, ErrorCode::kIo);
    EXPECT_FALSE(exists(longest));
    EXPECT_FALSE(list_folder(longest).ok());
    EXPECT_FALSE(make_folders(longest).ok());
    EXPECT_FALSE(file_size(longest).ok());
    EXPECT_FALSE(disk_space(longest).ok());
    EXPECT_FALSE(copy_tree(longest, folder_).ok());
    EXPECT_FALSE(read_file(longest, 10).ok());
    EXPECT_FALSE(write_file(longest, {}).ok());
    EXPECT_EQ(*file_kind(path("absent")), FileKind::kNone);
    EXPECT_EQ(*file_kind(put("file") + "/below"), FileKind::kNone);
    EXPECT_EQ(*file_kind(folder_), FileKind::kFolder);
    EXPECT_EQ(*file_kind("/dev/null"), FileKind::kOther);
    EXPECT_TRUE(read_file(folder_, 10).error().message.ends_with("is a folder; name a file in it"));
    EXPECT_EQ(read_file("/dev/full", 10).error().message, "/dev/full is a device, not a file");
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_TRUE(
        read_file(path("pipe"), 10).error().message.starts_with(path("pipe") + " is a pipe;"));
    EXPECT_EQ(read_file(put("long", "0123456789"), 9).error().code, ErrorCode::kFull);
}

TEST_F(FilesTest, PathsAreCutAtTheLastSlash) {
    EXPECT_EQ(folder_of("a/b/c"), "a/b");
    EXPECT_EQ(folder_of("c"), ".");
    EXPECT_EQ(folder_of("/c"), "/");
    EXPECT_EQ(name_of("a/b/c"), "c");
    EXPECT_EQ(name_of("c"), "c");
}

TEST_F(FilesTest, WritingThroughALinkKeepsTheLink) {
    put("real", "old");
    ASSERT_EQ(::symlink("real", path("link").c_str()), 0);
    ASSERT_TRUE(write_file(path("link"), as_bytes("new")).ok());
    EXPECT_EQ(as_text(*read_file(path("real"), 10)), "new");
    struct stat info {};
    ASSERT_EQ(::lstat(path("link").c_str(), &info), 0);
    EXPECT_TRUE(S_ISLNK(info.st_mode));
}

// Another user's link in /tmp would have us write where he cannot. Linux does not follow it, unless
// told to, but we found its target ourselves.
TEST_F(FilesTest, ALinkThatSomebodyElseMadeWhereAllMayMakeFilesIsNotFollowed) {
    constexpr uid_t kSomebodyElse = 12'345;
    const std::string shared = path("shared");
    ASSERT_TRUE(make_folders(shared).ok());
    ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
    const std::string link = shared + "/out";
    put("mine", "precious");
    ASSERT_EQ(::symlink(path("mine").c_str(), link.c_str()), 0);
    EXPECT_FALSE(is_planted_link(link)) << "our own";
    EXPECT_EQ(follow_links(link), path("mine"));
    if (::lchown(link.c_str(), kSomebodyElse, kSomebodyElse) != 0)
        GTEST_SKIP() << "only root makes links for others";
    EXPECT_TRUE(is_planted_link(link));
    EXPECT_FALSE(write_file(link, as_bytes("spoilt")).ok());
    EXPECT_FALSE(check_outputs({{"--out", link}}, {}).ok());
    EXPECT_EQ(as_text(*read_file(path("mine"), 10)), "precious");
    // Where not everybody may make files, whoever made it could do worse.
    ASSERT_EQ(::chmod(shared.c_str(), 0777), 0);
    EXPECT_FALSE(is_planted_link(link));
}

TEST_F(FilesTest, AFolderForSecretsIsItsOwnersAlone) {
    for (const char* name : {"one", "above/two/"}) {
        ASSERT_TRUE(make_private_folder(path(name)).ok()) << name;
        EXPECT_EQ(mode_of(path(name)), 0700U) << name;
    }
    EXPECT_NE(mode_of(path("above")), 0700U) << "not what lies above it";
    ASSERT_EQ(::chmod(path("one").c_str(), 0755), 0);
    EXPECT_TRUE(make_private_folder(path("one")).ok());
    EXPECT_EQ(mode_of(path("one")), 0755U) << "what is there is as its owner wants it";
    EXPECT_FALSE(make_private_folder(put("file")).ok());
}

TEST_F(FilesTest, WhoMayEnterAFolderIsSeen) {
    const std::string above = *make_temporary_folder("cairn-enter"), inner = above + "/inner";
    ASSERT_TRUE(make_folders(inner).ok());
    ASSERT_EQ(::chmod(inner.c_str(), 0755), 0);
    EXPECT_EQ(open_folder_warning(inner), "") << "nobody comes through what is above it";
    ASSERT_EQ(::chmod(above.c_str(), 0711), 0);
    EXPECT_TRUE(open_folder_warning(inner).ends_with("chmod 700 " + inner));
    ASSERT_EQ(::chmod(inner.c_str(), 0750), 0);
    EXPECT_EQ(open_folder_warning(inner), "");
    EXPECT_EQ(open_folder_warning(above + "/none"), "");
    ASSERT_TRUE(remove_tree(above).ok());
}

TEST_F(FilesTest, ALinkThatLeadsNowhereIsNamedWithItsTarget) {
    put("real", "old");
    ASSERT_EQ(::symlink("real", path("good").c_str()), 0);
    ASSERT_EQ(::symlink("gone", path("lost").c_str()), 0);
    EXPECT_TRUE(check_no_lost_link(path("real")).ok());
    EXPECT_TRUE(check_no_lost_link(path("good")).ok());
    EXPECT_TRUE(check_no_lost_link(path("nothing")).ok());
    const Status lost = check_no_lost_link(path("lost"));
    ASSERT_FALSE(lost.ok());
    EXPECT_NE(lost.error().message.find(path("gone")), std::string::npos) << lost.error().message;
}

TEST_F(FilesTest, ASecretIsForItsOwnerFromTheFirstByte) {
    PosixDisk disk(folder_);
    // What a crash of an older program may have left behind, open to all.
    put("key.tmp");
    ASSERT_EQ(::chmod(path("key.tmp").c_str(), 0666), 0);
    ASSERT_TRUE(disk.write_secret("key", as_bytes("secret")).ok());
    EXPECT_EQ(mode_of(path("key")), 0600u);
    EXPECT_TRUE(disk.read_secret("key", 100).ok());
    for (const mode_t loose : {0640u, 0604u, 0620u, 0666u}) {
        ASSERT_EQ(::chmod(path("key").c_str(), loose), 0);
        const auto read = disk.read_secret("key", 100);
        ASSERT_FALSE(read.ok());
        EXPECT_EQ(read.error().code, ErrorCode::kRefused);
        EXPECT_NE(read.error().message.find("chmod 600"), std::string::npos);
    }
    EXPECT_EQ(disk.read_secret("absent", 100).error().code, ErrorCode::kNotFound);
}

using OutputsTest = FilesTest;

Status check(const std::string& out, const std::string& in = "") {
    return check_outputs({{"--out", out}}, {{"--text", in}});
}

TEST_F(OutputsTest, WhatCanBeWrittenPassesAndLeavesNothing) {
    EXPECT_TRUE(check(path("new")).ok());
    EXPECT_TRUE(check(path("sub/folder/new")).ok());
    EXPECT_TRUE(check(put("there"), put("other")).ok());
    EXPECT_EQ(as_text(*read_file(path("there"), 10)), "text");
    EXPECT_EQ(list_folder(folder_)->size(), 3u) << "there, other and the new folder";
    EXPECT_TRUE(check("").ok()) << "not asked for";
}

TEST_F(OutputsTest, FoldersDevicesAndForbiddenPlacesAreRefusedByName) {
    const auto refused = [&](const std::string& out, const std::string& why) {
        const Status status = check(out);
        ASSERT_FALSE(status.ok()) << out;
        EXPECT_NE(status.error().message.find("--out"), std::string::npos);
        EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
    };
    refused(folder_, "is a folder");
    refused(path("new/"), "names a folder");
    refused("/dev/full", "is a device");
    refused(put("file") + "/below", "Not a directory");
    refused("/proc/new", "--out /proc/new");
    refused(std::string(300, 'a'), "File name too long");
}

TEST_F(OutputsTest, NoOutputIsAnInputUnderWhateverName) {
    const std::string in = put("in");
    ASSERT_EQ(::symlink("in", path("link").c_str()), 0);
    ASSERT_EQ(::link(in.c_str(), path("hard").c_str()), 0);
    for (const std::string& name : {in, path("./in"), path("link"), path("hard")}) {
        const Status status = check(name, in);
        ASSERT_FALSE(status.ok()) << name;
        EXPECT_EQ(status.error().code, ErrorCode::kRefused);
        EXPECT_NE(status.error().message.find("would overwrite --text"), std::string::npos);
    }
    // A folder that is read is its files.
    put("config.json");
    put("other.svg");
    for (const std::string& read : {path("."), path("model.safetensors")}) {
        EXPECT_FALSE(check(path("config.json"), read).ok()) << read;
        EXPECT_TRUE(check(path("other.svg"), read).ok()) << read;
        EXPECT_TRUE(check(path("new.json"), read).ok()) << read;
    }
    const Status twice = check_outputs({{"--out", path("x")}, {"--log", path("./x")}}, {});
    ASSERT_FALSE(twice.ok()) << "two outputs in one file";
    EXPECT_NE(twice.error().message.find("is also --out"), std::string::npos);
}

TEST(FileError, SaysWhatToDo) {
    const auto message = [](int reason) {
        errno = reason;
        return file_error("cannot write x").message;
    };
    EXPECT_NE(message(ENOSPC).find("; make room on the disk"), std::string::npos);
    EXPECT_NE(message(EACCES).find("; give your account leave"), std::string::npos);
    EXPECT_NE(message(EROFS).find("name another place"), std::string::npos);
    EXPECT_EQ(message(EIO).find(';'), std::string::npos);
}

}  // namespace
}  // namespace cairn
