// Proves that a conversation on a terminal takes pastes as one message, survives every Ctrl-C, and
// gives the terminal back and keeps the history however it ends.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/test_child.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

class ChatTerminal : public testing::Test {
  protected:
    void SetUp() override {
        model_ = test_data_folder() + "/stories260K/stories260K.bin";
        if (!fs::exists(model_)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
        folder_ = testing::TempDir() + "/cairn_chat_terminal";
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    std::function<int()> chat(const std::string& steps, std::vector<std::string> more = {}) const {
        std::vector<std::string> all = {"chat",  "--model",   model_, "--format",
                                        "plain", "--threads", "1",    "--temperature",
                                        "0",     "--steps",   steps};
        all.insert(all.end(), more.begin(), more.end());
        return [all] { return Child::cairn(all); };
    }

    /// What was said, as /save writes it.
    static std::vector<std::string> said(const std::string& file) {
        const auto saved = nlohmann::json::parse(std::ifstream(file), nullptr, false);
        std::vector<std::string> users;
        for (const auto& message : saved["messages"])
            if (message["role"] == "user") users.push_back(message["content"]);
        return users;
    }

    /// Types `keys`, saves and leaves; what was said.
    std::vector<std::string> after(const std::vector<std::string>& keys) const {
        Child child(chat("3"), true);
        EXPECT_TRUE(child.reads("> "));
        for (const std::string& turn : keys) {
            child.type(turn);
            EXPECT_TRUE(child.reads("\x1b[?2004h")) << child.output();
            ::usleep(100'000);
        }
        const std::string file = path("said" + std::to_string(fs::hash_value(keys[0])));
        child.type("/save " + file + "\r");
        EXPECT_TRUE(child.reads("saved")) << child.output();
        child.type("/quit\r");
        EXPECT_EQ(child.end().code(), 0);
        EXPECT_TRUE(child.terminal_is_plain());
        return said(file);
    }

    std::string model_, folder_;
};

using Lines = std::vector<std::string>;

TEST_F(ChatTerminal, APastedBlockIsOneMessage) {
    EXPECT_EQ(after({"\x1b[200~one\r\ntwo\rthree\n\x1b[201~\r"}), (Lines{"one\ntwo\nthree"}));
    // By terminals that mark nothing.
    EXPECT_EQ(after({"red\rgreen\rblue\r"}), (Lines{"red\ngreen\nblue"}));
    EXPECT_EQ(after({"cyan\r\nblack\r\n"}), (Lines{"cyan\nblack"}));
    EXPECT_EQ(after({"\x1b[200~/quit\nnot a command\x1b[201~\r"}), (Lines{"/quit\nnot a command"}));
    EXPECT_EQ(after({"\x1b[200~\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x1b[201~!\r"}),
              (Lines{"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80!"}));
}

// A pasted end of the paste does not make what follows it typed.
TEST_F(ChatTerminal, AnEndInsideAPasteIsPartOfIt) {
    const Lines users = after({"\x1b[200~a\x1b[201~\rb\x1b[201~\r"});
    ASSERT_EQ(users.size(), 1U);
    EXPECT_EQ(users[0], "a\xEF\xBF\xBD[201~\nb");
}

TEST_F(ChatTerminal, ArrowsWithAKeyHeldMoveAndTypeNothing) {
    EXPECT_EQ(after({"two words\x1b[1;5Dmore \r", "a b\x1b[1;2Hc \x1b[1;5Fd\r"}),
              (Lines{"two more words", "c a bd"}));
}

TEST_F(ChatTerminal, OnlyCommandsAreCommands) {
    EXPECT_EQ(after({"/usr/bin/python fails\r", "//help\r", "say /quit\r", "/rest\r", "/etc\r"}),
              (Lines{"/usr/bin/python fails", "/help", "say /quit", "/etc"}));
}

TEST_F(ChatTerminal, CtrlCEndsNothingButAnAnswer) {
    Child child(chat("450"), true);
    ASSERT_TRUE(child.reads("> "));
    child.type("\x03");
    EXPECT_TRUE(child.reads("Ctrl-D or /quit leaves"));
    ASSERT_TRUE(child.reads("> "));
    child.type("Once upon a time\r");
    ASSERT_TRUE(child.reads("there"));
    child.type("\x03");
    EXPECT_TRUE(child.reads("(stopped)")) << child.output();
    ASSERT_TRUE(child.reads("> "));
    // Twice at once: the terminal may throw away what the first one brought, the chat goes on.
    child.type("Once upon a time\r");
    ASSERT_TRUE(child.reads(","));
    child.type("\x03\x03");
    ASSERT_TRUE(child.reads("> "));
    child.type("half a line\x03");
    ASSERT_TRUE(child.reads("^C"));
    ASSERT_TRUE(child.reads("> "));
    child.signal(SIGINT);
    EXPECT_TRUE(child.reads("^C"));
    ASSERT_TRUE(child.reads("> "));
    // Ctrl-D during an answer leaves when it is over.
    child.type("Once upon a time\r");
    ASSERT_TRUE(child.reads(","));
    child.type("\x04");
    EXPECT_EQ(child.end().code(), 0);
    EXPECT_TRUE(child.terminal_is_plain());
}

TEST_F(ChatTerminal, EveryEndKeepsTheHistoryAndGivesTheTerminalBack) {
    for (const int signal : {SIGTERM, SIGHUP})
        for (const bool in_answer : {false, true}) {
            const std::string file = path("new/history");
            fs::remove_all(path("new"));
            Child child(chat("500", {"--history", file}), true);
            ASSERT_TRUE(child.reads("> "));
            child.type("Once upon a time\r");
            ASSERT_TRUE(child.reads("there"));
            if (!in_answer) {
                child.type("\x03");
                ASSERT_TRUE(child.reads("2004h"));
            }
            child.signal(signal);
            EXPECT_EQ(child.end().code(), 0) << signal << in_answer << child.output();
            EXPECT_TRUE(child.terminal_is_plain()) << signal << in_answer;
            std::ifstream kept(file);
            std::string mark, line;
            std::getline(kept, mark);
            std::getline(kept, line);
            EXPECT_EQ(line, "Once\\040upon\\040a\\040time");
            struct stat info {};
            ASSERT_EQ(::stat(file.c_str(), &info), 0);
            EXPECT_EQ(info.st_mode & 0777U, 0600U);
        }
    for (const int signal : {SIGQUIT, SIGSEGV}) {
        Child child(chat("5"), true);
        ASSERT_TRUE(child.reads("> "));
        child.signal(signal);
        EXPECT_EQ(child.end().code(), -1);
        EXPECT_TRUE(child.terminal_is_plain()) << signal;
        EXPECT_NE(child.output().rfind("2004l"), std::string::npos);
    }
}

// Sentences are broken where the terminal ends, wherever the test's folder lets that be.
std::string on_one_line(std::string text) {
    for (std::size_t at = 0; (at = text.find("\r\n")) != std::string::npos;)
        text.replace(at, 2, " ");
    return text;
}

TEST_F(ChatTerminal, AHistoryIsAHistory) {
    std::ofstream(path("notes")) << "my notes\n";
    Child other(chat("5", {"--history", path("notes")}), true);
    EXPECT_EQ(other.end().code(), 1);
    EXPECT_NE(on_one_line(other.output()).find("is no history"), std::string::npos);
    Child model(chat("5", {"--history", model_}), true);
    EXPECT_EQ(model.end().code(), 1);
    EXPECT_NE(on_one_line(model.output()).find("would overwrite --model"), std::string::npos);
    // Escape codes and several lines, recalled with the arrow; of broken UTF-8 nothing is.
    for (const auto& [entry, recalled] :
         {std::pair{"x\\033[2Jy\\012z", "x^[[2Jy"}, {"x\\033[2Jy\\377", "\a"}}) {
        std::ofstream(path("history")) << "_HiStOrY_V2_\n" << entry << "\n";
        Child child(chat("3", {"--history", path("history")}), true);
        ASSERT_TRUE(child.reads("> "));
        child.type("\x1b[A");
        ASSERT_TRUE(child.reads(recalled)) << child.output();
        child.type("\x03");
        ASSERT_TRUE(child.reads("> "));
        child.type("\x04");
        EXPECT_EQ(child.end().code(), 0);
        EXPECT_EQ(child.output().find("\x1b[2Jy"), std::string::npos);
    }
}

TEST_F(ChatTerminal, ALineThatIsTooLongEndsNothing) {
    Child child(chat("3"), true);
    ASSERT_TRUE(child.reads("> "));
    child.type("\x1b[200~");
    const std::string block(4000, 'x');
    for (int i = 0; i < 300; ++i) child.type(block);
    child.type("\x1b[201~\r");
    EXPECT_TRUE(child.reads("longer than 1 MiB"));
    // Before the next prompt is there.
    child.type("\x04");
    EXPECT_EQ(child.end().code(), 0);
}

}  // namespace
}  // namespace cairn::cli
