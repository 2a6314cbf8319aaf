// Proves that a file appears whole or not at all, that nothing is replaced unasked, that a full
// disk is an error that leaves nothing behind, and that a mapped file that shrinks ends the program
// with a sentence.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/files.h"
#include "base/sanitizers.h"
#include "formats/file_writer.h"
#include "formats/format_test_models.h"
#include "formats/mapped_source.h"

namespace cairn::formats {
namespace {

namespace fs = std::filesystem;

// A folder of its own, so that leftovers of any name are seen.
class FileWriterTest : public testing::Test {
  protected:
    void SetUp() override { fs::create_directory(folder_.path()); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
    }
    std::string path() const { return folder_.path() + "/file"; }
    Scratch folder_{"writer"};
};

TEST_F(FileWriterTest, WritesWhatItWasGiven) {
    const Bytes bytes(3'000'000, 7);
    auto writer = FileWriter::create(path(), bytes.size()).value();
    ASSERT_TRUE(writer->write(ByteView(bytes).first(5)).ok());
    ASSERT_TRUE(writer->write(ByteView(bytes).subspan(5)).ok());
    EXPECT_FALSE(fs::exists(path()));
    ASSERT_TRUE(writer->commit(Replace::kNo).ok());
    EXPECT_EQ(read_file(path(), 1U << 24).value(), bytes);
    writer.reset();
    EXPECT_EQ(files(), 1U);
}

TEST_F(FileWriterTest, ForgottenItLeavesNothing) {
    {
        auto writer = FileWriter::create(path(), 100).value();
        ASSERT_TRUE(writer->write(Bytes(50)).ok());
        ASSERT_TRUE(writer->sync().ok());
    }
    EXPECT_EQ(files(), 0U);
}

TEST_F(FileWriterTest, ReplacesOnlyWhenAsked) {
    std::ofstream(path()) << "old";
    auto writer = FileWriter::create(path(), 3).value();
    ASSERT_TRUE(writer->write(as_bytes("new")).ok());
    EXPECT_EQ(writer->commit(Replace::kNo).error().code, ErrorCode::kRefused);
    EXPECT_EQ(as_text(read_file(path(), 9).value()), "old");
    ASSERT_TRUE(writer->commit(Replace::kYes).ok());
    EXPECT_EQ(as_text(read_file(path(), 9).value()), "new");
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ(check_target(folder_.path(), Replace::kYes).error().code, ErrorCode::kRefused);
}

TEST_F(FileWriterTest, AFullDiskIsAnErrorThatLeavesNothing) {
    // A limit on the size of files stands for a full disk: the kernel refuses in the same places.
    rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1 << 20, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    auto writer = FileWriter::create(path(), 0).value();
    const Bytes much(4 << 20);
    const auto written = writer->write(much);
    writer.reset();
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, ErrorCode::kFull);
    EXPECT_EQ(files(), 0U);
}

TEST_F(FileWriterTest, ALinkStaysOneAndItsTargetIsWritten) {
    fs::create_directory(path() + ".d");
    fs::create_symlink("file.d/real", path());
    for (const char* content : {"first", "second"}) {
        auto writer = FileWriter::create(path(), 0).value();
        ASSERT_TRUE(writer->write(as_bytes(content)).ok());
        const Status done = writer->commit(Replace::kYes);
        ASSERT_TRUE(done.ok()) << done.error().message;
        EXPECT_TRUE(fs::is_symlink(path()));
        EXPECT_EQ(as_text(read_file(path() + ".d/real", 99).value()), content);
    }
    EXPECT_EQ(check_target(path(), Replace::kNo).error().code, ErrorCode::kRefused);
}

TEST_F(FileWriterTest, NoFolderIsAnError) {
    EXPECT_FALSE(FileWriter::create(folder_.path() + "/none/file", 1).ok());
}

TEST_F(FileWriterTest, AMappedFileIsWhatTheFileIs) {
    std::ofstream(path()) << "0123456789";
    const SharedSource source = open_source(path()).value();
    ASSERT_NE(source->mapped(), nullptr);
    EXPECT_EQ(std::memcmp(source->mapped(), "0123456789", 10), 0);
    Bytes three(3);
    ASSERT_TRUE(source->read(7, three).ok());
    EXPECT_EQ(as_text(three), "789");
    EXPECT_FALSE(source->read(8, three).ok());
    std::ofstream(path() + "0").flush();
    EXPECT_NE(open_source(path() + "0").error().message.find("is empty"), std::string::npos);
    EXPECT_EQ(open_source(path() + "1").error().code, ErrorCode::kNotFound);
    EXPECT_NE(open_source(folder_.path()).error().message.find("is a folder"), std::string::npos);
    std::ofstream(path() + "2") << "<!doctype html><title>Sign in</title>";
    EXPECT_NE(open_source(path() + "2").error().message.find("web page"), std::string::npos);
    std::ofstream(path() + ".crdownload") << "0123456789";
    EXPECT_NE(open_source(path() + ".crdownload").error().message.find("not ended"),
              std::string::npos);
}

TEST_F(FileWriterTest, AMappedFileThatShrinksEndsTheProgramWithASentence) {
    if (kSanitized) GTEST_SKIP() << "sanitizers keep the signal for themselves";
    std::ofstream(path()) << std::string(100'000, 'x');
    EXPECT_EXIT(
        {
            const SharedSource source = open_source(path()).value();
            fs::resize_file(path(), 10);
            volatile std::uint8_t byte = source->mapped()[90'000];
            std::exit(byte == 'x' ? 3 : 4);
        },
        testing::ExitedWithCode(1), "became shorter");
}

}  // namespace
}  // namespace cairn::formats
