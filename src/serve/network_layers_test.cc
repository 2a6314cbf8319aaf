// Proves, over real TLS on loopback and real threads, that layer servers started as `cairn node
// --serve` starts them write the same text as one process, and go on when one of them stops.
#include "serve/network_layers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "formats/checkpoint.h"
#include "serve/run_server.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

namespace fs = std::filesystem;

/// run_server on a thread, stopped and joined at the end.
struct ServerThread {
    std::atomic<bool> stop = false;
    std::promise<ServerReady> ready;
    Status status = ok_status();
    std::thread thread;
    ServerReady info;

    ServerThread(const std::string& file, const std::string& layers) {
        RunServerOptions options;
        options.layers = layers;
        options.model_file = file;
        options.started = [this](const ServerReady& r) { ready.set_value(r); };
        options.should_stop = [this] { return stop.load(); };
        thread = std::thread([this, options] { status = run_server(options); });
        info = ready.get_future().get();
    }
    void end() {
        stop = true;
        if (thread.joinable()) thread.join();
    }
    ~ServerThread() {
        end();
        EXPECT_TRUE(status.ok());
    }
};

struct NetworkLayersTest : ::testing::Test {
    std::shared_ptr<const model::Model> model = small_model();
    ModelSnapshot snapshot = snapshot_of(model).value();
    fs::path folder = fs::temp_directory_path() / ("cairn-serve-" + std::to_string(getpid()));
    std::string file = (folder / "model.cairn").string();
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    model::Transformer ends{snapshot.config, snapshot.weights, model::all_layers(snapshot.config),
                            compute};
    const text::Tokens prompt = {1, 17, 5, 60, 33, 2};

    void SetUp() override {
        fs::create_directories(folder);
        ASSERT_TRUE(formats::save_checkpoint(*model, file).ok());
    }
    void TearDown() override { fs::remove_all(folder); }

    Result<infer::Generated> write(infer::LayerStack& layers, std::vector<float>& logits,
                                   const std::function<void(std::size_t)>& at_step = {}) {
        infer::GenerateOptions options;
        options.max_tokens = 24;
        options.prefill_batch = 4;
        return infer::generate(
            compute, ends, layers, prompt, options, {}, [&](const infer::GeneratedStep& step) {
                logits.insert(logits.end(), step.logits.begin(), step.logits.end());
                if (at_step) at_step(step.index);
                return true;
            });
    }
    std::pair<text::Tokens, std::vector<float>> write_alone() {
        model::KvCache cache(snapshot.config, model::all_layers(snapshot.config),
                             snapshot.config.context);
        infer::LocalLayers layers(ends, cache);
        std::vector<float> logits;
        auto text = write(layers, logits);
        return {text.value().tokens, logits};
    }
    Result<std::unique_ptr<NetworkLayers>> connect(std::vector<std::string> servers) {
        NetworkLayersOptions options;
        options.remote.servers = std::move(servers);
        options.remote.max_positions = 64;
        return NetworkLayers::connect(snapshot.hash, snapshot.config, options);
    }
};

TEST_F(NetworkLayersTest, ThreeServersOverTlsWriteTheSameText) {
    const auto expected = write_alone();
    ServerThread a(file, "0-2");
    ServerThread b(file, "2-3");
    ServerThread c(file, "3-5");
    EXPECT_EQ(a.info.model, snapshot.hash);
    auto layers = connect({a.info.address, b.info.address, c.info.address});
    ASSERT_TRUE(layers.ok()) << layers.error().message;
    EXPECT_EQ((*layers)->route().size(), 3U);
    std::vector<float> logits;
    const auto text = write(**layers, logits);
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_EQ(text->tokens, expected.first);
    EXPECT_EQ(logits, expected.second);
}

TEST_F(NetworkLayersTest, GoesOnWhenAServerStops) {
    const auto expected = write_alone();
    ServerThread a(file, "0-2");
    ServerThread b(file, "2-5");
    ServerThread c(file, "2-5");
    auto layers = connect({a.info.address, b.info.address, c.info.address});
    ASSERT_TRUE(layers.ok()) << layers.error().message;
    std::vector<float> logits;
    const auto text = write(**layers, logits, [&](std::size_t step) {
        if (step != 8) return;
        const bool uses_b = (*layers)->route()[1].address == b.info.address;
        (uses_b ? b : c).end();
    });
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_EQ(text->tokens, expected.first);
    EXPECT_EQ(logits, expected.second);
    EXPECT_EQ((*layers)->failovers(), 1U);
}

TEST_F(NetworkLayersTest, SaysAtOnceWhatIsMissing) {
    ServerThread a(file, "0-2");
    const auto layers = connect({a.info.address, "127.0.0.1:1"});
    ASSERT_FALSE(layers.ok());
    EXPECT_NE(layers.error().message.find("no server holds layers 2-5"), std::string::npos);
    EXPECT_NE(layers.error().message.find("127.0.0.1:1 cannot be reached"), std::string::npos)
        << layers.error().message;
}

TEST(RunServer, RefusesToStartOnNonsense) {
    RunServerOptions options;
    options.layers = "0-2";
    options.model_file = "/nonexistent/model";
    EXPECT_FALSE(run_server(options).ok());
    for (const char* bad : {"", "2", "-", "a-b", "3-3", "4-2", "0-6", "0-2x", "0--2"})
        EXPECT_FALSE(parse_layers(bad, 5).ok()) << bad;
    EXPECT_EQ(*parse_layers("2-5", 5), (model::LayerRange{2, 5}));
    EXPECT_EQ(*parse_layers("auto", 5), (model::LayerRange{0, 5}));
}

}  // namespace
}  // namespace cairn::serve
