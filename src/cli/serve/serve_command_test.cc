// Proves that `cairn serve` serves a model over loopback, that `cairn chat` talks with it, that
// what cannot be served is named and the rest is, and that a signal ends it politely.
#include "cli/serve/serve_command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/serve/test_small_model.h"
#include "cli/test_child.h"
#include "cli/test_run.h"
#include "cli/write/chat_command.h"
#include "http/client.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ServeCommand : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = testing::TempDir() + "/cairn_serve";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        std::ofstream text(folder_ + "/text.txt");
        for (int i = 0; i < 200; ++i) text << "The cat sat on the mat, and the dog sat too.\n";
        text.close();
        const Outcome trained =
            train_small(folder_ + "/text.txt", folder_ + "/cat.cairn", {.layers = 1});
        ASSERT_EQ(trained.code, 0) << trained.errors;
        std::ofstream(folder_ + "/broken.gguf") << "this is no model";
    }
    static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

    static std::string model() { return folder_ + "/cat.cairn"; }
    /// The program with --json on any port; its first line.
    static std::unique_ptr<Child> start(std::vector<std::string> more, Json& ready) {
        std::vector<std::string> words = {"serve", "--threads", "1", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        auto child = std::make_unique<Child>([words] { return Child::cairn(words); }, false);
        EXPECT_TRUE(child->reads("\"url\"")) << child->output();
        EXPECT_TRUE(eventually([&] {
            const std::size_t begin = child->output().find('{');
            const std::size_t end = child->output().find('\n', begin);
            if (end == std::string::npos) return child->reads("\n") && false;
            ready = Json::parse(child->output().substr(begin, end - begin), nullptr, false);
            return true;
        }));
        return child;
    }
    static http::Answer ask(const Json& ready, const std::string& path, const std::string& json,
                            const std::string& token = "") {
        http::Question question;
        question.address = ready["address"];
        question.path = path;
        question.json = json;
        question.token = token;
        const auto answer = http::ask(question);
        EXPECT_TRUE(answer.ok()) << answer.error().message;
        return answer.ok() ? *answer : http::Answer{};
    }

    inline static std::string folder_;
};

TEST_F(ServeCommand, ServesAndIsTalkedWithAndEnds) {
    Json ready;
    const auto server = start({model(), folder_ + "/broken.gguf", "--port", "0"}, ready);
    ASSERT_TRUE(ready.is_object()) << server->output();
    EXPECT_TRUE(ready["token"].is_null());
    EXPECT_EQ(ready["models"][0]["id"], "cat");
    EXPECT_EQ(ready["models"][0]["state"], "ready");
    EXPECT_EQ(ready["models"][1]["state"], "failed");
    EXPECT_NE(server->output().find("broken cannot be loaded: "), std::string::npos);

    const http::Answer answer =
        ask(ready, "/v1/completions", R"({"model":"cat","prompt":"The cat","max_tokens":3})");
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["usage"]["completion_tokens"], 3);
    EXPECT_TRUE(server->reads("POST /v1/completions 200 cat, ")) << server->output();
    EXPECT_EQ(ask(ready, "/healthz", "").body, "ok\n");

    ChatRequest request;
    request.api = ready["address"];
    request.steps = 4;
    request.json = true;
    request.system = "Purr.";
    std::istringstream lines("The cat\nand the dog\n");
    console::StreamLineReader in(lines);
    std::ostringstream out;
    const auto code = run_chat(request, in, out);
    ASSERT_TRUE(code.ok()) << code.error().message;
    const Json talk = Json::parse(out.str());
    ASSERT_EQ(talk["turns"].size(), 2u) << out.str();
    EXPECT_EQ(talk["format"], "plain");
    EXPECT_EQ(talk["turns"][1]["written"], 4);
    EXPECT_EQ(talk["turns"][1]["stop"], "steps");
    // The same words as from the file.
    request.model = model();
    request.threads = 1;
    std::istringstream again("The cat\nand the dog\n");
    console::StreamLineReader in_again(again);
    std::ostringstream alone;
    ASSERT_TRUE(run_chat(request, in_again, alone).ok());
    EXPECT_EQ(talk["turns"][0]["answer"], Json::parse(alone.str())["turns"][0]["answer"]);
    request.model.clear();
    request.served = "dog";
    const auto missing = run_chat(request, in, out);
    ASSERT_FALSE(missing.ok());
    EXPECT_NE(missing.error().message.find("it has cat"), std::string::npos);

    request.served = "ca";
    std::istringstream once("The cat\n");
    console::StreamLineReader in_once(once);
    EXPECT_TRUE(run_chat(request, in_once, out).ok()) << "the only name that begins so";

    const Outcome list = run({"model", "list", "--api", ready["address"]});
    EXPECT_EQ(list.code, 0) << list.errors;
    EXPECT_NE(list.out.find("cat     ready"), std::string::npos) << list.out;
    EXPECT_NE(list.out.find("broken  failed"), std::string::npos) << list.out;
    EXPECT_EQ(run({"model", "list", "--api", ready["address"], "--json"}).json()["models"].size(),
              2U);

    // A second one says what to do.
    const Outcome taken = run({"serve", model(), "--listen", ready["address"], "--json"});
    EXPECT_EQ(taken.code, 1);
    EXPECT_NE(taken.errors.find("--port 0"), std::string::npos) << taken.errors;

    server->signal(SIGINT);
    const ChildEnd end = server->end();
    EXPECT_EQ(end.code(), 0);
    EXPECT_TRUE(end.output.ends_with("stopping\n")) << end.output;
    const auto nobody = run_chat(request, in, out);
    ASSERT_FALSE(nobody.ok());
    EXPECT_NE(nobody.error().message.find("cairn serve"), std::string::npos);
}

TEST_F(ServeCommand, ATokenIsAskedForWhereThereIsOne) {
    const std::string file = folder_ + "/token";
    std::ofstream(file) << "secret\n";
    ::chmod(file.c_str(), 0600);
    Json ready;
    const auto server =
        start({model(), "--listen", "127.0.0.1:0", "--token-file", file, "--quiet"}, ready);
    ASSERT_TRUE(ready.is_object()) << server->output();
    EXPECT_EQ(ask(ready, "/v1/models", "").status, 401u);
    EXPECT_EQ(ask(ready, "/v1/models", "", "secret").status, 200u);
    ChatRequest request;
    request.api = ready["address"];
    request.steps = 2;
    std::istringstream lines("The cat\n");
    console::StreamLineReader in(lines);
    std::ostringstream out;
    const auto refused = run_chat(request, in, out);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("--token-file"), std::string::npos);
    const Outcome list = run({"model", "list", "--api", ready["address"]});
    EXPECT_EQ(list.code, 1);
    EXPECT_NE(list.errors.find("--token-file"), std::string::npos) << list.errors;
    request.token_file = file;
    EXPECT_TRUE(run_chat(request, in, out).ok());
    server->signal(SIGTERM);
    EXPECT_EQ(server->end().code(), 0);
}

TEST_F(ServeCommand, BeyondThisMachineATokenIsMade) {
    Json ready;
    const auto server = start({model(), "--listen", "0.0.0.0:0"}, ready);
    ASSERT_TRUE(ready.is_object()) << server->output();
    ASSERT_TRUE(ready["token"].is_string());
    EXPECT_EQ(ready["token"].get<std::string>().size(), 32u);
    server->signal(SIGINT);
    EXPECT_EQ(server->end().code(), 0);
}

TEST_F(ServeCommand, WhatCannotBeServedIsSaidAtOnce) {
    const Outcome missing = run({"serve", model(), folder_ + "/none.gguf"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_NE(missing.errors.find("none.gguf"), std::string::npos) << missing.errors;
    const Outcome broken = run({"serve", folder_ + "/broken.gguf", "--port", "0"});
    EXPECT_EQ(broken.code, 1);
    EXPECT_NE(broken.errors.find("no model could be loaded"), std::string::npos) << broken.errors;
    EXPECT_EQ(run({"serve"}).code, 2);
    EXPECT_EQ(run({"serve", model(), "--listen", "nowhere"}).code, 2);
    EXPECT_EQ(run({"serve", model(), "--listen", "127.0.0.1:1", "--port", "5"}).code, 2);
    EXPECT_EQ(run({"serve", model(), "--port", "70000"}).code, 2);
    EXPECT_EQ(run({"serve", model(), "--kv", "f8"}).code, 2);
    const std::string open = folder_ + "/open-token";
    std::ofstream(open) << "secret\n";
    ::chmod(open.c_str(), 0644);
    EXPECT_EQ(run({"serve", model(), "--token-file", open}).code, 1);
    std::ofstream(open) << "two words\n";
    ::chmod(open.c_str(), 0600);
    EXPECT_NE(run({"serve", model(), "--token-file", open}).errors.find("holds no token"),
              std::string::npos);
    EXPECT_EQ(run({"chat", "--model", "m", "--api", "127.0.0.1:1"}).code, 2);
    EXPECT_EQ(run({"chat", "--context", "64"}).code, 2);
}

}  // namespace
}  // namespace cairn::cli
