// A small model in a test's folder, and programs beside the test that serve or ask for it. Only for
// tests.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/chain/test_chain_node.h"
#include "cli/test_child.h"

namespace cairn::cli {

/// Four layers of width 32, trained for two steps: `at("cat.cairn")`.
class SmallModelFixture : public ChainFixture {
  protected:
    std::string at(const std::string& name) const { return folder_ + "/" + name; }

    void train();
    /// What the model writes alone, or over servers that `more` names.
    Outcome generate(const std::vector<std::string>& more) const;
    /// A process of the program that listens; `first` is its first line.
    static std::unique_ptr<Child> start(std::vector<std::string> words, nlohmann::json& first);
};

}  // namespace cairn::cli
