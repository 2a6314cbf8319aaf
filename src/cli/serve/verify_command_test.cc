// Proves, over real links, that `cairn verify` finds the one server that computes with other
// weights and clears the honest one, that its exhibit convicts before anyone by `cairn audit judge`
// and before nobody once a byte of it is changed, and that `cairn servers` tells it after a
// restart. And that no server's layers end an audit of all.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/serve/test_small_model.h"
#include "cli/test_run.h"
#include "formats/load.h"
#include "net/tls_network.h"
#include "serve/layer_server.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

/// A layer server on a thread of its own, which may hold other weights than it says.
class TestServer {
  public:
    TestServer(const model::Model& model, model::LayerRange layers, float change)
        : thread_([this, &model, layers, change] { run(model, layers, change); }) {
        address_ = ready_.get_future().get();
    }
    ~TestServer() {
        loop_.post([this] { loop_.stop(); });
        thread_.join();
    }
    const std::string& address() const { return address_; }

  private:
    void run(const model::Model& model, model::LayerRange layers, float change) {
        SystemRandom random;
        const SystemClock clock;
        const auto secret = crypto::SecretKey::generate(random);
        const tensor::Kernels& kernels = *tensor::kernels_from_environment().value();
        auto whole = serve::snapshot_of(std::make_shared<const model::Model>(model)).value();
        const Hash256 name = whole.hash;
        std::vector<float> held = model::dense_parameters(model);
        model.layout().slice(std::span(held), model::TensorKind::kWDown, layers.begin)[5] += change;
        whole = serve::snapshot_of(std::make_shared<const model::Model>(
                                       model::make_model(model.config, std::move(held))))
                    .value();
        whole.hash = name;  // what it claims
        auto network =
            net::TlsNetwork::start(loop_, random, {.listen = "127.0.0.1:0", .key = secret}).value();
        serve::LayerServer server(loop_, *network, clock, random, secret, kernels, {});
        server.set_model(serve::keep_layers({&kernels, nullptr}, whole, layers), layers);
        network->set_handler(&server);
        loop_.post([&] { ready_.set_value(network->listen_address()); });
        loop_.run();
        network->set_handler(nullptr);
    }

    net::AsioLoop loop_;
    std::promise<std::string> ready_;
    std::string address_;
    std::thread thread_;
};

class VerifyCommand : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_verify";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        std::ofstream text(at("text.txt"));
        for (int i = 0; i < 200; ++i) text << "The cat sat on the mat, and the dog sat too.\n";
        text.close();
        const Outcome trained = train_small(at("text.txt"), at("cat.cairn"), {.layers = 3});
        ASSERT_EQ(trained.code, 0) << trained.errors;
        model_ = formats::load_any(at("cat.cairn")).value().model;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    Outcome verify(const std::vector<std::string>& servers, const std::string& rounds,
                   const std::vector<std::string>& more = {}) {
        std::vector<std::string> words = {
            "verify", "--model", at("cat.cairn"), "--text",     at("text.txt"), "--rounds",
            rounds,   "--book",  at("book"),      "--exhibits", at("exhibits"), "--threads",
            "1",      "--json"};
        for (const std::string& server : servers) {
            words.emplace_back("--server");
            words.push_back(server);
        }
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    std::string folder_;
    model::Model model_;
};

TEST_F(VerifyCommand, FindsTheLiarAndClearsTheOther) {
    const TestServer honest(model_, {0, 2}, 0);
    const TestServer liar(model_, {2, 3}, 0.01F);
    const Outcome outcome = verify({honest.address(), liar.address()}, "14");
    EXPECT_EQ(outcome.code, 1) << outcome.errors;
    const Json result = outcome.json();
    ASSERT_TRUE(result.is_object()) << outcome.out;
    EXPECT_EQ(result["convicted"], 1);
    std::string exhibit;
    for (const Json& audit : result["audits"]) {
        const bool is_liar = audit["layers"] == Json::array({2, 3});
        EXPECT_EQ(audit["finding"], is_liar ? "convicted" : "right") << audit.dump();
        if (is_liar) exhibit = audit["exhibit"];
    }

    // After a restart the book still says so.
    const Json servers = run({"servers", "--book", at("book"), "--json"}).json();
    ASSERT_EQ(servers["servers"].size(), 2u);
    for (const Json& server : servers["servers"]) {
        const bool is_liar = server["layers"] == Json::array({2, 3});
        EXPECT_EQ(server["status"], is_liar ? "convicted" : "active") << server.dump();
        EXPECT_EQ(server["audits"], is_liar ? 1 : 14);
        EXPECT_EQ(server["why"].get<std::string>().find("signed for row"),
                  is_liar ? 0 : std::string::npos);
    }

    // Anyone who has the model sees it for himself.
    const Outcome judged = run({"audit", "judge", exhibit, "--model", at("cat.cairn"), "--json"});
    EXPECT_EQ(judged.code, 0);
    EXPECT_EQ(judged.json()["verdict"], "convicts");
    std::fstream file(exhibit, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-2, std::ios::end);
    file.put('\x11');
    file.close();
    const Outcome forged = run({"audit", "judge", exhibit, "--model", at("cat.cairn"), "--json"});
    EXPECT_EQ(forged.code, 1);
    EXPECT_EQ(forged.json()["verdict"], "proves nothing");
    // It is not asked again.
    EXPECT_EQ(verify({liar.address()}, "2").json()["audits"].size(), 0u);
}

TEST_F(VerifyCommand, AServerWithoutTheHeadsEndsNoAudit) {
    const TestServer one(model_, {0, 2}, 0), other(model_, {0, 2}, 0);
    const Outcome outcome = verify({one.address(), other.address()}, "1", {"--attention", "2:0"});
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    const Json audits = outcome.json()["audits"];
    ASSERT_EQ(audits.size(), 2u) << outcome.out;
    for (const Json& audit : audits) {
        EXPECT_EQ(audit["finding"], "right");
        EXPECT_EQ(audit["attention"]["verdict"], "not proved");
        EXPECT_EQ(audit["attention"]["sentence"],
                  "not asked for: the server has layers 0-2, and none of these heads");
    }
    // What no server can have is known before anybody is asked.
    EXPECT_EQ(verify({"127.0.0.1:1"}, "1", {"--attention", "3:0"}).code, 2);
    EXPECT_EQ(verify({"127.0.0.1:1"}, "1", {"--attention", "0:99"}).code, 2);
}

TEST_F(VerifyCommand, SaysWhoDoesNotAnswer) {
    const Outcome nobody = verify({"127.0.0.1:1"}, "1");
    EXPECT_EQ(nobody.code, 1);
    EXPECT_NE(nobody.errors.find("127.0.0.1:1"), std::string::npos) << nobody.errors;
    EXPECT_NE(run({"servers", "--book", at("none")}).out.find("No server was audited yet"),
              std::string::npos);
    EXPECT_EQ(run({"audit", "judge", at("text.txt"), "--model", at("cat.cairn")}).code, 1);
    for (const char* wrong : {"nohost", "host:0", "abc@127.0.0.1:1", ""}) {
        const Outcome misread = verify({wrong}, "1");
        EXPECT_EQ(misread.code, 2) << wrong;
        EXPECT_NE(misread.out.find("--server"), std::string::npos) << misread.out;
    }
}

}  // namespace
}  // namespace cairn::cli
