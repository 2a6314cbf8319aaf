// Proves that a network of slower work has targets by which its first blocks take as long as with
// SHA-256d, that no header of it is free, and that its miners take no more of a computer.
#include "node/network_presets.h"

#include <gtest/gtest.h>

#include "consensus/work.h"
#include "node/create_network.h"
#include "node/miner.h"

namespace cairn::node {
namespace {

using chain::WorkFunction;

double hashes(std::uint32_t target) {
    return static_cast<double>(consensus::block_work(target).low64());
}

TEST(NetworkPresets, SlowerWorkHasTargetsToMatch) {
    for (const char* name : {"tiny", "demo"}) {
        const chain::NetworkDefinition fast = network_preset(name).value();
        EXPECT_EQ(fast.work, WorkFunction::kSha256d);
        chain::NetworkDefinition slow = fast;
        set_work(slow, WorkFunction::kSha256d);
        EXPECT_EQ(slow, fast) << "nothing to change";
        set_work(slow, WorkFunction::kArgon2id);
        EXPECT_EQ(slow.work, WorkFunction::kArgon2id);
        EXPECT_TRUE(chain::validate(slow).ok());
        const double cost = static_cast<double>(chain::cost_of(WorkFunction::kArgon2id));
        EXPECT_NEAR(hashes(fast.first_target) / hashes(slow.first_target), cost, 0.02 * cost);
        EXPECT_GE(hashes(slow.pow_limit), 31);
        EXPECT_LE(hashes(slow.pow_limit), hashes(slow.first_target));
    }
}

// The chain's bounds allow it, and no program computes it.
TEST(NetworkPresets, AModelOfAnImpossibleShapeIsRefusedInWords) {
    NewNetwork wanted;
    wanted.directory = testing::TempDir() + "impossible-shape";
    wanted.definition = network_preset("tiny").value();
    wanted.definition.architecture.dim = 16384;
    wanted.definition.architecture.heads = wanted.definition.architecture.kv_heads = 1;
    wanted.definition.norm_start = 4711;  // so that no round is trained to find it
    const auto made = create_network(wanted, nullptr, 1);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::kMisused);
    EXPECT_NE(made.error().message.find("head dimension"), std::string::npos)
        << made.error().message;
}

// C2 would refuse every block that carries one.
TEST(NetworkPresets, ANetworkWhoseUpdatesAreAllTooLargeIsRefusedInWords) {
    NewNetwork wanted;
    wanted.directory = testing::TempDir() + "too-large-updates";
    wanted.definition = network_preset("tiny").value();
    wanted.definition.codec = {chain::CodecKind::kDense, 0, 8};
    wanted.definition.max_payload_bytes = 1000;
    const auto made = create_network(wanted, nullptr, 1);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::kMisused);
    EXPECT_NE(made.error().message.find("max_payload_bytes"), std::string::npos)
        << made.error().message;
}

TEST(NetworkPresets, TargetsThatWereEasyStayWithinTheLimit) {
    chain::NetworkDefinition network;
    network.first_target = network.pow_limit = 0x20ffffff;
    set_work(network, WorkFunction::kArgon2id);
    EXPECT_TRUE(chain::validate(network).ok());
    EXPECT_EQ(network.first_target, network.pow_limit);
    EXPECT_GE(hashes(network.pow_limit), 31);
}

TEST(NetworkPresets, OneWinnerABlockIsAValidNetwork) {
    for (const char* name : {"tiny", "demo"}) {
        chain::NetworkDefinition network = network_preset(name).value();
        set_one_winner(network);
        set_sgd(network);
        EXPECT_TRUE(chain::validate(network).ok()) << chain::validate(network).error().message;
        EXPECT_TRUE(network.one_winner());
        EXPECT_EQ(network.optimiser, chain::Optimiser::kSgd);
        EXPECT_EQ(network.public_share, 0U);
    }
}

TEST(NetworkPresets, MinersTakeATenthOfACoreUnlessTold) {
    EXPECT_EQ(hashes_per_slice(WorkFunction::kSha256d, 0, 20), 2'000U);
    EXPECT_EQ(hashes_per_slice(WorkFunction::kArgon2id, 0, 20), 3U);
    EXPECT_EQ(hashes_per_slice(WorkFunction::kArgon2id, 500, 20), 10U);
    EXPECT_EQ(hashes_per_slice(WorkFunction::kSha256d, 1, 20), 1U);
    EXPECT_LT(hashes_per_slice(WorkFunction::kArgon2id, 100'000'000, 20), 400U)
        << "a slice ends in a quarter of a second";
}

}  // namespace
}  // namespace cairn::node
