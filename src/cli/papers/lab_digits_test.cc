// Proves that attention by digits can be asked for on the command line: as a cache of eval and
// generate, whose loss and text it changes little, and with its proofs in the laboratory.
#include <nlohmann/json.hpp>

#include "cli/serve/test_small_model.h"

namespace cairn::cli {
namespace {

class LabDigits : public SmallModelFixture {
  protected:
    void SetUp() override { train(); }
    nlohmann::json asked(std::vector<std::string> words) const {
        for (const std::string& word :
             {std::string("--model"), at("cat.cairn"), std::string("--text"), at("private.txt")})
            words.push_back(word);
        words.emplace_back("--json");
        const Outcome outcome = run(words);
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        return outcome.json();
    }
};

TEST_F(LabDigits, EvalMeasuresAnyCacheAndWire) {
    const auto plain = asked({"eval"}), digits = asked({"eval", "--kv", "digits"}),
               narrow = asked({"eval", "--wire", "f16"});
    EXPECT_EQ(plain["kv"], "f32");
    EXPECT_EQ(digits["kv"], "digits");
    EXPECT_EQ(narrow["wire"], "f16");
    EXPECT_EQ(digits["tokens"], plain["tokens"]);
    EXPECT_NE(digits["loss_sum"], plain["loss_sum"]);
    EXPECT_NE(narrow["loss_sum"], plain["loss_sum"]);
    EXPECT_NEAR(digits["loss"].get<double>(), plain["loss"].get<double>(), 2e-3);
    EXPECT_NEAR(narrow["loss"].get<double>(), plain["loss"].get<double>(), 2e-3);
    const auto wide = asked({"lab", "digit-loss"});
    EXPECT_EQ(wide["rows"].size(), 4U);
    EXPECT_EQ(wide["rows"][0]["cache"], "f32");
    EXPECT_EQ(wide["rows"][3]["cache"], "digits");
}

TEST_F(LabDigits, TextsAreWrittenWithThem) {
    const auto digits = generate({"--kv", "digits"}).json(), plain = generate({}).json();
    EXPECT_EQ(digits["tokens"].size(), plain["tokens"].size());
    EXPECT_NE(digits["digest"], plain["digest"]);
    const Outcome refused = generate({"--kv", "digit"});
    EXPECT_EQ(refused.code, 2);
}

TEST_F(LabDigits, HeadsOfAModelAreProved) {
    const auto found = asked({"lab", "attention-proof", "--rows", "64", "--heads", "3"});
    const auto& rows = found["rows"];
    ASSERT_GE(rows.size(), 12U);
    EXPECT_TRUE(rows[0]["accepted"].get<bool>());
    EXPECT_EQ(rows[1]["heads"], 3);
    EXPECT_EQ(rows[1]["rows_accepted"], rows[1]["rows_proved"]);
    for (std::size_t i = 2; i < rows.size(); ++i)
        EXPECT_TRUE(rows[i]["refused"].get<bool>()) << rows[i].dump();
}

}  // namespace
}  // namespace cairn::cli
