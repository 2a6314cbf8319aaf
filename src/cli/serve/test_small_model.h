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

/// A model trained for two steps on the text file, context 64, as `cairn train --json` answers.
struct SmallShape {
    int layers = 4;
    int dim = 32;
    int vocab = 280;
};
Outcome train_small(const std::string& text, const std::string& out, const SmallShape& shape = {});

/// Four layers of width 32: `at("cat.cairn")`.
class SmallModelFixture : public ChainFixture {
  protected:
    std::string at(const std::string& name) const { return folder_ + "/" + name; }

    void train();
    /// What the model writes alone, or over servers that `more` names.
    Outcome generate(const std::vector<std::string>& more) const;
};

}  // namespace cairn::cli
