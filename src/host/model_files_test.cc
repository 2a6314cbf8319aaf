// Proves that paths become models with ids of their own, that what is no model is left alone, and
// that files are loaded with their tokenizers.
#include "host/model_files.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "formats/format_test_models.h"
#include "formats/save.h"

namespace cairn::host {
namespace {

std::vector<std::string> ids(const std::vector<std::unique_ptr<ModelSource>>& sources) {
    std::vector<std::string> all;
    for (const auto& source : sources) all.push_back(source->id());
    return all;
}

class ModelFiles : public testing::Test {
  protected:
    ModelFiles() {
        CHECK(make_folders(folder_.path() + "/models/qwen").ok());
        CHECK(make_folders(folder_.path() + "/empty").ok());
        for (const char* name : {"a.gguf", "models/b.gguf", "models/a.cairn", "models/notes.txt",
                                 "models/qwen/config.json"})
            put(name);
    }
    void put(const std::string& name) const {
        CHECK(write_file(folder_.path() + "/" + name, as_bytes("x")).ok());
    }
    std::string at(const std::string& name) const { return folder_.path() + "/" + name; }

    formats::Scratch folder_{"model-files"};
};

TEST_F(ModelFiles, GetIdsOfTheirOwn) {
    const auto sources = model_files({at("a.gguf"), at("models/"), at("models/qwen")}).value();
    EXPECT_EQ(ids(sources), (std::vector<std::string>{"a", "a-2", "b", "qwen", "qwen-2"}));
    const std::vector<bool> starts{true, false, false, false, true};
    for (std::size_t i = 0; i < sources.size(); ++i) {
        EXPECT_EQ(sources[i]->at_start(), starts[i]) << i;
        EXPECT_GT(sources[i]->created_s(), 1'700'000'000);
    }
}

TEST_F(ModelFiles, ThatAreNotThereAreSaid) {
    const auto missing = model_files({at("none.gguf")});
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    const auto nothing = model_files({at("empty")});
    ASSERT_FALSE(nothing.ok());
    EXPECT_EQ(nothing.error().code, ErrorCode::kNotFound);
    // What is no model is found out when it is opened.
    const auto source = model_files({at("a.gguf")}).value();
    EXPECT_FALSE(source[0]->open().ok());
}

TEST_F(ModelFiles, AreLoadedWithTheirTokenizers) {
    const formats::NamedConfig family = formats::family_configs()[0];
    const std::string path = at("tiny.cairn");
    ASSERT_TRUE(formats::save_model(formats::family_model(family.config),
                                    formats::ModelFormat::kCairn, path, {})
                    .ok());
    const auto source = model_files({path}).value();
    const auto opened = source[0]->open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(opened->loaded.format, "cairn");
    EXPECT_EQ(opened->loaded.model.config, family.config);
    ASSERT_NE(opened->tokenizer, nullptr);
    EXPECT_EQ(opened->tokenizer->decode(opened->tokenizer->encode("the cat")), "the cat");
}

}  // namespace
}  // namespace cairn::host
