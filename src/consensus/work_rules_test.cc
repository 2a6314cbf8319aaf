// Proves that C1 and C4 ask for the work that the network names: a hash of the other function that
// meets the target is worth nothing, for headers and for stamps.
#include <gtest/gtest.h>

#include "chain/target.h"
#include "consensus/commitment_rules.h"
#include "consensus/test_chain.h"

namespace cairn::consensus {
namespace {

using chain::WorkFunction;

constexpr std::uint64_t kNow = 4'000'000'000'000;

chain::NetworkDefinition network_of(WorkFunction work) {
    chain::NetworkDefinition network = test_network();
    network.work = work;
    network.first_target = 0x201fffff;  // 1 in 8
    network.share_factor = 2;           // a stamp: 1 in 4
    return network;
}

WorkFunction other_than(WorkFunction work) {
    return work == WorkFunction::kSha256d ? WorkFunction::kArgon2id : WorkFunction::kSha256d;
}

class WorkRules : public testing::TestWithParam<WorkFunction> {
  protected:
    Person alice{1};
    TestChain chain{network_of(GetParam())};
};

TEST_P(WorkRules, AHeaderNeedsTheWorkOfItsNetwork) {
    const chain::U256 target = chain::target_from_compact(chain.network.first_target).value();
    chain::Block block = chain.assemble({}, alice);
    block.header.body_root = chain::body_root(block);
    const auto meets = [&](WorkFunction work) {
        return chain::meets_target(chain::work_hash(work, block.header), target);
    };
    const auto judge = [&](Work work) {
        return check_header(chain.network, {}, block.header, chain.context(), kNow, work);
    };
    while (!meets(other_than(GetParam())) || meets(GetParam())) ++block.header.nonce;
    const Verdict without = judge(Work::kUnknown);
    EXPECT_TRUE(without.is_invalid());
    EXPECT_EQ(without.rule(), Rule::kC1);
    EXPECT_NE(without.reason().find("does not meet its target"), std::string::npos);
    EXPECT_TRUE(judge(Work::kKnown).is_valid()) << "not computed again";
    while (meets(other_than(GetParam())) || !meets(GetParam())) ++block.header.nonce;
    EXPECT_TRUE(judge(Work::kUnknown).is_valid());
    EXPECT_TRUE(chain.connect(block).is_valid());
    block.header.time_ms = 0;
    EXPECT_TRUE(judge(Work::kKnown).is_invalid()) << "all but the work is judged";
}

TEST_P(WorkRules, SoDoesAStamp) {
    const chain::U256 share = share_target(chain.stamps());
    chain::Commitment commitment = chain.commit(alice, FakeModel::payload_of(step(0)));
    EXPECT_TRUE(chain.ledger.check_next(commitment, chain.context()).is_valid());
    const auto meets = [&](WorkFunction work) {
        return chain::meets_target(chain::stamp_hash(work, chain.ledger.genesis_id(), commitment),
                                   share);
    };
    while (!meets(other_than(GetParam())) || meets(GetParam())) ++commitment.nonce;
    commitment.signature = crypto::sign(
        alice.secret, chain::signature_hash(chain.ledger.genesis_id(), commitment), chain.random);
    const Verdict without = chain.ledger.check_next(commitment, chain.context());
    EXPECT_EQ(without.rule(), Rule::kC4);
    EXPECT_NE(without.reason().find("stamp"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(BothFunctions, WorkRules,
                         testing::Values(WorkFunction::kSha256d, WorkFunction::kArgon2id),
                         [](const auto& tested) {
                             return std::string(chain::name_of(tested.param));
                         });

}  // namespace
}  // namespace cairn::consensus
