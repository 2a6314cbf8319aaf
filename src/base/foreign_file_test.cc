// Proves that what is no file of ours is named for what it is, that what only resembles it passes,
// and that texts are told from everything else.
#include "base/foreign_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"

namespace cairn {
namespace {

using namespace std::string_literals;

std::string said(const std::string& content) {
    const Status status = check_foreign("f", as_bytes(content), content.size());
    return status.ok() ? "" : status.error().message;
}

std::string said_of_text(const std::string& content, const std::string& name = "t.txt") {
    const Status status = check_text(name, as_bytes(content));
    return status.ok() ? "" : status.error().message;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ForeignFile, NamesWhatItIsAndWhatToDo) {
    const std::pair<std::string, std::string> cases[] = {
        {"", "empty"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4200000\n", "4.2 MB"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4200000\n",
         "git lfs pull"},
        {"/annex/objects/SHA256E-s7--abc.gguf\n", "git annex get"},
        {"../.git/annex/objects/Xk/9/SHA256E-s7--abc.gguf\n", "git annex get"},
        {"\xEF\xBB\xBF  \n<!DOCTYPE HTML>\n<html lang=en>", "web page"},
        {"<html><body>404</body></html>", "web page"},
        {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "XML"},
        {"{\"error\": \"Invalid username or password.\"}", "error that a server sent"},
        {"{\n  \"message\": \"Not Found\"}", "error that a server sent"},
        {"PK\x03\x04" + std::string(26, '\0') + "archive/data.pkl", "PyTorch pickle"},
        {"PK\x03\x04" + std::string(26, '\0') + "arr_0.npy", ".npz"},
        {"PK\x03\x04" + std::string(26, '\0') + "readme.txt", "zip"},
        {"\x80\x02\x8A\x0A", "PyTorch pickle"},
        {"\x1F\x8B\x08", "gunzip"},
        {"\x28\xB5\x2F\xFD", "unzstd"},
        {"\xFD\x37zXZ\0\0"s, "unxz"},
        {"BZh91AY&SY", "bunzip2"},
        {std::string(257, 'a') + "ustar", "tar -xf"},
        {"lmgg\0\0"s, "before GGUF"},
        {"tjgg\3\0\0\0"s, "ggjt"},
        {"algg\1\0\0\0"s, "LoRA"},
        {"FUGG", "other way round"},
        {"\x08\x07\x12\x07pytorch\x1A\x05", "ONNX"},
        {"\x93NUMPY\x01", "numpy"},
        {"\x89PNG\r\n\x1A\n", "image"},
        {"%PDF-1.7", "PDF"},
        {"\xFF\xFE"
         "a\0b\0"s,
         "iconv"},
        {std::string(100, '\0'), "zeros"},
    };
    for (const auto& [content, part] : cases) {
        EXPECT_TRUE(has(said(content), part)) << part << ": " << said(content);
        EXPECT_TRUE(said(content).starts_with("f is ")) << said(content);
    }
}

TEST(ForeignFile, LetsFilesOfOursPass) {
    for (const std::string& content :
         {"GGUF\3\0\0\0"s, "CAIRNCKP\2"s, "\x08\x02\0\0\0\0\0\0{\"a\":1}"s,
          "{\"model_type\":\"llama\"}"s, "In the beginning"s, "version https of what"s,
          "\x80\x02\0\0\0\0\0\0{\"a\":1}"s, "\x1F\x8B\x08\0\0\0\0\0{\"a\":1}"s,
          "\x80\x02\x01\0\0\0\0\0{\"a\":1}"s, "\x80\x02\0\0\x80\x07\0\0"s, "BZh is a sound"s,
          "\0\1\0\0"s, "\x40\0\0\0\xAC\0\0\0"s})
        EXPECT_EQ(said(content), "") << content;
    // An answer of a server is short; a long file may well begin like one.
    EXPECT_EQ(said("{\"error\": 1}" + std::string(70000, ' ')), "");
}

TEST(ForeignFile, TellsTextsFromTheRest) {
    EXPECT_EQ(said_of_text("In the beginning \xC3\xA9\n"), "");
    EXPECT_TRUE(has(said_of_text(""), "empty"));
    EXPECT_TRUE(has(said_of_text("GGUF\3"), "a text is wanted"));
    EXPECT_TRUE(has(said_of_text("CAIRNRUN\1"), "a text is wanted"));
    EXPECT_TRUE(has(said_of_text(std::string(5000, 'a') + '\0'), "NUL byte at 5000"));
    EXPECT_TRUE(has(said_of_text("<!doctype html><p>"), "web page"));
    EXPECT_EQ(said_of_text("<!doctype html><p>", "page.html"), "");
    EXPECT_TRUE(has(said_of_text("\x1F\x8B\x08", "page.html"), "gunzip"));
}

TEST(ForeignFile, ATextThatIsNotUtf8PassesAndItsFirstSuchByteIsNamed) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(said_of_text("In the\ncaf\xE9 of caf\xE9s\n"), "");
    EXPECT_TRUE(has(testing::internal::GetCapturedStderr(),
                    "t.txt is not all UTF-8: line 2 has the byte 0xE9, at offset 10 of the text"));
    testing::internal::CaptureStderr();
    EXPECT_EQ(said_of_text("In the beginning \xC3\xA9\n"), "");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ForeignFile, Utf16IsRefusedWhereverItComesFrom) {
    for (const std::string& text : {"\xFF\xFE"s + "a\0b\0"s, "\xFE\xFF"s + "\0a\0b"s}) {
        EXPECT_TRUE(has(said_of_text(text), "UTF-16"));
        EXPECT_TRUE(has(check_encoding("standard input", text).error().message,
                        "standard input is text in UTF-16"));
    }
    EXPECT_TRUE(has(check_encoding("standard input", "a\0b\0"s).error().message, "NUL byte at 1"));
}

TEST(ForeignFile, ReadersOfFilesAsk) {
    const std::string folder = testing::TempDir() + "/cairn_foreign";
    std::filesystem::create_directories(folder);
    const auto file = [&](const std::string& name, const std::string& content) {
        std::ofstream(folder + "/" + name, std::ios::binary) << content;
        return folder + "/" + name;
    };
    EXPECT_TRUE(has(read_text_file(file("a.txt", "%PDF-1.4")).error().message, "PDF"));
    EXPECT_TRUE(read_text_file(file("b.txt", "text")).ok());
    EXPECT_TRUE(has(read_checked_file(file("c", "<html>"), 100).error().message, "web page"));
    EXPECT_TRUE(check_download(folder + "/b.txt").ok());
    EXPECT_TRUE(has(check_download(file("d.crdownload", "x")).error().message, ".crdownload"));
    file("b.txt.aria2", "");
    EXPECT_TRUE(has(check_download(folder + "/b.txt").error().message, "aria2"));
    std::filesystem::remove(folder + "/lost");
    std::filesystem::create_symlink("blobs/0123", folder + "/lost");
    EXPECT_TRUE(has(read_file(folder + "/lost", 9).error().message, "blobs/0123, which is not"));
    std::filesystem::remove_all(folder);
    EXPECT_EQ(incomplete(1'234'000, 5'678'900'000),
              "only 1.2 of 5678.9 MB are here: the download or copy is not complete");
    EXPECT_EQ(incomplete(12, 34),
              "only 12 of 34 bytes are here: the download or copy is not complete");
}

}  // namespace
}  // namespace cairn
