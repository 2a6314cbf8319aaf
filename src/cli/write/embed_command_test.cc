// Proves that `embed` gives the vectors of a model's states for every way to name texts and every
// format, that pooling is what the files or the user say, and that it refuses in sentences.
#include "cli/write/embed_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/test_data.h"
#include "cli/test_run.h"
#include "formats/format_test_models.h"
#include "formats/save.h"
#include "model/encoder.h"
#include "text/wordpiece.h"

namespace cairn::cli {
namespace {

using nlohmann::json;

model::Model small_bert() {
    for (const auto& [name, config] : formats::family_configs())
        if (!config.causal) {
            model::Model bert = formats::family_model(config);
            text::WordPieces words;
            for (const char* piece : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat",
                                      "##s", "sat", "a", "dog", "."})
                words.pieces.push_back({piece, text::PieceType::kNormal});
            for (const std::uint32_t special : {0U, 2U, 3U, 4U})
                words.pieces[special].type = text::PieceType::kControl;
            words.pieces[1].type = text::PieceType::kUnknown;
            words.unk = 1;
            words.cls = 2;
            words.sep = 3;
            bert.tokenizer = text::WordPieceTokenizer::create(words).value()->serialise();
            return bert;
        }
    return {};
}

class EmbedCommand : public testing::Test {
  protected:
    EmbedCommand() : scratch_("embed"), bert_(small_bert()) {
        std::filesystem::create_directories(scratch_.path());
        folder_ = scratch_.path() + "/bert";
        CHECK(formats::save_model(bert_, formats::ModelFormat::kHuggingFace, folder_, {}).ok());
    }

    // The first vector of a command's result.
    static std::vector<float> vector(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "embed");
        arguments.emplace_back("--json");
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.code, 0) << outcome.errors;
        const json object = outcome.json();
        return object["texts"][0]["vector"].get<std::vector<float>>();
    }

    formats::Scratch scratch_;
    model::Model bert_;
    std::string folder_;
};

TEST_F(EmbedCommand, GivesTheStatesOfTheEncoder) {
    const model::Machine machine(tensor::available_kernel_sets().back(), 1);
    model::Encoder encoder(bert_.config, bert_.weights, machine.compute);
    // [CLS] the cat ##s sat . [SEP]
    const std::vector<std::uint32_t> tokens{2, 5, 6, 7, 8, 11, 3};
    const std::vector<float> states = encoder.encode(tokens).value();
    const std::size_t dim = bert_.config.dim;
    const std::vector<std::string> call{folder_, "The cats sat.", "--plain", "--pooling"};
    const auto with = [&](const char* pooling) {
        std::vector<std::string> arguments = call;
        arguments.emplace_back(pooling);
        return vector(arguments);
    };
    EXPECT_EQ(with("mean"), model::pooled(machine.compute, model::Pooling::kMean, states, dim));
    EXPECT_EQ(with("cls"), model::pooled(machine.compute, model::Pooling::kFirst, states, dim));
    EXPECT_EQ(with("last"), model::pooled(machine.compute, model::Pooling::kLast, states, dim));
    std::vector<float> unit = model::pooled(machine.compute, model::Pooling::kMean, states, dim);
    model::normalise(machine.compute, unit);
    EXPECT_EQ(vector({"--model", folder_, "The cats sat."}), unit);
    // The same bits from every format and every way to hand texts over.
    for (const char* name : {"bert.gguf", "bert.cairn"}) {
        const std::string file = scratch_.path() + "/" + name;
        ASSERT_EQ(run({"model", "convert", "--model", folder_, "--out", file}).code, 0);
        EXPECT_EQ(vector({file, "The cats sat."}), unit) << name;
    }
    const std::string lines = scratch_.path() + "/lines.txt";
    std::ofstream(lines) << "The cats sat.\r\n\nA dog.\n";
    EXPECT_EQ(vector({folder_, "--file", lines}), unit);
}

TEST_F(EmbedCommand, ComparesTexts) {
    const json object =
        run({"embed", folder_, "The cat sat.", "the  CAT sat .", "a dog", "--json"}).json();
    EXPECT_EQ(object["dim"], bert_.config.dim);
    EXPECT_EQ(object["pooling"], "mean");
    EXPECT_EQ(object["texts"][0]["tokens"], 6);
    const json& table = object["similarities"];
    ASSERT_EQ(table.size(), 3U);
    EXPECT_NEAR(table[0][0].get<double>(), 1.0, 1e-12);
    EXPECT_NEAR(table[0][1].get<double>(), 1.0, 1e-12);  // the same words
    EXPECT_LT(table[0][2].get<double>(), 0.999);
    EXPECT_EQ(table[0][2], table[2][0]);
    const Outcome shown = run({"embed", folder_, "The cat sat.", "a dog"});
    EXPECT_NE(shown.out.find("cosine"), std::string::npos);
    EXPECT_NE(shown.out.find("  1.000"), std::string::npos);
}

TEST_F(EmbedCommand, PoolsAsTheFilesSay) {
    std::filesystem::create_directories(folder_ + "/1_Pooling");
    std::ofstream(folder_ + "/1_Pooling/config.json")
        << R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})";
    const json object = run({"embed", folder_, "the cat", "--json"}).json();
    EXPECT_EQ(object["pooling"], "cls");
    EXPECT_EQ(vector({folder_, "the cat", "--pooling", "cls"}), vector({folder_, "the cat"}));
    // Formats that can say it do, one that cannot tells the user.
    const std::string file = scratch_.path() + "/cls.gguf";
    const std::string again = scratch_.path() + "/again";
    ASSERT_EQ(run({"model", "convert", "--model", folder_, "--out", file}).code, 0);
    ASSERT_EQ(run({"model", "convert", "--model", file, "--out", again}).code, 0);
    for (const std::string& model : {file, again})
        EXPECT_EQ(run({"embed", model, "the cat", "--json"}).json()["pooling"], "cls") << model;
    const Outcome lost =
        run({"model", "convert", "--model", again, "--out", scratch_.path() + "/cls.cairn"});
    EXPECT_NE(lost.out.find("--pooling cls"), std::string::npos) << lost.out;
}

TEST_F(EmbedCommand, RefusesInSentences) {
    std::string many;
    for (std::uint32_t i = 0; i < bert_.config.context; ++i) many += "the ";
    const Outcome refused = run({"embed", folder_, many});
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.errors.find("--truncate"), std::string::npos) << refused.errors;
    const json cut = run({"embed", folder_, many, "--truncate", "--json"}).json();
    EXPECT_EQ(cut["texts"][0]["tokens"], bert_.config.context);
    EXPECT_EQ(run({"embed", folder_, "a", "--pooling", "nonesuch"}).code, 2);
    EXPECT_EQ(run({"embed"}).code, 2);
    // Where text is needed an encoder is refused, and told what it is good for.
    for (const char* command : {"generate", "chat"}) {
        const Outcome wrong = run({command, "--model", folder_});
        EXPECT_EQ(wrong.code, 1) << command;
        EXPECT_NE(wrong.errors.find("cairn embed"), std::string::npos) << wrong.errors;
    }
    EXPECT_EQ(run({"model", "verify", "--model", folder_, "--against", folder_}).code, 0);
}

TEST_F(EmbedCommand, LanguageModelsGiveTheirLastState) {
    const std::string file = test_data_folder() + "/stories260K/stories260K.bin";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    const json object =
        run({"embed", file, "Once upon a time", "Once upon a day", "The dog ran", "--json"}).json();
    EXPECT_EQ(object["pooling"], "last");
    EXPECT_EQ(object["texts"][0]["vector"].size(), 64U);
    EXPECT_EQ(vector({file, "Once upon a time", "--pooling", "last"}),
              object["texts"][0]["vector"].get<std::vector<float>>());
}

}  // namespace
}  // namespace cairn::cli
