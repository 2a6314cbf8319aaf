// Proves what `model compress` is for a person: one way of saying how much is left, a report of
// each matrix with what is not worth it, a file that generate, eval, train and convert take, whole
// matrices again by --multiply-out, and refusals that say what to do.
#include <gtest/gtest.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/test_run.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;

class ModelCompress : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_model_compress";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        text_ = folder_ + "/text.txt";
        std::string words;
        for (int i = 0; i < 400; ++i) words += "the cairn on hill " + std::to_string(i % 7) + ". ";
        ASSERT_TRUE(write_file(text_, as_bytes(words)).ok());
        model_ = folder_ + "/m.cairn";
        // Bytes are its tokens, so any text can be measured.
        const Outcome trained =
            run({"train", "--text", text_, "--out", model_, "--steps", "2", "--dim", "64",
                 "--layers", "2", "--heads", "4", "--context", "64", "--characters"});
        ASSERT_EQ(trained.code, 0) << trained.errors;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Outcome compress(const std::string& out, std::vector<std::string> more) const {
        std::vector<std::string> words{"model", "compress", "--model", model_, "--out", out};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    std::string folder_, text_, model_;
};

TEST_F(ModelCompress, WritesAModelThatEveryCommandTakes) {
    const std::string out = folder_ + "/x.cairn";
    const Outcome made = compress(
        out, {"--ratio", "0.5", "--text", text_, "--calibrate", text_, "--speed", "--json"});
    ASSERT_EQ(made.code, 0) << made.errors;
    const Json json = made.json();
    EXPECT_EQ(json["matrices"].size(), 14U);
    EXPECT_LE(json["ratio"].get<double>(), 0.5);
    EXPECT_GT(json["p_total"].get<double>(), 0.0);
    EXPECT_LE(json["p_total"].get<double>(), 1.0);
    EXPECT_GT(json["text"]["perplexity_after"].get<double>(), 1.0);
    EXPECT_GT(json["speed"]["formula"].get<double>(), 1.0);
    EXPECT_GT(json["calibrated_tokens"].get<std::size_t>(), 64U);
    for (const Json& matrix : json["matrices"]) {
        EXPECT_TRUE(matrix["worth_it"].get<bool>());
        EXPECT_GE(matrix["seen_energy"].get<double>(), 0.2);
    }
    const Outcome eval = run({"eval", "--model", out, "--text", text_, "--json"});
    ASSERT_EQ(eval.code, 0) << eval.errors;
    EXPECT_NEAR(eval.json()["loss"].get<double>(), json["text"]["loss_after"].get<double>(), 1e-9);
    const Outcome written = run({"generate", "--model", out, "--prompt", "the", "--steps", "8"});
    EXPECT_EQ(written.code, 0) << written.errors;
    const Outcome trained = run({"train", "--init", out, "--text", text_, "--out",
                                 folder_ + "/t.cairn", "--steps", "2", "--context", "64"});
    EXPECT_EQ(trained.code, 0) << trained.errors;
    const Outcome info = run({"model", "info", "--model", folder_ + "/t.cairn", "--json"});
    ASSERT_EQ(info.code, 0) << info.errors;
    EXPECT_EQ(info.json()["config"]["ranks"].size(), 2U);
}

TEST_F(ModelCompress, WholeMatricesComeBackForOtherPrograms) {
    const std::string out = folder_ + "/factors";
    const Outcome made = compress(out, {"--energy", "0.6", "--per-head"});
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_NE(made.out.find("P_total"), std::string::npos);
    const Outcome gguf = run({"model", "convert", "--model", out, "--out", folder_ + "/x.gguf"});
    EXPECT_EQ(gguf.code, 1);
    EXPECT_NE(gguf.errors.find("--multiply-out"), std::string::npos) << gguf.errors;
    const Outcome whole =
        run({"model", "convert", "--model", out, "--out", folder_ + "/x.gguf", "--multiply-out"});
    EXPECT_EQ(whole.code, 0) << whole.errors;
    EXPECT_EQ(run({"model", "convert", "--model", model_, "--out", folder_ + "/y.cairn",
                   "--multiply-out"})
                  .code,
              2);
    const Outcome one = run({"eval", "--model", out, "--text", text_, "--json"});
    const Outcome two = run({"eval", "--model", folder_ + "/x.gguf", "--text", text_, "--json"});
    ASSERT_EQ(two.code, 0) << two.errors;
    EXPECT_NEAR(one.json()["loss"].get<double>(), two.json()["loss"].get<double>(), 1e-4);
}

TEST_F(ModelCompress, RefusalsSayWhatToDo) {
    const std::string out = folder_ + "/x.cairn";
    EXPECT_EQ(compress(out, {}).code, 2);
    EXPECT_EQ(compress(out, {"--rank", "4", "--ratio", "0.5"}).code, 2);
    EXPECT_EQ(compress(out, {"--ratio", "0"}).code, 2);
    EXPECT_EQ(compress(out, {"--energy", "1.5"}).code, 2);
    EXPECT_EQ(compress(out, {"--bytes", "4XB"}).code, 2);
    EXPECT_EQ(compress(folder_ + "/x.gguf", {"--rank", "4"}).code, 2);
    EXPECT_EQ(compress(out, {"--rank", "4", "--text", folder_ + "/none"}).code, 1);
    const Outcome few = compress(out, {"--bytes", "1KB"});
    EXPECT_EQ(few.code, 1);
    EXPECT_NE(few.errors.find("too few"), std::string::npos) << few.errors;
    const Outcome none = compress(out, {"--rank", "64"});
    EXPECT_EQ(none.code, 1);
    EXPECT_NE(none.errors.find("nothing would be smaller"), std::string::npos) << none.errors;
    EXPECT_FALSE(exists(out));
    ASSERT_EQ(compress(out, {"--rank", "4"}).code, 0);
    const Outcome twice =
        run({"model", "compress", "--model", out, "--out", folder_ + "/y.cairn", "--rank", "2"});
    EXPECT_EQ(twice.code, 1);
    EXPECT_NE(twice.errors.find("factors already"), std::string::npos) << twice.errors;
}

}  // namespace
}  // namespace cairn::cli
