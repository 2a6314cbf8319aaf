// The papers' tables and formulas as a person gets them: the JSON's shape, the files of --out, and
// errors that name the option.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/papers/lab_result.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

Json result(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "lab");
    arguments.emplace_back("--json");
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
    Json json = outcome.json();
    EXPECT_EQ(json.value("name", ""), arguments[1]);
    EXPECT_TRUE(json["rows"].is_array() && !json["rows"].empty());
    EXPECT_FALSE(json.value("found", "").empty());
    return json;
}

TEST(LabPapers, TablesAndFiguresCarryThePrintedValues) {
    const Json table2 = result({"table2"});
    ASSERT_EQ(table2["rows"].size(), 4U);
    for (const Json& row : table2["rows"]) EXPECT_TRUE(row["equal"].get<bool>());
    double r1_at_70 = 0;
    const Json fig7 = result({"fig7"});
    for (const Json& row : fig7["rows"])
        if (row["reading"] == "R1" && row["compression_ratio"] == 0.7 && !row["floored"])
            r1_at_70 = row["bandwidth_reduce_rate"].get<double>();
    EXPECT_NEAR(r1_at_70, 0.2016, 5e-5);
    EXPECT_EQ(result({"fig6"})["rows"].size(), 14U);
    EXPECT_NEAR(result({"ptotal", "--energies", "[[0.5, 1.0], [0.8, 0.8]]"})["rows"][0]["p_total"]
                    .get<double>(),
                0.6, 1e-12);
    EXPECT_EQ(result({"table3", "--m", "768", "--n", "2304", "--cr", "0.5332"})["rows"].size(), 3U);
}

TEST(LabPapers, ADividedLayerCostsItsTripsAndItsLine) {
    const Json divided = result({"divided", "--gbit", "1", "--trip", "0"});
    ASSERT_EQ(divided["rows"].size(), 8U);
    EXPECT_NEAR(divided["rows"][0]["ms"].get<double>(), 5.69, 0.01);
    EXPECT_EQ(divided["rows"][2]["bytes_to_each"], 32768);
    EXPECT_EQ(divided["rows"][2]["bytes_from_each"], 30208);
    EXPECT_NEAR(divided["rows"][2]["busiest_share"].get<double>(), 0.653, 1e-3);
}

TEST(LabPapers, CountedReadsAreTheFormulas) {
    const Json memory =
        result({"memory", "--m", "40", "--n", "30", "--t", "4", "--cr", "0.5", "--batch", "2"});
    ASSERT_GT(memory["rows"].size(), 2U);
    for (const Json& row : memory["rows"]) {
        const bool low_naive = row["product"] == "low-rank";
        const double formula = row[row["hierarchy"].get<bool>() ? "reads_with" : "reads_without"];
        const double scaling = low_naive ? 2.0 * row["rank"].get<double>() * 8 : 0;
        EXPECT_EQ(row["counted"].get<double>(), formula + scaling) << row["product"];
    }
}

TEST(LabPapers, AttentionSoftmaxLookupAndSketchesAnswer) {
    const Json attention = result({"attention", "--a1", "[[1,0],[0,1]]", "--a2", "[[1,0],[0,1]]",
                                   "--x", "[[0,0],[0,0]]", "--b", "[[1,0],[0,1]]", "--w", "[2,2]"});
    EXPECT_EQ(attention["rows"][0]["loss"], 0.5);
    EXPECT_EQ(attention["rows"][0]["gradient"], Json::parse("[[-0.25,0.25],[0.25,-0.25]]"));
    EXPECT_EQ(attention["rows"][0]["hessian_eigenvalues"].size(), 4U);
    const Json softmax =
        result({"softmax", "--x", "[[0,0],[0,-5]]", "--scale", "1", "--head-dim", "1", "--bases",
                "[4,4]", "--low", "0", "--top", "1", "--theta", "[1000]", "--verifiers", "2"});
    EXPECT_EQ(softmax["rows"].size(), 2U);
    EXPECT_EQ(softmax["rows"][0]["row_sum"], 736);
    const Json good = result({"lookup", "--table", "[0,1]", "--values", "[1,1]", "--beta", "5"});
    EXPECT_TRUE(good["rows"][0]["accepted"].get<bool>());
    const Json bad = result({"lookup", "--table", "[0,1]", "--values", "[1,2]", "--beta", "5"});
    EXPECT_FALSE(bad["rows"][0]["accepted"].get<bool>());
    const Json sketches = result(
        {"sketches", "--exact", "--dim", "2", "--sketch", "2", "--g", "[1,2]", "--h", "[3,-1]"});
    ASSERT_EQ(sketches["rows"].size(), 6U);
    for (const Json& row : sketches["rows"]) EXPECT_NEAR(row["mean_inner"].get<double>(), 1, 1e-9);
}

TEST(LabPapers, TheChainsCodecsHaveTheMomentsThatTheyShould) {
    const Json codecs = result({"codecs"});
    ASSERT_EQ(codecs["rows"].size(), 7U);
    for (const Json& row : codecs["rows"]) {
        EXPECT_NEAR(row["mean_inner"].get<double>(), row["inner"].get<double>(), 1e-9) << row;
        EXPECT_NEAR(row["mean_desketch_norm_ratio"].get<double>(),
                    row["exact_norm_ratio"].get<double>(), 1e-9)
            << row;
        EXPECT_LE(row["mean_inner_squared"], row["bound_inner_squared"]) << row;
    }
    const Json signs = result({"one-bit", "--seeds", "200"});
    ASSERT_EQ(signs["rows"].size(), 12U);
    EXPECT_LT(signs["rows"][0]["mean_second"], 10'000) << "srht forgets the smaller of two";
    EXPECT_GT(signs["rows"][1]["mean_second"], 50'000) << "srht2 does not";
    EXPECT_GT(signs["rows"][8]["norm_ratio"], 50) << "a dither is noisy on an even delta";
}

TEST(LabPapers, TheChainsCodecsStayBelowTheBounds) {
    const Json found = result({"codec-convergence", "--seeds", "2", "--rounds", "20"});
    ASSERT_EQ(found["rows"].size(), 28U);
    for (const Json& row : found["rows"])
        EXPECT_LT(row["measured"].get<double>(), row["bound"].get<double>()) << row;
}

TEST(LabPapers, TrainingByAnyCodecLowersTheLoss) {
    const Json training = result({"codec-training", "--rounds", "2", "--values", "256"});
    ASSERT_EQ(training["rows"].size(), 10U);
    for (const Json& row : training["rows"])
        EXPECT_LT(row["report_loss_after"].get<double>(),
                  row["report_loss_before"].get<double>() - 0.02)
            << row;
}

TEST(LabPapers, TrainingAndRacesStandBesideTheirFormulas) {
    const Json race = result({"race", "--share", "0.3", "--confirmations", "2", "--runs", "2000"});
    ASSERT_EQ(race["rows"].size(), 1U);
    EXPECT_LT(race["rows"][0]["standard_errors"].get<double>(), 4);
    const Json winner = result({"winner", "--shares", "[1, 3]", "--blocks", "500"});
    EXPECT_EQ(winner["rows"][1]["expected"], 0.75);
    EXPECT_NEAR(winner["rows"][1]["won"].get<double>(), 0.75, 0.08);
    const Json training = result({"convergence", "--seeds", "3", "--rounds", "100"});
    ASSERT_EQ(training["rows"].size(), 36U);
    for (const Json& row : training["rows"])
        EXPECT_LT(row["measured"].get<double>(), row["bound"].get<double>());
    const Json bias = result({"bias", "--rounds", "40"});
    for (const Json& row : bias["rows"])
        EXPECT_NEAR(row["measured"].get<double>(), row["expected"].get<double>(), 0.1);
}

TEST(LabPapers, WritesTablesAndPictures) {
    const std::string folder = testing::TempDir() + "/lab_papers";
    std::filesystem::remove_all(folder);
    const Outcome outcome = run({"lab", "fig7", "--out", folder});
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    std::ifstream csv(folder + "/fig7.csv");
    std::string header;
    std::getline(csv, header);
    EXPECT_EQ(header, "reading,compression_ratio,floored,bandwidth_reduce_rate");
    std::stringstream svg;
    svg << std::ifstream(folder + "/fig7.svg").rdbuf();
    EXPECT_NE(svg.str().find("R5"), std::string::npos);
    // Where no program can make it, the missing PNG is said and is no failure.
    EXPECT_NE(std::filesystem::exists(folder + "/fig7.png"),
              outcome.out.find("no .png") != std::string::npos);
}

TEST(LabPapers, ErrorsNameTheOption) {
    const std::pair<std::vector<std::string>, std::string> cases[] = {
        {{"ptotal", "--energies", "nonsense"}, "--energies"},
        {{"ptotal", "--energies", "[[2]]"}, "--energies"},
        {{"lookup", "--table", "[1.5]", "--values", "[1]", "--beta", "1"}, "--table"},
        {{"sketches", "--dim", "3"}, "power of two"},
        {{"sketches", "--g", "[1]"}, "--g"},
        {{"softmax", "--x", "[0]", "--bases", "[0]"}, "--bases"},
        {{"attention", "--a1", "[[1]]", "--a2", "[[1],[2]]", "--x", "[[1]]", "--b", "[[1]]", "--w",
          "[1]"},
         "A2"},
    };
    for (const auto& [arguments, named] : cases) {
        std::vector<std::string> line = arguments;
        line.insert(line.begin(), "lab");
        const Outcome outcome = run(line);
        EXPECT_NE(outcome.code, 0) << arguments[0];
        EXPECT_NE(outcome.errors.find(named), std::string::npos) << outcome.errors;
    }
}

}  // namespace
}  // namespace cairn::cli
