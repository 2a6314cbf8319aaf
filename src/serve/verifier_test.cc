// Proves, over real TLS on loopback, that an audit looks to its server like a text that somebody
// writes. It asks first what the server holds, and uses what it is told there; types, lengths and
// places are those that clients have. Of a decoder with cross attention the source is a whole
// prompt's, the text begins as all texts of that decoder begin, and every other token comes alone.
#include "serve/verifier.h"

#include <gtest/gtest.h>

#include <set>

#include "serve/source_reader.h"
#include "serve/test_source.h"
#include "serve/test_watched_server.h"
#include "tensor/state_type.h"

namespace cairn::serve {
namespace {

using VerifierTest = AuditorTest;

// Every client does (S24), so a server would know a link on which nobody asked.
TEST_F(VerifierTest, AsksFirstWhatTheServerHolds) {
    WatchedServer server(snapshot);
    Verifier verifier(snapshot, compute, random, clock, {});
    const auto report = verifier.audit(server.offer(snapshot), {});
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    server.end();
    ASSERT_EQ(server.kinds().size(), 1U);
    const std::vector<MessageKind>& kinds = server.kinds().begin()->second;
    ASSERT_GE(kinds.size(), 3U);
    EXPECT_EQ(kinds[0], MessageKind::kAskAnnounce);
    EXPECT_EQ(kinds[1], MessageKind::kOpenSession);
}

// A server may say something else on each link, and mark by that who goes by what was gossiped.
TEST_F(VerifierTest, UsesWhatItIsToldOnTheLink) {
    WatchedServer server(snapshot, model::LayerRange{1, 3});
    Verifier verifier(snapshot, compute, random, clock, {});
    Announce offer = server.offer(snapshot);
    offer.layers = {1, 5};
    const auto report = verifier.audit(offer, {});
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    EXPECT_EQ(report->layers, (model::LayerRange{1, 3}));
    server.end();
    for (const OpenSession& opened : server.opened())
        EXPECT_EQ(opened.layers, (model::LayerRange{1, 3}));
}

// To refuse costs nothing, to write a text a pass over the whole model for each token.
TEST_F(VerifierTest, ATextThatNobodySawIsUsedForTheNext) {
    AuditText spare;
    VerifierOptions options;
    options.spare = &spare;
    Verifier verifier(snapshot, compute, random, clock, options);
    WatchedServer full(snapshot, {}, {.max_session_bytes = 4096});
    const auto none = verifier.audit(full.offer(snapshot), {});
    ASSERT_TRUE(none.ok());
    EXPECT_FALSE(none->examined.finding) << none->examined.sentence;
    EXPECT_TRUE(full.end().empty());
    ASSERT_FALSE(spare.tokens.empty());
    States first(snapshot.config.dim);
    model::Transformer ends(snapshot.config, snapshot.weights, {0, 0}, compute);
    ends.embed(std::span(spare.tokens).first(1), 0, first);

    WatchedServer server(snapshot);
    const auto report = verifier.audit(server.offer(snapshot), {});
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    EXPECT_TRUE(spare.tokens.empty()) << "what a server has seen is used once";
    const std::vector<Push> pushes = server.end();
    ASSERT_FALSE(pushes.empty());
    tensor::round_states(pushes[0].type, snapshot.config.dim, first);
    EXPECT_TRUE(std::ranges::equal(std::span(pushes[0].states).first(first.size()), first));
}

// Who lies to sessions of a kind that no auditor has is found by no audit.
TEST_F(VerifierTest, SessionsAreOfAllKindsThatClientsHave) {
    WatchedServer server(snapshot);
    VerifierOptions options;
    options.bounds = TextBounds{3, true, 4};
    options.most_pause_ms = 100;
    Verifier verifier(snapshot, compute, random, clock, options);
    constexpr std::size_t kAudits = 30;
    for (std::size_t i = 0; i < kAudits; ++i) {
        const auto report = verifier.audit(server.offer(snapshot), {});
        ASSERT_TRUE(report.ok()) << report.error().message;
        EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    }
    States begin(snapshot.config.dim);
    model::Transformer ends(snapshot.config, snapshot.weights, {0, 0}, compute);
    const std::uint32_t token[] = {3};
    ends.embed(token, 0, begin);
    const std::vector<Push> pushes = server.end();
    std::size_t alone = 0, most_alone = 0;
    bool prompt_behind_steps = false;
    for (const Push& push : pushes) {
        if (push.position == 0) {
            alone = 0;
            States first(push.states.begin(), push.states.begin() + snapshot.config.dim);
            States expected = begin;
            tensor::round_states(push.type, snapshot.config.dim, expected);
            EXPECT_EQ(first, expected);
        } else if (push.tokens == 1) {
            most_alone = std::max(most_alone, ++alone);
        } else if (alone > 0) {
            prompt_behind_steps = true;
        }
    }
    EXPECT_GT(most_alone, 16U);
    EXPECT_TRUE(prompt_behind_steps);
    std::set<tensor::StateType> wires;
    std::set<std::uint32_t> positions;
    for (const OpenSession& opened : server.opened()) {
        wires.insert(opened.terms.wire);
        positions.insert(opened.terms.max_positions);
    }
    EXPECT_EQ(wires.size(), 3U);
    EXPECT_GT(positions.size(), 10U);
    EXPECT_TRUE(positions.contains(snapshot.config.context));
}

// Else a server that lies to texts which begin so is found by no audit.
TEST(VerifierOfEncoderDecoders, WritesAsWhoeverWritesWithThisDecoder) {
    const model::TestEncoderDecoder halves{model::encoder_decoder_families().back(),
                                           tensor::WeightType::kF32};
    ModelSnapshot snapshot =
        snapshot_of(std::make_shared<const model::Model>(halves.decoder)).value();
    const std::vector<std::uint32_t> begins{2, 5};
    snapshot.encoder =
        std::make_shared<const SourceReader>(SourceReader{halves.encoder, begins, {7}, {9}});
    ThreadPool pool(1);
    const tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    model::Encoder encoder(halves.encoder.config, halves.encoder.weights, compute);
    const std::vector<std::uint32_t> prompt{7, 11, 3, 9};
    const States source = encoder.encode(prompt).value();
    model::Transformer ends(snapshot.config, snapshot.weights, {0, 0}, compute);
    States first(begins.size() * snapshot.config.dim);
    ends.embed(begins, 0, first);

    WatchedServer server(snapshot);
    SystemRandom random;
    SystemClock clock;
    Verifier verifier(snapshot, compute, random, clock, {});
    const auto report =
        verifier.audit(server.offer(snapshot), std::span(prompt).subspan(1, prompt.size() - 2));
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->examined.finding, trust::Finding::kRight) << report->examined.sentence;
    const std::vector<Push> pushes = server.end();
    ASSERT_GE(pushes.size(), 3U);
    const auto rounded = [&](States states) {
        tensor::round_states(pushes[0].type, snapshot.config.dim, states);
        return states;
    };
    EXPECT_EQ(pushes[0].states, rounded(source));
    EXPECT_EQ(pushes[1].states, rounded(first));
    for (std::size_t i = 2; i < pushes.size(); ++i) EXPECT_EQ(pushes[i].tokens, 1U);
}

}  // namespace
}  // namespace cairn::serve
