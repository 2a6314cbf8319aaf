// Proves, with real processes, that a server serves layers that its machine never had: fetched by
// the model's name from servers that give them, only those layers, kept over a kill -9, given on to
// others, and given by nobody who did not say so.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/serve/test_small_model.h"
#include "cli/test_child.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class FetchedLayers : public testing::Test {
  protected:
    FetchedLayers() {
        folder_ = *make_temporary_folder("cairn-fetched-");
        std::string text;
        for (int i = 0; i < 400; ++i)
            text += "the cat sat on mat number " + std::to_string(i) + "\n";
        EXPECT_TRUE(write_file(at("text.txt"), as_bytes(text)).ok());
        const Outcome trained =
            train_small(at("text.txt"), at("cat.cairn"), {.dim = 64, .vocab = 300});
        EXPECT_EQ(trained.code, 0) << trained.errors;
        name_ = trained.json()["content_hash"];
    }
    ~FetchedLayers() override { (void)remove_tree(folder_); }

    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    Json write(std::vector<std::string> over) const {
        std::vector<std::string> words = {"generate", "--model", at("cat.cairn"), "--prompt", "the",
                                          "--steps",  "12",      "--json"};
        words.insert(words.end(), over.begin(), over.end());
        const Outcome outcome = run(words);
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        return outcome.json();
    }

    std::string folder_, name_;
};

TEST_F(FetchedLayers, AreServedByAMachineThatNeverHadTheFile) {
    Json first, second, third, again;
    const auto owner =
        start_layer_server({"0-2", "--model", at("cat.cairn"), "--give-weights"}, first);
    ASSERT_TRUE(first.is_object());
    EXPECT_EQ(first["model"], name_);
    const std::string one = first["address"];
    const auto back = start_layer_server(
        {"2-4", "--model", name_, "--from", one, "--give-weights", "--weights-dir", at("two")},
        second);
    ASSERT_TRUE(second.is_object());
    EXPECT_EQ(second["model"], name_);
    EXPECT_EQ(second["layers"], Json::array({2, 4}));
    // Two layers of four, of 4 bytes a number, and nothing else.
    EXPECT_EQ(second["fetched_bytes"], second["parameters"].get<std::uint64_t>() * 4);
    const std::string two = second["address"];
    const Json alone = write({});
    const Json over = write({"--server", one, "--server", two});
    EXPECT_EQ(over["digest"], alone["digest"]);
    EXPECT_EQ(over["tokens"], alone["tokens"]);

    // A third one has them from the second, which never had the file.
    owner->signal(SIGKILL);
    (void)owner->end();
    const auto on = start_layer_server(
        {"3-4", "--model", name_, "--from", two, "--weights-dir", at("three")}, third);
    ASSERT_TRUE(third.is_object());
    // What was kept is served after kill -9 without anybody's help.
    back->signal(SIGKILL);
    (void)back->end();
    const auto reborn = start_layer_server(
        {"2-4", "--model", name_, "--from", two, "--weights-dir", at("two")}, again);
    ASSERT_TRUE(again.is_object());
    EXPECT_EQ(again["model"], name_);

    // Nobody gives who did not say so; the error says what to do.
    const Outcome refused = run({"node", "--serve", "0-1", "--model", name_, "--from",
                                 again["address"].get<std::string>(), "--weights-dir", at("four"),
                                 "--listen", "127.0.0.1:0"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.errors.find("it does not have model"), std::string::npos) << refused.errors;
    const Outcome untold = run({"node", "--serve", "0-1", "--model", name_, "--weights-dir",
                                at("four"), "--listen", "127.0.0.1:0"});
    EXPECT_EQ(untold.code, 1);
    EXPECT_NE(untold.errors.find("--from HOST:PORT"), std::string::npos) << untold.errors;
    for (const auto* child : {&on, &reborn}) {
        (*child)->signal(SIGTERM);
        EXPECT_EQ((*child)->end().code(), 0) << (*child)->output();
    }
}

}  // namespace
}  // namespace cairn::cli
