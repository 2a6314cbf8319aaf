// Proves that a receipt of a real session convicts a server that computed something else, never one
// that was honest, and that forged or incomplete exhibits prove nothing.
#include "serve/exhibit.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "serve/exhibit_file.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct ExhibitTest : ::testing::Test {
    TestWorld world{small_model()};
    Exhibit exhibit;

    /// A session of two pushes over one server whose layer weights may be others than it says.
    void serve(float change_weight_by, const std::vector<std::size_t>& pushes = {7, 1}) {
        FakeServer& server = world.add_server("a", {0, 5});
        std::vector<float> held = model::dense_parameters(*world.model);
        const model::ParameterLayout layout = world.model->layout();
        layout.slice(std::span(held), model::TensorKind::kWDown, 2)[5] += change_weight_by;
        ModelSnapshot snapshot = snapshot_of(std::make_shared<const model::Model>(
                                                 model::make_model(layout.config(), held)))
                                     .value();
        snapshot.hash = world.snapshot.hash;  // what it claims
        server.server->set_model(snapshot, {0, 5});
        server.network->tamper = [this](MessageKind kind, Bytes& body) {
            if (kind != MessageKind::kResult) return;
            exhibit.receipt = decode_result(body).value().receipt;
        };
        std::optional<SessionTerms> terms;
        world.client_network.tamper = [&](MessageKind kind, Bytes& body) {
            if (kind == MessageKind::kOpenSession) terms = decode_open_session(body).value().terms;
        };
        const auto opened = world.open({{{0, 5}, crypto::public_key(server.secret), "a"}}, 64);
        for (const std::size_t tokens : pushes) {
            exhibit.inputs.push_back(world.some_states(tokens, tokens));
            const auto answer = world.push(std::get<Hash256>(opened), exhibit.inputs.back());
            ASSERT_TRUE(std::holds_alternative<States>(answer));
        }
        exhibit.terms = *terms;
        exhibit.server = crypto::public_key(server.secret);
    }
    Verdict verdict() { return judge(exhibit, world.snapshot, world.compute); }
};

TEST_F(ExhibitTest, AnHonestServerIsCleared) {
    serve(0.0F);
    EXPECT_TRUE(verdict().is_valid()) << verdict().reason();
}

// Its rows tell what a client wrote.
TEST_F(ExhibitTest, AFileIsForItsOwnerUntilHeShowsIt) {
    serve(0.0F);
    const std::string folder = make_temporary_folder("cairn-exhibit").value();
    const std::string path = write_exhibit(folder, exhibit).value();
    EXPECT_TRUE(check_secret(path).ok());
    EXPECT_TRUE(remove_tree(folder).ok());
}
TEST_F(ExhibitTest, OneChangedWeightConvicts) {
    serve(0.01F);
    EXPECT_TRUE(verdict().is_invalid()) << verdict().reason();
}

// The receipt of four rows, shown as if it were that of the last one alone.
TEST_F(ExhibitTest, RowsThatAreCutAnewFrameNobody) {
    for (const float change : {0.0F, 0.01F}) {
        exhibit = {};
        serve(change, {7, 4});
        const auto dim = static_cast<std::ptrdiff_t>(world.snapshot.config.dim);
        std::vector<float>& last = exhibit.inputs.back();
        const std::vector<float> row(last.end() - dim, last.end());
        last.erase(last.end() - dim, last.end());
        exhibit.inputs.push_back(row);
        EXPECT_EQ(verdict().is_valid(), change == 0) << verdict().reason();
        EXPECT_EQ(verdict().is_invalid(), change != 0) << verdict().reason();
        world.servers.clear();
    }
}

TEST_F(ExhibitTest, WhatProvesNothingConvictsNobody) {
    serve(0.01F);
    const Exhibit good = exhibit;
    exhibit.server = crypto::public_key(world.client_secret);
    EXPECT_TRUE(verdict().is_undecided());
    exhibit = good;
    exhibit.receipt.output.bytes[0] ^= 1;
    EXPECT_TRUE(verdict().is_undecided());
    exhibit = good;
    exhibit.inputs[0][3] += 0.5F;  // an accuser who shows other inputs
    EXPECT_TRUE(verdict().is_undecided());
    exhibit = good;
    exhibit.inputs.pop_back();
    EXPECT_TRUE(verdict().is_undecided());
    exhibit = good;
    world.snapshot.hash.bytes[0] ^= 1;
    EXPECT_TRUE(verdict().is_undecided());
}

// Nobody's text is so short, or so cut, that it always fits: whoever convicts looks first.
TEST(ExhibitFile, SaysWhatHasNoRoom) {
    Exhibit exhibit;
    exhibit.inputs.assign(kMaxExhibitPushes, {1.0F});
    EXPECT_TRUE(fits_file(exhibit));
    EXPECT_TRUE(decode_exhibit(encode(exhibit)).ok());
    exhibit.inputs.push_back({1.0F});
    EXPECT_FALSE(fits_file(exhibit)) << "too many pushes";
    exhibit.inputs.assign(1, std::vector<float>(kMaxPushFloats + 1));
    EXPECT_FALSE(fits_file(exhibit)) << "too long a push";
    exhibit.inputs.assign(kMaxExhibitBytes / (kMaxPushFloats * 4),
                          std::vector<float>(kMaxPushFloats));
    EXPECT_FALSE(fits_file(exhibit)) << "all of it rows, and a head before them";
    exhibit.inputs.back().resize(kMaxPushFloats - 128);
    EXPECT_TRUE(fits_file(exhibit));
}

}  // namespace
}  // namespace cairn::serve
