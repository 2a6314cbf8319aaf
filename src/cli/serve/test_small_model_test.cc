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

std::unique_ptr<Child> SmallModelFixture::start(std::vector<std::string> words,
                                                nlohmann::json& first) {
    if (words.front() == "node") words.insert(words.end(), {"--map-port", "off"});
    words.push_back("--json");
    auto child = std::make_unique<Child>([words] { return Child::cairn(words); }, false);
    const auto line = [&] {
        const std::size_t begin = child->output().find('{');
        const std::size_t end = child->output().find('\n', begin);
        if (begin == std::string::npos || end == std::string::npos) return std::string();
        return child->output().substr(begin, end - begin);
    };
    EXPECT_TRUE(wait_for([&] {
        (void)child->reads("\n");
        return !line().empty();
    })) << child->output();
    first = nlohmann::json::parse(line(), nullptr, false);
    return child;
}

}  // namespace cairn::cli
