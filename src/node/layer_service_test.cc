// Proves what a node that chooses its layers takes for the servers of its model: those that
// announce the same, of a chain's model any version, and never itself.
#include "node/layer_service.h"

#include <gtest/gtest.h>

#include "chain/test_objects.h"

namespace cairn::node {
namespace {

ServerView server(std::uint8_t key, const Hash256& model, model::LayerRange layers,
                  std::optional<std::uint64_t> height) {
    ServerView view;
    view.record.key = chain::test_key(key);
    view.record.model = model;
    view.record.layers = layers;
    view.record.rows_per_s = 100;
    view.height = height;
    return view;
}

TEST(PlacedServers, AreThoseOfTheModel) {
    const Hash256 model = chain::filled<32>(1);
    const Hash256 older = chain::filled<32>(2);
    const Hash256 other = chain::filled<32>(3);
    const std::vector<ServerView> known = {
        server(1, model, {0, 2}, 40), server(2, older, {2, 4}, 32),
        server(3, other, {0, 4}, std::nullopt), server(4, model, {0, 4}, 40)};
    const auto of_the_chain = placed_servers(known, model, true, chain::test_key(4));
    ASSERT_EQ(of_the_chain.size(), 2U);
    EXPECT_EQ(of_the_chain[0].key, chain::test_key(1));
    EXPECT_EQ(of_the_chain[1].key, chain::test_key(2)) << "it has a merge block less";
    const auto of_a_file = placed_servers(known, model, false, chain::test_key(4));
    ASSERT_EQ(of_a_file.size(), 1U);
    EXPECT_EQ(of_a_file[0].key, chain::test_key(1));
}

TEST(NextLayers, AreTheSameAgainOrChosenWhileThereAreNone) {
    const std::vector<serve::Placed> others = {{chain::test_key(1), {0, 4}, 100}};
    EXPECT_EQ(next_layers({1, 3}, others, 8, 100), (model::LayerRange{1, 3}));
    // Refused as too slow at the first model, it has none when the second comes.
    const model::LayerRange chosen = next_layers({0, 0}, others, 8, 100);
    EXPECT_GE(chosen.begin, 4U) << "where nobody is";
    EXPECT_GT(chosen.size(), 0U);
}

}  // namespace
}  // namespace cairn::node
