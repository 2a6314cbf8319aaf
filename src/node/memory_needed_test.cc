// Proves what the memory that a node is said to need grows with: training, the model, the texts
// that a pass reads, and the merges that can be taken back.
#include "node/memory_needed.h"

#include <gtest/gtest.h>

#include "codec/codec.h"
#include "model/layout.h"
#include "node/network_presets.h"
#include "worth/network_rules.h"

namespace cairn::node {
namespace {

chain::NetworkDefinition tiny() { return network_preset("tiny").value(); }

std::uint64_t parameters(const chain::NetworkDefinition& network) {
    return model::ParameterLayout(worth::model_config(network), codec::kTile).size();
}

TEST(MemoryNeeded, TrainingTakesSixNumbersAParameterAndAPass) {
    const chain::NetworkDefinition network = tiny();
    const std::uint64_t more = memory_needed(network, true) - memory_needed(network, false);
    EXPECT_GT(more, 6 * 4 * parameters(network));
    // The pass: logits of 1024 tokens, and more than one row of each layer.
    EXPECT_GT(more - 6 * 4 * parameters(network),
              std::uint64_t{1024} * 4 * network.architecture.vocab);
}

TEST(MemoryNeeded, GrowsWithTheModelItsTextsAndTheMergesToTakeBack) {
    const std::uint64_t usual = memory_needed(tiny(), false);
    chain::NetworkDefinition network = tiny();
    network.architecture.layers += 1;
    EXPECT_GT(memory_needed(network, false),
              usual + (parameters(network) - parameters(tiny())) * 4 * 12);
    network = tiny();
    network.architecture.context = 4096;
    EXPECT_GT(memory_needed(network, false), usual);
    network = tiny();
    network.round_length = 1;  // a merge in each block
    EXPECT_GT(memory_needed(network, false), usual);
}

}  // namespace
}  // namespace cairn::node
