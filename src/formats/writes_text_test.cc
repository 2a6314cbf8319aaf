// Proves that a model that writes and an encoder are told apart without being loaded, in every
// format that has a description, and that anything else is left open.
#include "formats/writes_text.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "formats/format_test_models.h"
#include "formats/save.h"

namespace cairn::formats {
namespace {

TEST(WritesText, IsReadFromTheDescription) {
    const Scratch folder("writes-text");
    int writers = 0, encoders = 0;
    for (const NamedConfig& family : family_configs()) {
        SCOPED_TRACE(family.name);
        const model::ModelConfig& config = family.config;
        const model::Model model =
            model::make_model(config, model::large_parameters(model::ParameterLayout(config), 1));
        const std::string name = folder.path() + "/" + family.name;
        if (save_model(model, ModelFormat::kGguf, name + ".gguf", {}).ok()) {
            EXPECT_EQ(writes_text(name + ".gguf"), config.has_head());
        }
        if (save_model(model, ModelFormat::kHuggingFace, name, {}).ok()) {
            EXPECT_EQ(writes_text(name), config.has_head());
        }
        ++(config.has_head() ? writers : encoders);
    }
    EXPECT_GT(writers, 0);
    EXPECT_GT(encoders, 0);
    ASSERT_TRUE(write_file(folder.path() + "/odd.gguf", as_bytes("x")).ok());
    EXPECT_EQ(writes_text(folder.path() + "/odd.gguf"), std::nullopt);
    EXPECT_EQ(writes_text(folder.path()), std::nullopt);
}

}  // namespace
}  // namespace cairn::formats
