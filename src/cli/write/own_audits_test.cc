// Proves that a server which a text's own audit convicted is left out from then on, also where the
// node that was asked for servers has not the model and so judges no proof.
#include "cli/write/own_audits.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/weights.h"
#include "trust/audit_book.h"

namespace cairn::cli {
namespace {

constexpr model::LayerRange kLayers{0, 1};

struct OwnAudits : testing::Test {
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / "cairn_own_audits";
    SeededRandom random{3};
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    const crypto::SecretKey secret = crypto::SecretKey::generate(random);
    serve::ModelSnapshot snapshot;
    LayerServerOptions options;

    OwnAudits() {
        const model::ModelConfig config{.dim = 8,
                                        .hidden_dim = 16,
                                        .layers = 1,
                                        .heads = 2,
                                        .kv_heads = 2,
                                        .vocab = 16,
                                        .context = 16};
        snapshot = serve::snapshot_of(
                       std::make_shared<const model::Model>(model::make_model(
                           config, model::initial_parameters(model::ParameterLayout(config), 3))))
                       .value();
        std::filesystem::create_directories(folder / "node");
        options.servers_of = folder / "node";
        options.book = folder / "book";
        options.audit = 1;
    }
    ~OwnAudits() override { std::filesystem::remove_all(folder); }

    /// Of one row, which the server gave back as it was: that is not what its layer makes of it.
    serve::SessionDiary diary() {
        const serve::States row(8, 0.5F);
        serve::InputChain inputs;
        inputs.put(0, row, row.size());
        const serve::SessionTerms terms{
            .session = random.hash256(), .model = snapshot.hash, .max_positions = 4};
        const serve::Receipt receipt = serve::make_receipt(
            terms, kLayers, inputs.end(), serve::states_hash(0, row), secret, random.hash256());
        return {terms,
                {kLayers, crypto::public_key(secret), "127.0.0.1:1"},
                row.size(),
                {{.rows = row, .outputs = row, .answered = true, .receipt = receipt}}};
    }
};

TEST_F(OwnAudits, ALiarIsRememberedAlsoBesideANode) {
    const auto audits = audit_own(options, {.whole = snapshot}, {diary()}, compute);
    ASSERT_EQ(audits.size(), 1U);
    ASSERT_TRUE(anybody_lied(audits)) << audits[0].examined.sentence;
    EXPECT_TRUE(audits[0].exhibit.starts_with(options.servers_of)) << audits[0].exhibit;
    const trust::AuditBook book = trust::AuditBook::read(options.book).value();
    EXPECT_EQ(book.standing(crypto::public_key(secret), 0, options.trust.rules()).status,
              trust::ServerStatus::kConvicted);
}

}  // namespace
}  // namespace cairn::cli
