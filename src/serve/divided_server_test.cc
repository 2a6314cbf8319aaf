// Proves, over real TLS on loopback and real threads, that a server and its parts, started as
// `cairn node --serve --part` and `--part-of` start them, write the text of one machine; that a
// part serves nobody but its lead and a lead takes nobody else's part; and that a part that ends
// is named, and taken back when it is there again.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "formats/checkpoint.h"
#include "serve/network_layers.h"
#include "serve/part_link.h"
#include "serve/run_part.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

namespace fs = std::filesystem;

/// run_server or run_part on a thread, stopped and joined at the end.
template <typename Options>
struct Running {
    std::atomic<bool> stop = false;
    std::promise<ServerReady> ready;
    Status status = ok_status();
    std::thread thread;
    ServerReady info;

    Running(Options options, Status (*runs)(const Options&)) {
        options.started = [this](const ServerReady& r) { ready.set_value(r); };
        options.should_stop = [this] { return stop.load(); };
        thread = std::thread([this, options, runs] {
            status = runs(options);
            if (!status.ok()) ready.set_value({});  // it never was
        });
        info = ready.get_future().get();
    }
    void end() {
        stop = true;
        if (thread.joinable()) thread.join();
    }
    ~Running() { end(); }
};

struct DividedServer : ::testing::Test {
    std::shared_ptr<const model::Model> model = small_model();
    ModelSnapshot snapshot = snapshot_of(model).value();
    fs::path folder = fs::temp_directory_path() / ("cairn-parts-" + std::to_string(getpid()));
    std::string file = (folder / "model.cairn").string();
    std::string key_file = (folder / "parts.key").string();
    SystemRandom random;

    void SetUp() override {
        fs::create_directories(folder);
        ASSERT_TRUE(formats::save_checkpoint(*model, file).ok());
        ASSERT_TRUE(load_part_keys(key_file, random, true).ok());
    }
    void TearDown() override { fs::remove_all(folder); }

    RunPartOptions part_options(const std::string& listen = "127.0.0.1:0") const {
        return {.layers = "auto", .model_file = file, .key_file = key_file, .listen = listen};
    }
    RunServerOptions lead_options(std::vector<std::string> parts,
                                  std::uint64_t wait_ms = 10'000) const {
        RunServerOptions options;
        options.layers = "0-5";
        options.model_file = file;
        options.lead = {.parts = std::move(parts), .key_file = key_file, .wait_ms = wait_ms};
        return options;
    }
    /// The text, and all its logits.
    std::pair<text::Tokens, std::vector<float>> write(
        infer::LayerStack& layers, const std::function<void(std::size_t)>& at_step = {}) {
        ThreadPool pool{1};
        const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
        model::Transformer ends(snapshot.config, snapshot.weights, {0, 0}, compute);
        infer::GenerateOptions options;
        options.max_tokens = 24;
        options.prefill_batch = 4;
        std::vector<float> logits;
        const auto text =
            infer::generate(compute, ends, layers, text::Tokens{1, 17, 5, 60, 33, 2}, options, {},
                            [&](const infer::GeneratedStep& step) {
                                logits.insert(logits.end(), step.logits.begin(), step.logits.end());
                                if (at_step) at_step(step.index);
                                return true;
                            });
        EXPECT_TRUE(text.ok()) << (text.ok() ? "" : text.error().message);
        return {text.ok() ? text->tokens : text::Tokens(), logits};
    }
    std::pair<text::Tokens, std::vector<float>> write_alone() {
        ThreadPool pool{1};
        const model::LayerRange all = model::all_layers(snapshot.config);
        model::Transformer transformer(snapshot.config, snapshot.weights, all,
                                       {tensor::kernels_from_environment().value(), &pool});
        model::KvCache cache(snapshot.config, all, snapshot.config.context);
        infer::LocalLayers layers(transformer, cache);
        return write(layers);
    }
    std::unique_ptr<NetworkLayers> connect(const std::string& server) {
        NetworkLayersOptions options;
        options.remote.servers = {server};
        options.remote.max_positions = 64;
        auto layers = NetworkLayers::connect(snapshot.hash, snapshot.config, options);
        EXPECT_TRUE(layers.ok()) << layers.error().message;
        return layers.ok() ? *std::move(layers) : nullptr;
    }
};

using Part = Running<RunPartOptions>;
using Lead = Running<RunServerOptions>;

TEST_F(DividedServer, ThreeMachinesWriteTheTextOfOneAndAPartThatEndsIsTakenBack) {
    const auto expected = write_alone();
    Part one(part_options(), run_part);
    auto two = std::make_unique<Part>(part_options(), run_part);
    const std::string where = two->info.address;
    Lead lead(lead_options({one.info.address, where}), run_server);
    ASSERT_TRUE(lead.status.ok()) << lead.status.error().message;
    EXPECT_EQ(lead.info.model, snapshot.hash);
    const auto layers = connect(lead.info.address);
    ASSERT_NE(layers, nullptr);
    EXPECT_EQ(write(*layers), expected);

    // One ends in the middle of a sentence, and is started again while the client waits.
    const auto again = connect(lead.info.address);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(write(*again,
                    [&](std::size_t step) {
                        if (step != 8) return;
                        two.reset();
                        two = std::make_unique<Part>(part_options(where), run_part);
                    }),
              expected);
    EXPECT_TRUE(two->status.ok());
    EXPECT_GE(again->failovers(), 1U);
}

TEST_F(DividedServer, APartServesNobodyButItsLead) {
    Part part(part_options(), run_part);
    PartKeys strangers = load_part_keys((folder / "other.key").string(), random, true).value();
    const PartKeys own = load_part_keys(key_file, random, false).value();
    // Who knows the part's public key, and has a key of his own.
    strangers.part = own.part;
    const auto stranger = PartLink::start(strangers, part.info.address, "the part").value();
    (void)stranger->connect(2'000).ok();
    (void)stranger->send(PartKind::kJoin, {}).ok();
    const auto answer = stranger->receive(2'000);
    EXPECT_FALSE(answer.ok()) << "it may connect, and is thrown out";
    const auto lead = PartLink::start(own, part.info.address, "the part").value();
    ASSERT_TRUE(lead->connect(5'000).ok());
    ASSERT_TRUE(lead->send(PartKind::kJoin, {}).ok());
    const auto refused = lead->receive(5'000);
    ASSERT_TRUE(refused.ok()) << refused.error().message;
    EXPECT_EQ(refused->kind, PartKind::kRefused) << "an empty Join is refused, not ignored";
}

TEST_F(DividedServer, ALeadTakesNobodyElsesPart) {
    RunPartOptions other = part_options();
    other.key_file = (folder / "other.key").string();
    ASSERT_TRUE(load_part_keys(other.key_file, random, true).ok());
    Part part(other, run_part);
    Lead lead(lead_options({part.info.address}, 1'000), run_server);
    ASSERT_FALSE(lead.status.ok());
    EXPECT_NE(lead.status.error().message.find(
                  "part 2 of 2 at " + part.info.address +
                  ": who answers there is no part with this --part-key file"),
              std::string::npos)
        << lead.status.error().message;
}

TEST_F(DividedServer, WhatDoesNotFitIsSaidAtTheStart) {
    const auto why = [&](const RunServerOptions& options) {
        Lead lead(options, run_server);
        return lead.status.ok() ? "" : lead.status.error().message;
    };
    const std::string missing = why(lead_options({"127.0.0.1:1"}, 100));
    EXPECT_EQ(missing.find("part 2 of 2 at 127.0.0.1:1: "), 0U) << missing;
    EXPECT_NE(missing.find("Start a part there: cairn node --serve 0-5 --model " + file +
                           " --part-of " + key_file + " --listen HOST:PORT"),
              std::string::npos)
        << missing;
    RunPartOptions fewer = part_options();
    fewer.layers = "0-4";
    Part part(fewer, run_part);
    EXPECT_EQ(why(lead_options({part.info.address})),
              "part 2 of 2 at " + part.info.address +
                  " refused: this part holds layers 0-4, not layers 0-5: start it with the lead's "
                  "--serve");
    RunServerOptions options = lead_options({part.info.address});
    options.lead.key_file = "";
    EXPECT_NE(why(options).find("--part wants --part-key FILE"), std::string::npos);
    EXPECT_NE(why(lead_options({part.info.address, "127.0.0.1:1", part.info.address}))
                  .find("--part " + part.info.address + " is named twice"),
              std::string::npos);
    options = lead_options({part.info.address});
    options.lead.sizes = {1, 1, 1};
    EXPECT_EQ(why(options), "--shares wants 2 numbers, this machine's first; got 3");
    options.lead.sizes = {1, 0};
    EXPECT_EQ(why(options), "--part " + part.info.address +
                                " would compute nothing: a layer of this model has 2 groups of "
                                "heads and 48 columns; name fewer parts, or give it more with "
                                "--shares");
    options.lead.sizes = {0, 0};
    EXPECT_EQ(why(options), "--shares are 0 to 1000, and not all 0");
}

/// A part that says it is alive, and from some time on answers nothing else.
struct HangingPart final : net::NetworkHandler {
    net::AsioLoop loop;
    SystemRandom random;
    std::unique_ptr<net::TlsNetwork> network;
    LayerPart part;
    std::atomic<bool> hangs = false, told = false;
    std::promise<void> hung;
    std::thread thread;

    HangingPart(const PartKeys& keys, const ModelSnapshot& whole, ThreadPool& pool)
        : network(net::TlsNetwork::start(loop, random, {.listen = "127.0.0.1:0", .key = keys.part})
                      .value()),
          part(whole, model::all_layers(whole.config),
               {tensor::kernels_from_environment().value(), &pool}) {
        network->set_handler(this);
        thread = std::thread([this] { loop.run(); });
    }
    ~HangingPart() override {
        loop.post([this] { loop.stop(); });
        thread.join();
        network->set_handler(nullptr);
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        const auto asked = static_cast<PartKind>(kind);
        if (hangs && asked != PartKind::kAskAlive) {
            if (!told.exchange(true)) hung.set_value();
            return;
        }
        if (const auto answer = part.answer(asked, body))
            network->send(peer, static_cast<std::uint16_t>(answer->kind), answer->body);
    }
};

// One of the two is then without it, and says what is wrong.
TEST_F(DividedServer, WhoLosesAPartToAnotherLeadIsTold) {
    Part part(part_options(), run_part);
    const PartKeys keys = load_part_keys(key_file, random, false).value();
    const auto first = PartLink::start(keys, part.info.address, "the part").value();
    ASSERT_TRUE(first->connect(5'000).ok());
    const auto second = PartLink::start(keys, part.info.address, "the part").value();
    ASSERT_TRUE(second->connect(5'000).ok());
    EXPECT_FALSE(first->receive(5'000).ok());
    EXPECT_FALSE(first->is_up());
    EXPECT_NE(first->why_down().find("another lead with this --part-key took this part"),
              std::string::npos)
        << first->why_down();
    EXPECT_TRUE(second->is_up());
}

TEST_F(DividedServer, ALeadThatStopsDoesNotWaitForAPartThatHangs) {
    ThreadPool pool{1};
    HangingPart part(load_part_keys(key_file, random, false).value(), snapshot, pool);
    Lead lead(lead_options({part.network->listen_address()}), run_server);
    ASSERT_TRUE(lead.status.ok()) << lead.status.error().message;
    const auto layers = connect(lead.info.address);
    ASSERT_NE(layers, nullptr);
    std::thread client([&] {
        std::vector<float> rows(snapshot.config.dim, 0.5F);
        EXPECT_TRUE(layers->forward(rows).ok());
        part.hangs = true;
        (void)layers->forward(rows).ok();
    });
    EXPECT_EQ(part.hung.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
    const SystemClock clock;
    const std::uint64_t begun_us = clock.monotonic_us();
    lead.end();
    EXPECT_LT(clock.monotonic_us() - begun_us, 10'000'000U) << "a step may last for 30 s";
    EXPECT_TRUE(lead.status.ok());
    layers->cancel();
    client.join();
}

TEST_F(DividedServer, TheKeyFileIsMadeOnceAndForItsOwner) {
    const std::string made = (folder / "made.key").string();
    const auto absent = load_part_keys(made, random, false);
    ASSERT_FALSE(absent.ok());
    EXPECT_NE(absent.error().message.find("copy it from the machine that leads"),
              std::string::npos);
    const PartKeys keys = load_part_keys(made, random, true).value();
    EXPECT_EQ(fs::status(made).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const PartKeys same = load_part_keys(made, random, true).value();
    EXPECT_EQ(crypto::public_key(keys.lead), crypto::public_key(same.lead));
    EXPECT_EQ(crypto::public_key(keys.part), crypto::public_key(same.part));
    EXPECT_NE(crypto::public_key(keys.lead), crypto::public_key(keys.part));
    std::ofstream(made, std::ios::trunc) << "no key\n";
    EXPECT_NE(load_part_keys(made, random, true).error().message.find("64 hexadecimal digits"),
              std::string::npos);
}

}  // namespace
}  // namespace cairn::serve
