// Proves that what a node shows comes back from its JSON as it was, and that readers refuse a text
// in which a field is missing or has another type.
#include "api/json_views.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/fake_node.h"
#include "http/client.h"
#include "node/largest_coins.h"
#include "node/payment_pool.h"

namespace cairn::api {
namespace {

using Json = nlohmann::json;

template <typename T>
constexpr T kMost = std::numeric_limits<T>::max();

node::NodeStatus full_status() {
    node::NodeStatus status = FakeNode().status();
    status.node_key = fake_hash("node");
    status.mempool_commitments = 3;
    status.mempool_contributions = 4;
    status.mempool_fee_rate = 5;
    status.reorganisations = 5;
    status.missing_assets = {"judge text", "\"report\"\n"};
    status.conditions = {
        {"clock", true, 1'790'000'000'000, "the clock is 3 minutes slow", "set it"},
        {"no_peers", false, 7, "alone", ""}};
    status.peers[1].height = kMost<std::uint64_t>;
    status.training.steps = kMost<std::uint32_t>;
    status.training.local_loss = 0.1;
    status.serving = {{"10.0.0.1:8500", fake_hash("served"), 2, 5, 3, kMost<std::uint64_t>, 7, 8}};
    status.verifying = {{1, 2, 3, 4, 5, 6, kMost<std::uint64_t>, 8, "all right"}};
    status.evidence = {1, 2, 3, 4, kMost<std::uint64_t>};
    return status;
}

std::vector<node::MergeView> some_merges() {
    std::vector<node::MergeView> merges;
    FakeNode().merges(
        100, 20, [&](Result<std::vector<node::MergeView>> found) { merges = *std::move(found); });
    store::ContributionRecord& record = merges[1].contributions[0];
    record.score = kMost<Int128>;
    record.worth = std::numeric_limits<Int128>::min();
    record.norm = kMost<std::uint64_t>;
    return merges;
}

std::vector<node::CoinView> some_coins() {
    return {{fake_hash("a"), 7, kMost<std::uint64_t>, 12, true, false, fake_hash("k"), true, false},
            {fake_hash("b"), kMost<std::uint32_t>, 1, 0, false, true, fake_hash("l"), false, true},
            {fake_hash("c"), 0, 9, 3, false, true, fake_hash("k"), false, false, true,
             fake_hash("p"), 700}};
}

std::vector<node::ServerView> some_servers() {
    std::vector<node::ServerView> servers(2);
    serve::Announce& record = servers[0].record;
    record.key = fake_hash("server");
    record.address = "10.0.0.1:8500";
    record.model = fake_hash("model");
    record.layers = {2, 12};
    record.genesis = fake_hash("genesis");
    record.price = serve::kMaxPrice;
    record.rows_per_s = kMost<std::uint32_t>;
    record.load = 3;
    record.capacity = 64;
    record.issued_ms = kMost<std::uint64_t> - 1;
    record.expires_ms = kMost<std::uint64_t>;
    record.signature.bytes[63] = 9;
    servers[0].age_ms = 7'000;
    servers[0].own = true;
    servers[0].height = 96;
    servers[0].standing = {{kMost<std::uint64_t>, 0.5, 0.25, "probation", "young"}};
    servers[0].accused = "exhibit 1234";
    servers[1].record.layers = {0, 1};
    return servers;
}

/// Each value within `json`, on its own: as an object, and left out. The reader must notice.
template <typename Read>
void expect_each_field_wanted(const std::string& text, Read read) {
    const Json json = Json::parse(text);
    const Json flat = json.flatten();
    for (auto it = flat.begin(); it != flat.end(); ++it) {
        const Json::json_pointer where(it.key());
        if (where.back() == "sentence") continue;
        Json other = json;
        other[where] = Json::object();
        EXPECT_FALSE(read(other.dump())) << it.key();
        Json shorter = json;
        Json& holder = shorter[where.parent_pointer()];
        if (!holder.is_object()) continue;
        holder.erase(where.back());
        EXPECT_FALSE(read(shorter.dump())) << it.key();
    }
}

TEST(JsonViews, AStatusComesBack) {
    const node::NodeStatus status = full_status();
    const std::string json = status_json(status);
    const auto back = read_status(json);
    ASSERT_TRUE(back);
    EXPECT_EQ(status_json(*back), json);
    EXPECT_EQ(back->genesis_id, status.genesis_id);
    EXPECT_EQ(back->mempool_contributions, 4u);
    EXPECT_EQ(back->mempool_fee_rate, 5u);
    EXPECT_EQ(back->missing_assets, status.missing_assets);
    EXPECT_EQ(back->peers[1].height, kMost<std::uint64_t>);
    EXPECT_TRUE(back->peers[0].outbound);
    EXPECT_EQ(back->training.local_loss, 0.1);
    expect_each_field_wanted(json, read_status);
}

TEST(JsonViews, MergesComeBack) {
    const std::vector<node::MergeView> merges = some_merges();
    ASSERT_FALSE(merges.back().merge.report_loss) << "not known yet, in this test";
    const std::string json = blocks_json(merges);
    const auto back = read_blocks(json);
    ASSERT_TRUE(back);
    EXPECT_EQ(blocks_json(*back), json);
    ASSERT_EQ(back->size(), merges.size());
    EXPECT_EQ(back->front().merge.report_loss, merges.front().merge.report_loss);
    EXPECT_FALSE(back->back().merge.report_loss);
    EXPECT_TRUE((*back)[1].contributions[0].score == kMost<Int128>);
    EXPECT_TRUE((*back)[1].contributions[0].worth == std::numeric_limits<Int128>::min());
    EXPECT_TRUE(back->front().contributions.back().block.is_zero()) << "in no block";
    expect_each_field_wanted(json, read_blocks);
    EXPECT_TRUE(read_blocks(R"({"blocks": []})")->empty());
}

TEST(JsonViews, CoinsComeBack) {
    const std::string json = coins_json(some_coins());
    const auto back = read_coins(json);
    ASSERT_TRUE(back);
    EXPECT_EQ(coins_json(*back), json);
    EXPECT_EQ((*back)[0].amount, kMost<std::uint64_t>);
    EXPECT_EQ((*back)[1].index, kMost<std::uint32_t>);
    expect_each_field_wanted(json, read_coins);
}

// A wallet that does not read the answer can spend nothing, and anybody pays dust to its keys.
TEST(JsonViews, TheMostCoinsThatANodeTellsOfAreAnAnswerThatIsRead) {
    const std::size_t pooled = 2 * node::PaymentPoolLimits{}.max_payments;
    const std::vector<node::CoinView> most(node::kMaxCoinViews + pooled, some_coins()[0]);
    EXPECT_LT(coins_json(most).size(), http::kMaxAnswerBytes);
}

TEST(JsonViews, ServersComeBack) {
    const std::string json = servers_json(some_servers());
    const auto back = read_servers(json);
    ASSERT_TRUE(back);
    EXPECT_EQ(servers_json(*back), json);
    EXPECT_EQ((*back)[0].record, some_servers()[0].record) << "signature included";
    EXPECT_EQ((*back)[0].height, 96u);
    EXPECT_FALSE((*back)[1].height) << "no model of the chain's";
    EXPECT_TRUE((*back)[1].record.genesis.is_zero()) << "free";
    expect_each_field_wanted(json, read_servers);
}

TEST(JsonViews, APooledPaymentComesBack) {
    const node::PooledView pooled{{0x00, 0xff, 0x10}, kMost<std::uint64_t>};
    const std::string json = pooled_json(pooled);
    const auto back = read_pooled(json);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->payment, pooled.payment);
    EXPECT_EQ(back->fee, pooled.fee);
    expect_each_field_wanted(json, read_pooled);
}

// What is not known yet must not look like a chain without blocks.
TEST(JsonViews, AStartingNodeTellsNoHeight) {
    node::NodeStatus status = full_status();
    status.state = node::state::kLoading;
    const Json json = Json::parse(status_json(status));
    for (const char* name : {"height", "tip", "supply", "round", "loss", "earned", "training"})
        EXPECT_TRUE(json[name].is_null()) << name;
    EXPECT_TRUE(json["mempool"]["payments"].is_null());
    EXPECT_FALSE(json["conditions"].empty()) << "what is wrong is known all the same";
    const auto back = read_status(json.dump());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->state, node::state::kLoading);
    EXPECT_EQ(back->height, 0u);
    Json lying = json;
    lying["height"] = 0;
    EXPECT_FALSE(read_status(lying.dump()));
    lying = json;
    lying["state"] = "running";
    EXPECT_FALSE(read_status(lying.dump()));
}

TEST(JsonViews, AFieldComesBack) {
    EXPECT_EQ(read_field(field_json("text", "a \"b\"\n"), "text"), "a \"b\"\n");
    EXPECT_FALSE(read_field(field_json("text", "a"), "id"));
    EXPECT_FALSE(read_field(R"({"text": 7})", "text"));
}

// None is forgotten: as many as the struct has (a record's sentence is made of its other fields).
TEST(JsonViews, EveryFieldIsThere) {
    const Json status = Json::parse(status_json(full_status()));
    EXPECT_EQ(status.size(), 26u);
    EXPECT_EQ(status["mempool"].size(), 4u);
    EXPECT_EQ(status["peers"][0].size(), 5u);
    EXPECT_EQ(status["mining"].size(), 6u);
    EXPECT_EQ(status["training"].size(), 7u);
    EXPECT_EQ(status["serving"].size(), 8u);
    EXPECT_EQ(status["verifying"].size(), 9u);
    EXPECT_EQ(status["evidence"].size(), 5u);
    node::NodeStatus idle = full_status();
    idle.serving.reset();
    EXPECT_TRUE(Json::parse(status_json(idle))["serving"].is_null());
    EXPECT_FALSE(read_status(status_json(idle))->serving);
    const Json block = Json::parse(blocks_json(some_merges()))["blocks"][0];
    EXPECT_EQ(block.size(), 11u) << "without the sample, with the details";
    EXPECT_EQ(block["details"][0].size(), 12u + 1);
    EXPECT_EQ(Json::parse(coins_json(some_coins()))["coins"][0].size(), 12u);
    EXPECT_EQ(Json::parse(servers_json(some_servers()))["servers"][0].size(), 20u);
    EXPECT_EQ(Json::parse(servers_json(some_servers()))["servers"][0]["standing"].size(), 5u);
}

// A training that diverged must not keep its owner's wallet from asking the node.
TEST(JsonViews, ALossThatIsNoNumberIsStillAnAnswer) {
    node::NodeStatus status = full_status();
    status.training.local_loss = std::nan("");
    const auto back = read_status(status_json(status));
    ASSERT_TRUE(back);
    EXPECT_FALSE(back->training.local_loss) << "null, as where there is none";
    EXPECT_EQ(back->conditions, status.conditions);
}

TEST(JsonViews, NumbersOutOfRangeAreRefused) {
    const Json status = Json::parse(status_json(full_status()));
    const auto read_with = [&](const char* where, const Json& value) {
        Json other = status;
        other[Json::json_pointer(where)] = value;
        return read_status(other.dump()).has_value();
    };
    EXPECT_TRUE(read_with("/height", 5'000'000'000u));
    EXPECT_FALSE(read_with("/height", -3));
    EXPECT_FALSE(read_with("/height", 1.5));
    EXPECT_FALSE(read_with("/height", "3"));
    EXPECT_FALSE(read_with("/training/steps", 5'000'000'000u)) << "32 bits";
    EXPECT_FALSE(read_with("/mining/enabled", 1));
    EXPECT_FALSE(read_with("/tip", "00")) << "32 bytes";
    EXPECT_TRUE(read_with("/later", 1)) << "what a later version adds";
}

TEST(JsonViews, OtherTextIsRefused) {
    const std::string deep =
        R"({"coins": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    for (const std::string& text :
         {std::string(), std::string("hello"), std::string("[]"), std::string("{}"),
          std::string(R"({"coins": {}})"), std::string(R"({"coins": [7]})"), deep,
          coins_json(some_coins()) + "x"}) {
        EXPECT_FALSE(read_status(text)) << text.substr(0, 20);
        EXPECT_FALSE(read_coins(text)) << text.substr(0, 20);
        EXPECT_FALSE(read_blocks(text)) << text.substr(0, 20);
    }
}

}  // namespace
}  // namespace cairn::api
