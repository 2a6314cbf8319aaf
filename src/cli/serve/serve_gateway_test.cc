// Proves that `cairn serve` over layer servers answers OpenAI's API with the text that the model
// writes on one machine, says who computed it, and names what does not go together.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/serve/test_small_model.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ServeGateway : public SmallModelFixture {
  protected:
    static Json completion(const Json& ready, int tokens) {
        return complete(ready, {{"prompt", "ah, the cat sat on the mat and"},
                                {"max_tokens", tokens},
                                {"temperature", 0}});
    }
    static std::string misused(std::vector<std::string> words) {
        words.insert(words.begin(), "serve");
        const Outcome outcome = run(words);
        EXPECT_EQ(outcome.code, 2) << outcome.out;
        return outcome.errors;
    }
};

TEST_F(ServeGateway, AnswersWithWhatTheModelWritesAndSaysWhoComputedIt) {
    train();
    const std::string model = at("cat.cairn");
    Json front, back, gateway, here;
    const auto first =
        start({"node", "--serve", "0-2", "--model", model, "--listen", "127.0.0.1:0"}, front);
    const auto second =
        start({"node", "--serve", "2-4", "--model", model, "--listen", "127.0.0.1:0"}, back);
    const std::string one = front.value("address", ""), two = back.value("address", "");
    const auto served =
        start({"serve", model, "--server", one, "--server", two, "--port", "0", "--draft", "repeat",
               "--wait", "1", "--audit", "1", "--book", at("book")},
              gateway);
    const auto alone = start({"serve", model, "--port", "0"}, here);
    EXPECT_EQ(gateway["models"][0]["id"], "cat");

    const Json over = completion(gateway, 20), plain = completion(here, 20);
    ASSERT_TRUE(over.contains("choices")) << over;
    EXPECT_EQ(over["choices"][0]["text"], plain["choices"][0]["text"]);
    EXPECT_FALSE(plain["choices"][0].contains("cairn"));
    const Json facts = over["choices"][0]["cairn"];
    ASSERT_EQ(facts["servers"].size(), 2U) << facts;
    EXPECT_EQ(facts["servers"][0]["server"], one);
    EXPECT_EQ(facts["servers"][1]["server"], two);
    EXPECT_GT(facts["servers"][0]["receipts_checked"], 0);
    ASSERT_EQ(facts["audits"].size(), 2U) << facts;
    EXPECT_EQ(facts["audits"][0]["finding"], "right");
    // The same beginning is not computed again, and the session is audited on.
    const Json again = completion(gateway, 20);
    EXPECT_GT(again["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    EXPECT_EQ(again["choices"][0]["cairn"]["audits"].size(), 2U);

    second->signal(SIGTERM);
    EXPECT_EQ(second->end().code(), 0);
    const Json nobody = completion(gateway, 20);
    ASSERT_TRUE(nobody.contains("error")) << nobody;
    const std::string why = nobody["error"]["message"];
    EXPECT_NE(why.find("layer"), std::string::npos) << why;
    for (Child* each : {served.get(), alone.get(), first.get()}) {
        each->signal(SIGTERM);
        EXPECT_EQ(each->end().code(), 0) << each->output();
    }
}

TEST_F(ServeGateway, WhatDoesNotGoTogetherIsNamed) {
    const auto says = [](const std::string& text, const std::string& what) {
        return text.find(what) != std::string::npos;
    };
    EXPECT_TRUE(says(misused({}), "--servers-of"));
    EXPECT_TRUE(says(misused({"--server", "127.0.0.1:1"}), "wants the model's file"));
    const std::vector<std::string> over = {"m.cairn", "--server", "127.0.0.1:1"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), over.begin(), over.end());
        return misused(std::move(more));
    };
    EXPECT_TRUE(says(with({"other.cairn"}), "one model"));
    EXPECT_TRUE(says(with({"--memory", "100"}), "--memory"));
    EXPECT_TRUE(says(with({"--draft", "small.gguf"}), "repeat"));
    EXPECT_TRUE(says(misused({"m.cairn", "--standby", "1"}), "--server HOST:PORT"));
}

}  // namespace
}  // namespace cairn::cli
