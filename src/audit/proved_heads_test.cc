// Proves that layers of every family come out to the bit when the attention of some heads, or of
// all, is taken from claims with proofs, whatever kernels are used on either side; that a claim in
// which a bit was changed is refused; and that a proof holds for its session, layer, head and rows
// alone.
#include "audit/proved_heads.h"

#include <gtest/gtest.h>

#include "audit/test_session.h"
#include "model/test_families.h"

namespace cairn::audit {
namespace {

struct ProvedHeads : ::testing::Test {
    model::Model model = small_model();
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    SystemClock clock;
    model::LayerRange layers{1, 3};
    std::vector<float> inputs = some_inputs(21, 64, 11);
    Hash256 name = proof_is_about({}, {7, 7});  // any

    HeadSession session() const { return {layers, inputs, tensor::StateType::kF32, name}; }
    std::vector<HeadClaim> prove(const std::vector<HeadPlace>& heads) const {
        return prove_heads(model.config, model.weights, session(), heads, compute).value();
    }
    Result<CheckedLayers> check(const std::vector<HeadClaim>& claims, ShareOf share = {}) const {
        return check_heads(model.config, model.weights, session(), claims, share, compute, clock);
    }
    /// Of one head's shares.
    static Verdict verdict_of(std::span<const CheckedHead> shares,
                              std::span<const HeadClaim> claims) {
        std::vector<argument::SharePart> parts;
        for (const CheckedHead& head : shares) parts.push_back(head.part);
        return argument::combine(shares[0].sizes, parts[0].statement, claims[0].proof, parts);
    }
    std::string reason_of(const std::vector<HeadClaim>& claims) const {
        const CheckedLayers checked = check(claims).value();
        const Verdict verdict = verdict_of(std::span(checked.heads).first(1), claims);
        return verdict.is_valid() ? "accepted" : verdict.reason();
    }
};

std::vector<HeadPlace> all_heads(const model::ModelConfig& config, model::LayerRange layers) {
    std::vector<HeadPlace> places;
    for (std::uint32_t layer = layers.begin; layer < layers.end; ++layer)
        for (std::uint32_t head = 0; head < config.heads; ++head) places.push_back({layer, head});
    return places;
}

TEST_F(ProvedHeads, OfEveryFamilyGiveTheLayersOutputsToTheBit) {
    for (const model::Family& family : model::families()) {
        if (!family.config.causal) continue;
        const model::ModelConfig& config = family.config;
        model =
            model::make_model(config, model::large_parameters(model::ParameterLayout(config), 5));
        layers = model::all_layers(config);
        inputs = some_inputs(std::max(9U, config.window + 3), config.dim, 3);
        const std::vector<float> right =
            served(model, layers, inputs, {4, 1, inputs.size() / config.dim - 5}, compute,
                   model::KvType::kDigits);
        const std::vector<HeadClaim> claims = prove(all_heads(config, layers));
        const CheckedLayers checked = check(claims).value();
        EXPECT_EQ(checked.outputs, right) << family.name;
        ASSERT_EQ(checked.heads.size(), claims.size());
        for (std::size_t i = 0; i < claims.size(); ++i)
            EXPECT_TRUE(
                verdict_of(std::span(checked.heads).subspan(i, 1), std::span(claims).subspan(i, 1))
                    .is_valid())
                << family.name << ", head " << i;
    }
}

TEST_F(ProvedHeads, OfAnyKernelsAreTheSame) {
    const std::vector<HeadPlace> some = {{1, 0}, {1, 3}, {2, 2}};
    const std::vector<HeadClaim> claims = prove(some);
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        compute.kernels = tensor::kernels_for(set).value();
        EXPECT_EQ(prove(some), claims);
        const CheckedLayers checked = check(claims).value();
        EXPECT_EQ(checked.outputs,
                  served(model, layers, inputs, {21}, compute, model::KvType::kDigits));
        EXPECT_EQ(reason_of(claims), "accepted");
    }
    // As rows travel in other types, and with products of whole numbers.
    model = quantised(model);
    for (const auto states : {tensor::StateType::kF16, tensor::StateType::kI8}) {
        const HeadSession narrow{layers, inputs, states, name};
        const auto narrow_claims =
            prove_heads(model.config, model.weights, narrow, some, compute).value();
        const auto checked =
            check_heads(model.config, model.weights, narrow, narrow_claims, {}, compute, clock);
        EXPECT_EQ(checked->outputs, recompute(model.config, model.weights, layers, inputs,
                                              model::KvType::kDigits, compute, states)
                                        .value());
    }
}

TEST_F(ProvedHeads, AChangedBitIsRefused) {
    const std::vector<HeadClaim> honest = prove({{2, 1}});
    EXPECT_EQ(reason_of(honest), "accepted");
    const auto changed = [&](const auto& change) {
        std::vector<HeadClaim> claims = honest;
        change(claims[0]);
        return reason_of(claims);
    };
    EXPECT_NE(changed([](HeadClaim& claim) { claim.sums[100] ^= 1; }), "accepted");
    EXPECT_NE(changed([](HeadClaim& claim) { claim.sums.back() ^= std::int64_t{1} << 62; }),
              "accepted");
    EXPECT_NE(changed([](HeadClaim& claim) { claim.shifts[20] += 64; }), "accepted");
    EXPECT_NE(changed([](HeadClaim& claim) { claim.proof[claim.proof.size() / 2] ^= 1; }),
              "accepted");
    EXPECT_NE(changed([](HeadClaim& claim) { claim.proof.clear(); }), "accepted");
}

TEST_F(ProvedHeads, AProofHoldsForItsSessionLayerHeadAndRowsAlone) {
    const std::vector<HeadClaim> honest = prove({{2, 1}});
    std::vector<HeadClaim> moved = honest;
    for (const HeadPlace place : {HeadPlace{1, 1}, HeadPlace{2, 0}, HeadPlace{2, 3}}) {
        moved[0].place = place;
        EXPECT_NE(reason_of(moved), "accepted") << place.layer << ":" << place.head;
    }
    // Even where the numbers are the same: of a head with the same weights, which reads the same
    // keys and values,
    const model::ParameterLayout layout = model.layout();
    std::vector<float> same = model::dense_parameters(model);
    const auto queries = layout.slice(std::span(same), model::TensorKind::kWq, 2);
    std::copy_n(queries.begin(), 16 * 64, queries.begin() + 16 * 64);
    const model::Model own_model =
        std::exchange(model, model::make_model(model.config, std::move(same)));
    const std::vector<HeadClaim> twins = prove({{2, 0}, {2, 1}});
    ASSERT_EQ(twins[0].sums, twins[1].sums);
    moved = {twins[0]};
    EXPECT_EQ(reason_of(moved), "accepted");
    moved[0].place.head = 1;
    EXPECT_NE(reason_of(moved), "accepted");
    model = own_model;
    // and of another session with the same text.
    const Hash256 own = std::exchange(name, Hash256{});
    EXPECT_NE(reason_of(honest), "accepted");
    name = own;
    EXPECT_EQ(reason_of(honest), "accepted");
    // The same number of rows, of which the last is another.
    inputs.back() += 0.5F;
    EXPECT_NE(reason_of(honest), "accepted");
    // The first rows of the session.
    inputs.resize(20 * 64);
    EXPECT_EQ(check(honest).error().code, ErrorCode::kInvalid);
    std::vector<HeadClaim> cut = honest;
    cut[0].shifts.resize(20);
    cut[0].sums.resize(20 * 16);
    EXPECT_EQ(reason_of(cut), "the proof is for another number of rows");
}

TEST_F(ProvedHeads, SharesTogetherDecide) {
    const std::vector<HeadClaim> claims = prove({{1, 2}});
    std::vector<CheckedHead> shares;
    for (std::size_t share = 0; share < 3; ++share)
        shares.push_back(check(claims, {share, 3}).value().heads[0]);
    EXPECT_TRUE(verdict_of(shares, claims).is_valid());
    EXPECT_TRUE(verdict_of(std::span(shares).first(2), claims).is_undecided());
    std::vector<HeadClaim> wrong = claims;
    wrong[0].sums[0] ^= 1;
    shares.clear();
    for (std::size_t share = 0; share < 3; ++share)
        shares.push_back(check(wrong, {share, 3}).value().heads[0]);
    EXPECT_TRUE(verdict_of(shares, wrong).is_invalid());
}

TEST_F(ProvedHeads, WhatIsNotTheSessionsIsRefusedInWords) {
    const auto error = [&](const std::vector<HeadPlace>& heads) {
        return prove_heads(model.config, model.weights, session(), heads, compute).error();
    };
    EXPECT_NE(error({{3, 0}}).message.find("head 0 of layer 3 is none of the session's"),
              std::string::npos);
    EXPECT_EQ(error({{0, 0}}).code, ErrorCode::kInvalid);
    EXPECT_EQ(error({{1, 4}}).code, ErrorCode::kInvalid);
    EXPECT_EQ(error({{1, 1}, {1, 1}}).message, "heads must ascend");
    std::vector<HeadClaim> claims = prove({{1, 0}, {1, 1}});
    std::swap(claims[0], claims[1]);
    EXPECT_EQ(check(claims).error().message, "heads must ascend");
    inputs[5] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(error({{1, 0}}).message, "the inputs are not finite");
    inputs = some_inputs(21, 64, 11);
    model.weights.layers[1].wq = {};
    EXPECT_EQ(error({{1, 0}}).code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cairn::audit
