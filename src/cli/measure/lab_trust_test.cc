// Proves that `cairn lab trust` and `cairn lab audits` print what the issue of trust rests on, as
// one JSON object, and draw it.
#include "cli/measure/lab_trust.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

TEST(LabTrust, ThePaperRemovesTheSmallestAndTheNormalisedFormNobody) {
    const std::string folder = testing::TempDir() + "/cairn_lab_trust";
    const Json result = run({"lab", "trust", "--json", "--layers", "1,2,5", "--theta", "0.3",
                             "--acc", "1", "--out", folder})
                            .json();
    EXPECT_EQ(result["name"], "trust");
    std::vector<double> scores;
    std::vector<std::string> status;
    for (const Json& row : result["rows"]) {
        scores.push_back(row["score"]);
        status.push_back(row["status"]);
    }
    EXPECT_EQ(scores, (std::vector<double>{0.2, 0.4, 1, 1, 1, 1}));
    EXPECT_EQ(status, (std::vector<std::string>{"deactivated", "active", "active", "active",
                                                "active", "active"}));
    EXPECT_TRUE(std::filesystem::exists(folder + "/trust.csv"));
    EXPECT_TRUE(std::filesystem::exists(folder + "/trust.svg"));
    std::filesystem::remove_all(folder);
    for (const std::string layers : {"", "1,", "0", "1;2", "-1", "513"})
        EXPECT_NE(run({"lab", "trust", "--layers", layers}).code, 0) << layers;
}

TEST(LabTrust, AuditsFindWhatTheFormulaSays) {
    const std::string folder = testing::TempDir() + "/cairn_lab_audits";
    const Json result =
        run({"lab", "audits", "--servers", "4000", "--json", "--out", folder}).json();
    EXPECT_EQ(result["name"], "audits");
    // A table for each kind of rows, and both lines in the picture.
    for (const auto& [file, header] :
         {std::pair("audits.csv", "table,answers,formula,played"),
          std::pair("audits-2.csv", "table,behaviour,probation,mean,p95,most,wrong_taken,never"),
          std::pair("audits-3.csv",
                    "table,liars,least_honest,mean_honest,liars_first_1000,"
                    "liars_after_1000,wrong_after_1000,honest_out,keys"),
          std::pair("audits-4.csv",
                    "table,nodes,told,patient,mean_rounds,p95_rounds,most_rounds,audits")}) {
        std::ifstream csv(folder + "/" + file);
        std::string line;
        std::getline(csv, line);
        EXPECT_EQ(line, header);
    }
    std::stringstream svg;
    svg << std::ifstream(folder + "/audits.svg").rdbuf();
    EXPECT_NE(svg.str().find(">formula<"), std::string::npos);
    EXPECT_NE(svg.str().find(">played<"), std::string::npos);
    std::filesystem::remove_all(folder);
    const Outcome shown = run({"lab", "audits", "--servers", "200"});
    EXPECT_NE(shown.out.find("wrong_taken"), std::string::npos);
    EXPECT_NE(shown.out.find("liars_after_1000"), std::string::npos);
    for (const Json& row : result["rows"])
        if (row["table"] == "found" && row["answers"] == 300) {
            EXPECT_NEAR(row["formula"], 0.950959, 5e-7);
            EXPECT_NEAR(row["played"], row["formula"], 0.015);
        }
}

}  // namespace
}  // namespace cairn::cli
