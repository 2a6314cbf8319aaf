// Proves that `chat` talks through a pipe: turns, commands, one JSON object, errors that end it.
#include "cli/write/chat_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/test_data.h"

namespace cairn::cli {
namespace {

class ChatCommand : public testing::Test {
  protected:
    void SetUp() override {
        request_.model = test_data_folder() + "/stories260K/stories260K.bin";
        if (!std::filesystem::exists(request_.model))
            GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
        request_.steps = 16;
        request_.threads = 1;
    }

    std::string talk(const std::string& lines) {
        std::istringstream in(lines);
        StreamLineReader reader(in);
        std::ostringstream out;
        status_ = run_chat(request_, reader, out);
        return out.str();
    }

    ChatRequest request_;
    Status status_ = ok_status();
};

TEST_F(ChatCommand, AnswersEachLine) {
    const std::string first = talk("Once upon a time\n");
    EXPECT_EQ(first.substr(0, 12), ", there was ");
    EXPECT_EQ(first.back(), '\n');
    EXPECT_EQ(talk("Once upon a time\n/reset\nOnce upon a time\n/quit\nnever read\n"),
              first + first);
}

TEST_F(ChatCommand, CommandsDoWhatHelpSays) {
    const std::string help = talk("/help\n/nonesuch\n");
    EXPECT_NE(help.find("/reset"), std::string::npos);
    EXPECT_NE(help.find("no command /nonesuch"), std::string::npos);
    EXPECT_NE(talk("/stats\nOnce\n").find("tokens/s"), std::string::npos);
    EXPECT_EQ(talk("/system Be kind.\n/system\n"), "Be kind.\n");
    const std::string file = testing::TempDir() + "/cairn_chat.json";
    talk("/system Be kind.\nOnce\n/save " + file + "\n");
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

TEST_F(ChatCommand, ErrorsSayWhatToDo) {
    request_.context = 8;
    talk("Once upon a time there was a very long line\n");
    ASSERT_FALSE(status_.ok());
    EXPECT_NE(status_.error().message.find("/reset"), std::string::npos);
    request_.context = 0;
    request_.format = "nonesuch";
    talk("x\n");
    EXPECT_NE(status_.error().message.find("chatml"), std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
