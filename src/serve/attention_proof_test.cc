// Proves that a proof of a session's attention is accepted before anyone who has the session and
// the model, alone and in shares; that it is refused for another session, another receipt, claims
// in which a bit was changed, or an output that was not signed for; that sessions which bind nobody
// prove nothing; and that the files round-trip and refuse what they never write.
#include "serve/attention_proof.h"

#include <gtest/gtest.h>

#include <limits>

#include "audit/replay.h"
#include "serve/attention_share.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct AttentionProofTest : ::testing::Test {
    std::shared_ptr<const model::Model> model = small_model();
    ModelSnapshot snapshot = snapshot_of(model).value();
    ThreadPool pool{1};
    tensor::Compute compute{*tensor::kernels_from_environment(), &pool};
    SystemClock clock;
    SeededRandom random{7};
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    Exhibit session = serve({5, 1, 3});
    std::vector<audit::HeadPlace> heads = {{1, 0}, {1, 1}, {3, 1}};

    /// A session of layers 1-4 as a server signs for it, in pushes of so many rows; `lie` changes a
    /// bit of the last output.
    Exhibit serve(const std::vector<std::size_t>& pushes,
                  tensor::KvType kv = tensor::KvType::kDigits, bool lie = false) {
        Exhibit exhibit;
        exhibit.terms = {
            .session = random.hash256(), .model = snapshot.hash, .kv = kv, .max_positions = 64};
        exhibit.server = crypto::public_key(secret);
        std::vector<float> rows;
        InputChain chain;
        const std::size_t dim = model->config.dim;
        for (const std::size_t count : pushes) {
            std::vector<float>& push = exhibit.inputs.emplace_back(count * dim);
            for (float& x : push) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
            chain.put(static_cast<std::uint32_t>(rows.size() / dim), push, dim);
            rows.insert(rows.end(), push.begin(), push.end());
        }
        auto outputs =
            audit::recompute(model->config, model->weights, {1, 4}, rows, kv, compute).value();
        if (lie) outputs.back() = -outputs.back();
        const std::size_t before = rows.size() - pushes.back() * dim;
        exhibit.receipt = make_receipt(exhibit.terms, {1, 4}, chain.end(),
                                       states_hash(static_cast<std::uint32_t>(before / dim),
                                                   std::span(outputs).subspan(before)),
                                       secret, random.hash256());
        return exhibit;
    }
    AttentionProof prove() const {
        return prove_attention(session, snapshot, heads, compute).value();
    }
    Result<AttentionShare> check(const AttentionProof& proof, audit::ShareOf share = {}) const {
        return check_attention(proof, attention_proof_id(encode(proof)), session, snapshot, share,
                               compute, clock);
    }
    Verdict verdict_of(const AttentionProof& proof, std::size_t shares = 1) const {
        std::vector<AttentionShare> all;
        for (std::size_t share = 0; share < shares; ++share)
            all.push_back(check(proof, {share, shares}).value());
        return combine_attention(proof, attention_proof_id(encode(proof)), all);
    }
    std::string reason_of(const AttentionProof& proof) const {
        const Verdict verdict = verdict_of(proof);
        return verdict.is_valid() ? "accepted" : verdict.reason();
    }
};

TEST_F(AttentionProofTest, AnHonestOneIsAcceptedByOneAndByMany) {
    const AttentionProof proof = prove();
    for (const std::size_t shares : {1U, 2U, 5U})
        EXPECT_TRUE(verdict_of(proof, shares).is_valid()) << verdict_of(proof, shares).reason();
}

TEST_F(AttentionProofTest, OneBitIsRefused) {
    AttentionProof proof = prove();
    proof.claims[1].sums[3] ^= 1;
    EXPECT_EQ(reason_of(proof).find("layer 1, head 1: "), 0u) << reason_of(proof);
    proof = prove();
    proof.claims[2].proof[5000] ^= 1;
    EXPECT_EQ(reason_of(proof).find("layer 3, head 1: "), 0u) << reason_of(proof);
    proof = prove();
    proof.claims[0].place.head = 2;  // ascends no more
    EXPECT_EQ(reason_of(proof), "heads must ascend");
}

TEST_F(AttentionProofTest, WhatWasNotSignedForIsRefusedThoughItIsTrue) {
    session = serve({4, 4}, tensor::KvType::kDigits, /*lie=*/true);
    const AttentionProof proof = prove();  // of the layers as they are
    EXPECT_EQ(reason_of(proof),
              "the layers with what is claimed do not give what the server signed for");
    EXPECT_TRUE(judge(session, snapshot, compute).is_invalid());  // and replay convicts
}

TEST_F(AttentionProofTest, HoldsForItsSessionAlone) {
    const AttentionProof proof = prove();
    const Exhibit own = session;
    session.terms.session = random.hash256();
    EXPECT_FALSE(check(proof).ok());  // nobody signed that
    session = serve({9});
    EXPECT_EQ(reason_of(proof), "the proof is about another session, or another receipt of it");
    // With the other session's head: what was proved is still the first.
    AttentionProof moved = proof;
    moved.terms = session.terms;
    moved.receipt = session.receipt;
    EXPECT_NE(reason_of(moved), "accepted");
    // Even of the very same rows.
    session = own;
    session.terms.session = random.hash256();
    session.receipt = make_receipt(session.terms, own.receipt.layers, own.receipt.inputs,
                                   own.receipt.output, secret, random.hash256());
    moved.terms = session.terms;
    moved.receipt = session.receipt;
    ASSERT_TRUE(judge(session, snapshot, compute).is_valid());
    EXPECT_EQ(reason_of(moved).find("layer 1, head 0: "), 0u) << reason_of(moved);
    session = own;
    EXPECT_EQ(reason_of(proof), "accepted");
}

TEST_F(AttentionProofTest, SessionsOfNoUseSayWhy) {
    const auto error = [&] {
        return prove_attention(session, snapshot, heads, compute).error().message;
    };
    const AttentionProof proof = prove();
    session.inputs.back().pop_back();
    EXPECT_EQ(error(), "the inputs are not rows of this model");
    session = serve({9}, tensor::KvType::kF16);
    EXPECT_NE(error().find("this one is by f16"), std::string::npos);
    EXPECT_EQ(check(proof).error().code, ErrorCode::kUnsupported);
    session = serve({9});
    session.server = crypto::public_key(crypto::SecretKey::generate(random));
    EXPECT_EQ(error(), "the receipt is not signed by this server");
    session = serve({9});
    heads = {{0, 0}};
    EXPECT_NE(error().find("is none of the session's"), std::string::npos);
}

// What judge() computes nothing of, a proof says nothing of either.
TEST_F(AttentionProofTest, ASourceThatThisModelHasNotIsNoSession) {
    session = serve({4, 4});
    session.terms.source_rows = 5;
    std::vector<float> rows = session.inputs[0];
    rows.insert(rows.end(), session.inputs[1].begin(), session.inputs[1].end());
    const auto outputs = audit::recompute(model->config, model->weights, {1, 4}, rows,
                                          tensor::KvType::kDigits, compute)
                             .value();
    session.receipt = make_receipt(session.terms, {1, 4}, session.receipt.inputs,
                                   states_hash(5, outputs), secret, random.hash256());
    EXPECT_TRUE(judge(session, snapshot, compute).is_undecided());
    EXPECT_EQ(prove_attention(session, snapshot, heads, compute).error().code,
              ErrorCode::kUnsupported);
    AttentionProof made{session.terms, session.server, session.receipt, {}};
    EXPECT_EQ(check(made).error().code, ErrorCode::kUnsupported);
}

// Rows that no honest server computes with are no fault of a proof.
TEST_F(AttentionProofTest, RowsOfNoUseAreTheSessionsFault) {
    const AttentionProof proof = prove();
    session.inputs = {session.inputs[0]};
    session.inputs[0][3] = std::numeric_limits<float>::infinity();
    InputChain chain;
    chain.put(0, session.inputs[0], model->config.dim);
    session.receipt = make_receipt(session.terms, {1, 4}, chain.end(), session.receipt.output,
                                   secret, random.hash256());
    EXPECT_FALSE(check(proof).ok());
}

// A file that is written can be read again.
TEST_F(AttentionProofTest, HasRoomForSoManyHeads) {
    model::ModelConfig wide = model->config;
    for (const std::size_t rows : {1U, 512U, 4096U}) {
        std::size_t most = 1;
        while (has_room_for(most + 1, rows, wide).ok()) ++most;
        EXPECT_LE(most, kMaxProvedHeads);
        EXPECT_LE(most * largest_claim_bytes(rows, wide.head_dim()), kMaxAttentionProofBytes);
    }
    EXPECT_EQ(has_room_for(4096, 512, wide).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(has_room_for(4097, 1, wide).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(has_room_for(1, 4097, wide).error().code, ErrorCode::kUnsupported);
    EXPECT_FALSE(has_room_for(0, 1, wide).ok());
    EXPECT_FALSE(prove_attention(session, snapshot, {}, compute).ok());
}

TEST_F(AttentionProofTest, IsBrokenOff) {
    int asked = 0;
    EXPECT_EQ(prove_attention(session, snapshot, heads, compute, [&] { return ++asked > 2; })
                  .error()
                  .code,
              ErrorCode::kCancelled);
    EXPECT_EQ(asked, 3);
}

TEST_F(AttentionProofTest, SharesThatDoNotBelongTogetherDecideNothing) {
    const AttentionProof proof = prove();
    const Hash256 id = attention_proof_id(encode(proof));
    std::vector<AttentionShare> shares;
    for (std::size_t share = 0; share < 3; ++share)
        shares.push_back(check(proof, {share, 3}).value());
    const auto refused = [&](const char* what, const auto& change) {
        std::vector<AttentionShare> other = shares;
        change(other);
        const Verdict verdict = combine_attention(proof, id, other);
        EXPECT_TRUE(verdict.is_undecided()) << what << ": " << verdict.reason();
    };
    EXPECT_TRUE(combine_attention(proof, id, shares).is_valid());
    refused("none", [](auto& all) { all.clear(); });
    refused("one is missing", [](auto& all) { all.pop_back(); });
    refused("one is there twice", [](auto& all) { all[2] = all[1]; });
    refused("of another proof", [&](auto& all) { all[1].proof = random.hash256(); });
    refused("of fewer heads", [](auto& all) { all[0].heads.pop_back(); });
    refused("of another head", [](auto& all) { all[2].heads[0].place.head = 3; });
    refused("of another size", [](auto& all) {
        for (auto& share : all) share.heads[0].sizes.head_dim += 1;
    });
    refused("of another statement",
            [&](auto& all) { all[2].heads[0].part.statement = random.hash256(); });
    // A wrong sum is not the prover's, but refuses; a fault, too.
    shares[1].heads[0].part.sums += argument::Fp2(1);
    EXPECT_TRUE(combine_attention(proof, id, shares).is_invalid());
    shares[1] = {id, 1, 3, "a fault", false, {}};
    EXPECT_EQ(combine_attention(proof, id, shares).reason(), "a fault");
}

TEST_F(AttentionProofTest, FilesHaveOneSpelling) {
    const AttentionProof proof = prove();
    const Bytes bytes = encode(proof);
    EXPECT_EQ(decode_attention_proof(bytes).value(), proof);
    Bytes other = bytes;
    other.push_back(0);
    EXPECT_FALSE(decode_attention_proof(other).ok());
    other.resize(bytes.size() - 1);
    EXPECT_FALSE(decode_attention_proof(other).ok());
    EXPECT_EQ(decode_attention_proof(as_bytes("text")).error().message,
              "this is no proof of attention");
    const AttentionProof none{proof.terms, proof.server, proof.receipt, {}};
    EXPECT_FALSE(decode_attention_proof(encode(none)).ok());

    AttentionShare share = check(proof, {1, 2}).value();
    const Bytes file = encode(share);
    const AttentionShare read = decode_attention_share(file).value();
    EXPECT_EQ(encode(read), file);
    const AttentionShare first = check(proof, {0, 2}).value();
    const AttentionShare both[] = {first, read};
    EXPECT_TRUE(combine_attention(proof, attention_proof_id(bytes), both).is_valid());
    // The last number of the file is one of Fp; the prime itself is no spelling of 0.
    other = file;
    for (int i = 0; i < 8; ++i)
        other[other.size() - 8 + static_cast<std::size_t>(i)] =
            static_cast<std::uint8_t>(argument::kPrime >> (8 * i));
    EXPECT_FALSE(decode_attention_share(other).ok());
    share = {read.proof, 0, 1, "a fault", false, {}};
    EXPECT_EQ(decode_attention_share(encode(share))->fault, "a fault");
    // What people are shown of it makes up no second line.
    for (const char* fault : {"a fault\nAccepted: all", "a fault\x1b[2K", "a\tfault"}) {
        share.fault = fault;
        EXPECT_FALSE(decode_attention_share(encode(share)).ok()) << fault;
    }
}

}  // namespace
}  // namespace cairn::serve
