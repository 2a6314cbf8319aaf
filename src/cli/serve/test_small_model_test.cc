// Defines what test_small_model.h declares, for this folder's tests; proves nothing by itself.
#include "cli/serve/test_small_model.h"

#include <nlohmann/json.hpp>

namespace cairn::cli {

Outcome train_small(const std::string& text, const std::string& out, const SmallShape& shape) {
    return run({"train",
                "--text",
                text,
                "--out",
                out,
                "--steps",
                "2",
                "--context",
                "64",
                "--dim",
                std::to_string(shape.dim),
                "--layers",
                std::to_string(shape.layers),
                "--heads",
                "2",
                "--vocab",
                std::to_string(shape.vocab),
                "--threads",
                "1",
                "--json"});
}

void SmallModelFixture::train() {
    const Outcome trained = train_small(at("private.txt"), at("cat.cairn"));
    ASSERT_EQ(trained.code, 0) << trained.errors;
}

Outcome SmallModelFixture::generate(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"generate", "--model", at("cat.cairn"), "--prompt", "The",
                                      "--steps",  "12",      "--threads",     "1",        "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
}

}  // namespace cairn::cli
