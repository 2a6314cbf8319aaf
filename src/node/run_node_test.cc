// Proves that whole node processes over real links train one model: two nodes mine and merge, a
// third that has only network.json fetches the assets and reaches the same state, and a restart
// goes on where the node stopped. And that fresh keys are not looked up on the loop.
#include "node/run_node.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/mutex.h"
#include "base/sanitizers.h"
#include "node/assets.h"
#include "node/test_network.h"

namespace cairn::node {
namespace {

namespace fs = std::filesystem;

/// One node on a thread of its own.
class Runner {
  public:
    explicit Runner(NodeOptions options) : options_(std::move(options)) {
        options_.nice = 0;
        options_.running = [this](NodeApi& api, Loop& loop) {
            const MutexLock lock(mutex_);
            announced_ = api.status();
            api_ = &api;
            loop_ = &loop;
        };
        options_.stopping = [this] {
            const MutexLock lock(mutex_);
            api_ = nullptr;
        };
        options_.should_stop = [this] { return stop_.load(); };
        thread_ = std::thread([this] { result_ = run_node(options_); });
    }
    ~Runner() { (void)finish().ok(); }

    NodeStatus status() {
        std::atomic<bool> done{false};
        NodeStatus status;
        {
            const MutexLock lock(mutex_);
            if (!api_) return status;
            loop_->post([&, api = api_] {
                status = api->status();
                api->merges(0, 100, [&](Result<std::vector<MergeView>> merges) {
                    merges_ = merges.ok() ? std::move(*merges) : std::vector<MergeView>{};
                    done = true;
                });
            });
        }
        while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return status;
    }
    std::vector<MergeView> merges() {
        status();
        return merges_;
    }
    bool wait(const std::function<bool(const NodeStatus&)>& until) {
        for (int i = 0; i < 1'200; ++i) {
            if (until(status())) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }
    /// What it told when it said that it runs.
    NodeStatus announced() {
        const MutexLock lock(mutex_);
        return announced_;
    }
    /// What it ended with by itself.
    Status ended() {
        if (thread_.joinable()) thread_.join();
        return result_;
    }
    std::thread::id loop_thread() const { return thread_.get_id(); }
    Status finish() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
        return result_;
    }

  private:
    NodeOptions options_;
    Mutex mutex_;
    NodeApi* api_ GUARDED_BY(mutex_) = nullptr;
    Loop* loop_ GUARDED_BY(mutex_) = nullptr;
    NodeStatus announced_ GUARDED_BY(mutex_);
    std::atomic<bool> stop_{false};
    std::vector<MergeView> merges_;
    Status result_ = ok_status();
    std::thread thread_;
};

class RunNode : public testing::Test {
  protected:
    RunNode() {
        static int count = 0;
        root_ = fs::temp_directory_path() /
                ("cairn-run-node-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
        fs::create_directories(root_);
        chain::NetworkDefinition base;
        base.name = "tiny";
        base.genesis_time_ms = SystemClock().wall_ms() - 1'000;
        // Training takes several times as long under a sanitizer: two trainers have to be in time.
        base.spacing_ms = kSanitized ? 1'000 : 400;
        base.halflife_ms = 20'000;
        base.first_target = 0x1f020000;
        base.coinbase_maturity = 2;
        TinyNetwork tiny = make_tiny_network(base);
        const std::string folder = (root_ / "network").string();
        CHECK(write_tokenizer_asset(folder, tiny.tokenizer->serialise()).ok());
        CHECK(write_text_asset(folder, tiny.judge).ok());
        CHECK(write_text_asset(folder, tiny.report).ok());
        write(root_ / "network" / "network.json", chain::to_json(tiny.definition));
        // The same definition without its assets beside it.
        write(root_ / "network.json", chain::to_json(tiny.definition));
        for (int i = 0; i < 2; ++i)
            write(root_ / ("text" + std::to_string(i)),
                  tiny_text(100 + static_cast<std::uint64_t>(i), 400));
    }
    ~RunNode() override { fs::remove_all(root_); }

    static void write(const fs::path& path, const std::string& text) {
        std::ofstream(path) << text;
    }
    NodeOptions options(int number) const {
        NodeOptions options;
        options.directory = (root_ / ("node" + std::to_string(number))).string();
        options.network_file = (root_ / "network" / "network.json").string();
        options.mine = true;
        options.train = {(root_ / ("text" + std::to_string(number))).string()};
        options.seed = static_cast<std::uint64_t>(number) + 1;
        options.hash_rate = 400'000;
        return options;
    }

    fs::path root_;
};

// A definition of a stranger's: whoever joined would be killed by the system, or this machine's
// other programs would.
TEST_F(RunNode, AModelThatHasNoRoomInMemoryIsRefusedInWords) {
    NodeOptions joining = options(0);
    chain::NetworkDefinition large =
        chain::network_from_json(read_text_file(joining.network_file).value()).value();
    large.architecture.dim = 8192;
    large.architecture.hidden_dim = 16384;
    large.architecture.layers = 6;
    large.architecture.heads = large.architecture.kv_heads = 64;
    joining.network_file = (root_ / "network" / "large.json").string();
    write(joining.network_file, chain::to_json(large));
    Runner node(joining);
    const Status refused = node.ended();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kFull);
    EXPECT_NE(refused.error().message.find("and this machine has"), std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("--memory"), std::string::npos);
}

// Few parameters, and gigabytes of logits at the first merge.
TEST_F(RunNode, AModelWhosePassesHaveNoRoomInMemoryIsRefusedInWords) {
    NodeOptions joining = options(0);
    chain::NetworkDefinition wide =
        chain::network_from_json(read_text_file(joining.network_file).value()).value();
    wide.architecture.vocab = 1 << 19;
    wide.architecture.context = 65'536;
    wide.judge_leaf_tokens = 65'536;
    joining.network_file = (root_ / "network" / "wide.json").string();
    write(joining.network_file, chain::to_json(wide));
    Runner node(joining);
    const Status refused = node.ended();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kFull) << refused.error().message;
}

// Its heads are wider than any that this program computes.
TEST_F(RunNode, AModelOfAnImpossibleShapeIsRefusedInWords) {
    NodeOptions joining = options(0);
    chain::NetworkDefinition odd =
        chain::network_from_json(read_text_file(joining.network_file).value()).value();
    odd.architecture.dim = 16384;
    odd.architecture.heads = odd.architecture.kv_heads = 1;
    joining.network_file = (root_ / "network" / "odd.json").string();
    write(joining.network_file, chain::to_json(odd));
    Runner node(joining);
    const Status refused = node.ended();
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("a model that cannot be"), std::string::npos)
        << refused.error().message;
}

// What it writes of a prompt would be no tokens of the model.
TEST_F(RunNode, ATokenizerLargerThanTheModelsVocabularyIsRefusedInWords) {
    NodeOptions joining = options(0);
    chain::NetworkDefinition odd =
        chain::network_from_json(read_text_file(joining.network_file).value()).value();
    --odd.architecture.vocab;
    joining.network_file = (root_ / "network" / "odd.json").string();
    write(joining.network_file, chain::to_json(odd));
    Runner node(joining);
    const Status refused = node.ended();
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("the tokenizer that"), std::string::npos)
        << refused.error().message;
}

TEST_F(RunNode, TwoTrainAThirdJoinsAndOneRestarts) {
    Runner first(options(0));
    ASSERT_TRUE(first.wait([](const NodeStatus& s) { return !s.listen_address.empty(); }));
    const std::string address = first.status().listen_address;
    NodeOptions second_options = options(1);
    second_options.connect = {address};
    auto second = std::make_unique<Runner>(second_options);
    ASSERT_TRUE(first.wait([](const NodeStatus& s) { return s.height >= 12; }));
    ASSERT_TRUE(second->wait([](const NodeStatus& s) { return s.height >= 12; }));
    // Not by any height: where a node is slow beside the blocks nothing is revealed in time.
    ASSERT_TRUE(first.wait([](const NodeStatus& s) { return s.supply > 0; }));
    ASSERT_FALSE(first.merges().empty());

    // The simulator kills nodes; here an ordinary stop must keep everything too.
    ASSERT_TRUE(second->wait([](const NodeStatus& s) {
        return s.loss.report && s.training.merged > 0 && s.earned > 0;
    }));
    const NodeStatus before = second->status();
    ASSERT_TRUE(second->finish().ok());
    second = std::make_unique<Runner>(second_options);
    ASSERT_TRUE(second->wait([&](const NodeStatus& s) { return s.height >= before.height; }));
    const NodeStatus told = second->announced();
    EXPECT_EQ(told.state, state::kRunning);
    EXPECT_GE(told.height, before.height) << "not 0, as before the chain is restored";
    EXPECT_GE(told.headers_height, before.height);
    // As much as before, but for blocks that lost against the first node's meanwhile.
    EXPECT_GT(told.supply, 0U);
    EXPECT_GT(told.earned, 0U);
    EXPECT_GT(told.training.merged, 0U);
    EXPECT_GT(told.loss.height, 0U);
    EXPECT_TRUE(told.loss.report);
    EXPECT_EQ(told.round.length, before.round.length);
    ASSERT_TRUE(second->wait([&](const NodeStatus& s) {
        return s.supply >= before.supply && s.earned >= before.earned &&
               s.training.merged >= before.training.merged &&
               s.round.number >= before.round.number && s.loss.height >= before.loss.height;
    }));
    EXPECT_EQ(told.miner_key, before.miner_key);

    NodeOptions third_options;
    third_options.directory = (root_ / "node2").string();
    third_options.network_file = (root_ / "network.json").string();
    third_options.connect = {address};
    Runner third(third_options);
    ASSERT_TRUE(third.wait([](const NodeStatus& s) { return s.height >= 14; }));
    const std::vector<MergeView> theirs = third.merges();
    const std::vector<MergeView> ours = first.merges();
    ASSERT_GE(theirs.size(), 3U);
    ASSERT_GE(ours.size(), 3U);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(theirs[i].merge.state_root, ours[i].merge.state_root);
    for (const MergeView& view : ours)
        for (const auto& contribution : view.contributions)
            EXPECT_FALSE(contribution.reason.empty());
    EXPECT_TRUE(first.finish().ok());
    EXPECT_TRUE(second->finish().ok());
    EXPECT_TRUE(third.finish().ok());
}

TEST_F(RunNode, FreshKeysAreLookedUpBesideTheLoop) {
    Mutex mutex;
    std::set<std::thread::id> askers;
    std::uint32_t coinbases = 0, contributions = 0;  // the highest that were asked for
    const auto secret = [](std::uint8_t use, std::uint32_t index) {
        FixedBytes<32> bytes;
        bytes.bytes[0] = use;
        bytes.bytes[31] = static_cast<std::uint8_t>(index + 1);
        return *crypto::SecretKey::from_bytes(bytes.view());
    };
    FreshKeys fresh;
    fresh.coinbase = [&](std::uint32_t index) {
        const MutexLock lock(mutex);
        askers.insert(std::this_thread::get_id());
        coinbases = std::max(coinbases, index);
        return crypto::public_key(secret(1, index));
    };
    fresh.contribution = [&](std::uint32_t index) {
        const MutexLock lock(mutex);
        askers.insert(std::this_thread::get_id());
        contributions = std::max(contributions, index);
        return secret(2, index);
    };
    NodeOptions with_fresh = options(0);
    with_fresh.fresh = fresh;
    Runner runner(with_fresh);
    // Into the second round, so that two keys for contributions were asked for.
    ASSERT_TRUE(runner.wait([](const NodeStatus& s) { return s.height >= 5; }));
    const NodeStatus status = runner.status();
    EXPECT_EQ(status.miner_key, crypto::public_key(secret(1, 0)));
    EXPECT_NE(status.miner_key, status.node_key);
    const std::thread::id loop_thread = runner.loop_thread();
    ASSERT_TRUE(runner.finish().ok());
    EXPECT_FALSE(askers.contains(loop_thread));
    EXPECT_GE(coinbases, 1U);
    EXPECT_GE(contributions, 1U);
}

// It stops for want of an asset, but the network's definition is in its folder by then.
TEST_F(RunNode, UpgradesAreTakenOverFromTheFileThatHasMore) {
    NodeOptions bare;
    bare.directory = (root_ / "bare").string();
    bare.network_file = (root_ / "network.json").string();
    chain::NetworkDefinition network = *read_network(bare.network_file);
    const auto with = [&](std::vector<chain::Upgrade> upgrades) {
        network.upgrades = std::move(upgrades);
        write(bare.network_file, chain::to_json(network));
        return run_node(bare).error().message;
    };
    const auto here = [&] {
        return read_network(bare.directory + "/" + std::string(kNetworkFile))->upgrades;
    };
    const std::vector<chain::Upgrade> one = {{90, 0, 2}};
    const std::vector<chain::Upgrade> two = {{90, 0, 2}, {95, 2, 0}};
    for (const auto& upgrades : {std::vector<chain::Upgrade>{}, one, two}) {
        EXPECT_NE(with(upgrades).find("asset"), std::string::npos);
        EXPECT_EQ(here(), upgrades);
    }
    EXPECT_NE(with(one).find("asset"), std::string::npos) << "an older file does no harm";
    EXPECT_EQ(here(), two);
    EXPECT_NE(with({{91, 0, 2}}).find("their upgrades differ"), std::string::npos);
    EXPECT_EQ(here(), two);
}

TEST_F(RunNode, SaysWhatIsMissing) {
    NodeOptions bare;
    bare.directory = (root_ / "bare").string();
    EXPECT_EQ(run_node(bare).error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(fs::exists(bare.directory)) << "a mistyped folder is not made";
    bare.network_file = (root_ / "network.json").string();
    EXPECT_NE(run_node(bare).error().message.find("asset"), std::string::npos);
}

}  // namespace
}  // namespace cairn::node
