// Proves that `cairn lab trust` and `cairn lab audits` print what the issue of trust rests on, as
// one JSON object, and draw it.
#include "cli/measure/lab_trust.h"

#include <gtest/gtest.h>

#include <filesystem>

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
    const Json result = run({"lab", "audits", "--servers", "4000", "--json"}).json();
    EXPECT_EQ(result["name"], "audits");
    for (const Json& row : result["rows"])
        if (row["table"] == "found" && row["answers"] == 300) {
            EXPECT_NEAR(row["formula"], 0.950959, 5e-7);
            EXPECT_NEAR(row["played"], row["formula"], 0.015);
        }
}

}  // namespace
}  // namespace cairn::cli
