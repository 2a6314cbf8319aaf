// Proves that doctor and bench print what scripts rely on, that doctor accepts this machine's
// arithmetic, and that it complains about a directory without a chain.
#include "cli/measure/doctor_command.h"

#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/measure/bench_command.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

nlohmann::json doctor(const DoctorRequest& request, bool& healthy) {
    std::ostringstream out;
    EXPECT_TRUE(run_doctor(request, out, healthy).ok());
    return nlohmann::json::parse(out.str(), nullptr, false);
}

TEST(Doctor, FindsTheArithmeticInOrder) {
    bool healthy = false;
    const nlohmann::json report = doctor({.directory = {}, .threads = 2, .json = true}, healthy);
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(report["healthy"], healthy);
    std::size_t self_checks = 0;
    for (const nlohmann::json& check : report["checks"]) {
        if (!check["name"].get<std::string>().starts_with("self-check")) continue;
        ++self_checks;
        EXPECT_EQ(check["health"], "ok") << check.dump();
    }
    EXPECT_GE(self_checks, 2U);
}

TEST(Doctor, ADirectoryWithoutAChainIsAProblemThatSaysWhatToDo) {
    bool healthy = true;
    const nlohmann::json report =
        doctor({.directory = "/nonexistent", .threads = 1, .json = true}, healthy);
    EXPECT_FALSE(healthy);
    for (const nlohmann::json& check : report["checks"]) {
        if (check["health"] != "ok") {
            EXPECT_NE(check["advice"], "") << check.dump();
        }
    }
}

TEST(Bench, PrintsItsSchema) {
    BenchRequest request;
    request.models = {"demo"};
    request.types = {"q8_0"};
    request.parts = {"models"};
    request.threads = 1;
    request.work.prefill = 8;
    request.work.decode = 2;
    request.work.together = 3;
    request.seconds = 0.01;
    request.json = true;
    std::ostringstream out;
    ASSERT_TRUE(run_bench(request, out).ok());
    const nlohmann::json report = nlohmann::json::parse(out.str(), nullptr, false);
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(report["schema"], 1);
    ASSERT_EQ(report["models"].size(), 1U);
    EXPECT_EQ(report["models"][0]["type"], "q8_0");
    EXPECT_GT(report["models"][0]["decode_tokens_s"], 0);
    EXPECT_GT(report["models"][0]["decode_ratio"], 0);
    EXPECT_EQ(report["models"][0]["together"], 3);
    EXPECT_GT(report["models"][0]["together_tokens_s"], 0);
    EXPECT_FALSE(report.contains("training"));
}

TEST(Bench, MeasuresAFileAsItIs) {
    const std::string model = test_data_folder() + "/stories260K/stories260K.bin";
    if (!std::filesystem::exists(model)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const Outcome table = run({"bench", "--model", model, "--seconds", "0.01", "--prefill", "8",
                               "--decode", "2", "--threads", "1"});
    ASSERT_EQ(table.code, 0) << table.errors;
    EXPECT_NE(table.out.find("stories260K.bin  f32 "), std::string::npos) << table.out;
    // No products and no training: only what was named.
    EXPECT_EQ(table.out.find("product"), std::string::npos) << table.out;
    EXPECT_EQ(table.out.find("training"), std::string::npos) << table.out;
    EXPECT_EQ(run({"bench", "--model", "/nonesuch", "--part", "models"}).code, 1);
}

}  // namespace
}  // namespace cairn::cli
