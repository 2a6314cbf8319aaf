// Proves that `chat` talks through a pipe, line by line, and with a person, for whom
// some lines are commands; one JSON object whatever happens; errors that end it.
#include "cli/write/chat_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/write/chat_line.h"

namespace cairn::cli {
namespace {

class TypedLines final : public console::LineReader {
  public:
    TypedLines(std::istream& in, bool person) : lines_(in), person_(person) {}
    Result<std::optional<std::string>> read(const std::string& prompt,
                                            console::Interrupt& interrupt) override {
        return lines_.read(prompt, interrupt);
    }
    bool is_terminal() const override { return person_; }

  private:
    console::StreamLineReader lines_;
    bool person_;
};

class ChatCommand : public testing::Test {
  protected:
    void SetUp() override {
        request_.model = test_data_folder() + "/stories260K/stories260K.bin";
        if (!std::filesystem::exists(request_.model))
            GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
        request_.steps = 16;
        request_.threads = 1;
    }

    std::string talk(const std::string& lines, bool person = false) {
        std::istringstream in(lines);
        TypedLines reader(in, person);
        std::ostringstream out;
        status_ = run_chat(request_, reader, out);
        return out.str();
    }
    /// As somebody who sits there; without the line of welcome.
    std::string type(const std::string& lines) {
        const std::string out = talk(lines, true);
        return out.substr(out.find('\n') + 1);
    }

    ChatRequest request_;
    Result<int> status_ = 0;
};

TEST_F(ChatCommand, AnswersEachLine) {
    const std::string first = talk("Once upon a time\n");
    EXPECT_EQ(first.substr(0, 12), ", there was ");
    EXPECT_EQ(first.back(), '\n');
    EXPECT_EQ(type("Once upon a time\n/reset\nOnce upon a time\n/quit\nnever read\n"),
              first + first);
}

TEST_F(ChatCommand, CommandsDoWhatHelpSays) {
    const std::string help = type("/help\n/rest\n/frobnicate\n");
    EXPECT_NE(help.find("/reset"), std::string::npos);
    EXPECT_NE(help.find("no command /rest; did you mean /reset? (//rest sends it)"),
              std::string::npos);
    EXPECT_NE(help.find("no command /frobnicate; /help lists them (//frobnicate sends it)"),
              std::string::npos);
    EXPECT_NE(type("/stats\nOnce\n").find("tokens/s"), std::string::npos);
    EXPECT_EQ(type("/stats\n/stats\n"),
              "each answer says how fast it came\nanswers say no longer how fast they came\n");
    EXPECT_EQ(type("/system Be kind.\n/system\n"), "Be kind.\n");
    const std::string file = testing::TempDir() + "/cairn_chat.json";
    EXPECT_NE(type("/system Be kind.\nOnce\n/save " + file + "\n/save " + file + "\n")
                  .find("saved " + file + "\nsaved "),
              std::string::npos);
    // Another conversation does not replace it, and none the model.
    EXPECT_NE(type("/save " + file + "\n").find("already there"), std::string::npos);
    EXPECT_NE(type("/save " + request_.model + "\n").find("already there"), std::string::npos);
    const auto saved = nlohmann::json::parse(std::ifstream(file), nullptr, false);
    std::filesystem::remove(file);
    ASSERT_EQ(saved["messages"].size(), 3U);
    EXPECT_EQ(saved["messages"][0]["content"], "Be kind.");
    EXPECT_EQ(saved["messages"][1]["role"], "user");
}

TEST_F(ChatCommand, JsonIsOneObject) {
    request_.json = true;
    request_.sampling.stops = {"was"};
    const auto object = nlohmann::json::parse(talk("Once upon a time\n\nAnd\n"), nullptr, false);
    ASSERT_EQ(object["turns"].size(), 2U);
    EXPECT_EQ(object["format"], "plain");
    EXPECT_EQ(object["turns"][0]["answer"], ", there ");
    EXPECT_EQ(object["turns"][0]["stop"], "string");
    EXPECT_GT(object["turns"][1]["reused"], 4);
    const auto joined = nlohmann::json::parse(talk("Once upon\\\n a time\n"), nullptr, false);
    EXPECT_EQ(joined["turns"][0]["user"], "Once upon\n a time");
}

TEST_F(ChatCommand, APipeHasTurnsAndTheSameCommands) {
    request_.json = true;
    const auto object = nlohmann::json::parse(
        talk("/usr/bin/python fails\n//quit\n/help\n/reset\n/quit\nnever read\n"), nullptr, false);
    ASSERT_EQ(object["turns"].size(), 2U);
    EXPECT_EQ(object["turns"][0]["user"], "/usr/bin/python fails");
    EXPECT_EQ(object["turns"][1]["user"], "/quit");
    // What may be somebody else's text writes no file, and a word that is no command is not sent.
    const std::string file = testing::TempDir() + "/cairn_chat_piped.json";
    for (const std::string& line : {"/save " + file, std::string("/qiut"), std::string("/frob")}) {
        const auto refused =
            nlohmann::json::parse(talk("Once\n" + line + "\nAnd\n"), nullptr, false);
        EXPECT_EQ(refused["turns"].size(), 1U) << line;
        EXPECT_NE(refused["error"]["message"].get<std::string>().find("sends"), std::string::npos);
    }
    EXPECT_FALSE(std::filesystem::exists(file));
    // Of a person too nothing but the object is printed, and an error is in it.
    const auto typed = nlohmann::json::parse(talk("/help\n/stats\nOnce\n", true), nullptr, false);
    EXPECT_EQ(typed["turns"].size(), 1U);
    request_.context = 24;
    const auto full = nlohmann::json::parse(
        talk("Once\nupon a time there was a very very long line of very many words\n"), nullptr,
        false);
    EXPECT_EQ(status_.value(), 1);
    EXPECT_EQ(full["error"]["kind"], "full");
    EXPECT_EQ(full["turns"].size(), 1U);
}

TEST_F(ChatCommand, ErrorsSayWhatToDo) {
    request_.context = 8;
    talk("Once upon a time there was a very long line\n");
    ASSERT_FALSE(status_.ok());
    EXPECT_NE(status_.error().message.find("/reset"), std::string::npos);
    request_.context = 1'000'000;
    talk("x\n");
    EXPECT_EQ(status_.error().code, ErrorCode::kMisused);
    request_.context = 0;
    request_.format = "nonesuch";
    talk("x\n");
    EXPECT_NE(status_.error().message.find("chatml"), std::string::npos);
}

TEST(ChatLine, OnlyExactCommandsAreCommands) {
    using Kind = ChatLine::Kind;
    for (const char* line : {"/reset", "/quit ", "/system", "/system Be kind.", "/save a b"})
        EXPECT_EQ(read_chat_line(line).kind, Kind::kCommand) << line;
    EXPECT_EQ(read_chat_line("/save a b").text, "a b");
    for (const char* line : {"/rest", "/sav", "/hlep", "/qiut", "/nonesuch", "/x"})
        EXPECT_EQ(read_chat_line(line).kind, Kind::kMistyped) << line;
    for (const char* line : {"/etc", "/usr/bin/python fails", "/reset now", "/quit\nnot", " /quit",
                             "/", "//", "// a comment", "/home", "/none/such", "/2", "1/2"}) {
        EXPECT_EQ(read_chat_line(line).kind, Kind::kMessage) << line;
        EXPECT_EQ(read_chat_line(line).text, line);
    }
    EXPECT_EQ(read_chat_line("//help").text, "/help");
    EXPECT_EQ(read_chat_line("//rest").text, "/rest");
}

}  // namespace
}  // namespace cairn::cli
