// Proves that `model convert` refuses what cannot succeed before it reads a model: invalid sizes
// and formats, outputs that are inputs; and that it writes through a symbolic link.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/test_run.h"
#include "formats/checkpoint.h"
#include "model/test_model.h"

namespace cairn::cli {
namespace {

class ModelConvert : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_model_convert";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        model_ = folder_ + "/m.cairn";
        model::ModelConfig config{.dim = 64,
                                  .hidden_dim = 96,
                                  .layers = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .vocab = 270,
                                  .context = 32};
        const model::ParameterLayout layout(config);
        const model::Model made = model::make_model(config, model::large_parameters(layout, 11));
        ASSERT_TRUE(formats::save_checkpoint(made, model_).ok());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Outcome convert(const std::string& model, const std::string& out,
                    std::vector<std::string> more = {}) const {
        std::vector<std::string> words{"model", "convert", "--model", model, "--out", out};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
    bool has(const Outcome& outcome, const std::string& part) const {
        return outcome.errors.find(part) != std::string::npos;
    }

    std::string folder_, model_;
};

TEST_F(ModelConvert, ACommandLineThatCannotBeIsMisused) {
    const std::string out = folder_ + "/x.gguf";
    for (const char* size : {"0", "-1GB", "2XB", "99999999999999999999GB", "18446744073709551616",
                             "999999999999GB", "nan", "1.5GB", "GB"})
        EXPECT_EQ(convert(model_, folder_ + "/hf", {"--shard-size", size}).code, 2) << size;
    // What does not apply at all is said before what is wrong with it.
    const Outcome format = convert(model_, out, {"--shard-size", "x"});
    EXPECT_EQ(format.code, 2);
    EXPECT_TRUE(has(format, "is for Hugging Face folders")) << format.errors;
    EXPECT_EQ(convert(model_, out, {"--type", "q9"}).code, 2);
    EXPECT_EQ(convert(model_, out, {"--to", "onnx"}).code, 2);
    EXPECT_EQ(convert(model_, folder_ + "/x.onnx").code, 2);
    EXPECT_FALSE(exists(out));
    const Outcome json = convert(model_, out, {"--type", "q9", "--json"});
    EXPECT_EQ(json.json()["error"]["kind"], "misused");
    const Outcome absent = convert(folder_ + "/none", out);
    EXPECT_EQ(absent.code, 1);
    EXPECT_TRUE(has(absent, "--model")) << absent.errors;
}

TEST_F(ModelConvert, NoOutputIsAnInput) {
    const Bytes before = read_file(model_, 1U << 24).value();
    std::filesystem::create_symlink("m.cairn", folder_ + "/link.cairn");
    for (const std::string& out : {model_, folder_ + "/./m.cairn", folder_ + "/link.cairn"}) {
        const Outcome same = convert(model_, out, {"--force", "--type", "f16"});
        EXPECT_EQ(same.code, 1);
        EXPECT_TRUE(has(same, "would overwrite")) << same.errors;
    }
    EXPECT_TRUE(has(convert(model_, folder_, {"--to", "hf", "--force"}), "is the folder of"));
    EXPECT_TRUE(has(convert(model_, model_, {"--to", "hf", "--force"}), "is a file"));
    EXPECT_EQ(read_file(model_, 1U << 24).value(), before);
    // A file of the folder that is read is an input as well.
    const std::string hf = folder_ + "/hf";
    ASSERT_EQ(convert(model_, hf).code, 0);
    EXPECT_TRUE(has(convert(hf, hf + "/model.safetensors", {"--to", "cairn", "--force"}),
                    "would overwrite"));
    EXPECT_TRUE(has(convert(hf, hf, {"--force"}), "is the folder of"));
    EXPECT_EQ(run({"model", "verify", "--model", hf, "--against", model_}).code, 0);
}

TEST_F(ModelConvert, WritesThroughALinkAndNeverIntoAFolder) {
    std::filesystem::create_symlink("real.gguf", folder_ + "/link.gguf");
    ASSERT_EQ(convert(model_, folder_ + "/link.gguf", {"--force"}).code, 0);
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/link.gguf"));
    EXPECT_TRUE(is_file(folder_ + "/real.gguf"));
    std::filesystem::create_directory(folder_ + "/d.gguf");
    const Outcome into = convert(model_, folder_ + "/d.gguf", {"--to", "gguf", "--force"});
    EXPECT_EQ(into.code, 1);
    EXPECT_TRUE(has(into, "d.gguf is")) << into.errors;
}

TEST_F(ModelConvert, AFileThatIsNoModelIsNamedForWhatItIs) {
    const auto said = [&](const std::string& name, const std::string& content) {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
        const Outcome outcome = run({"model", "info", "--model", folder_ + "/" + name});
        EXPECT_EQ(outcome.code, 1);
        return outcome.errors;
    };
    EXPECT_NE(said("a.gguf", "<!DOCTYPE html>").find("web page"), std::string::npos);
    EXPECT_NE(said("b.gguf", "").find("is empty"), std::string::npos);
    EXPECT_NE(said("c.bin", "In the beginning God created the heaven and the earth.")
                  .find("no model that this program knows"),
              std::string::npos);
    Bytes longer = read_file(model_, 1U << 24).value();
    const std::string whole(as_text(longer));
    EXPECT_NE(said("d.cairn", whole + "x").find("1 bytes at its end belong to no tensor"),
              std::string::npos);
    EXPECT_NE(said("e.cairn", whole.substr(0, whole.size() - 100)).find("not complete"),
              std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
