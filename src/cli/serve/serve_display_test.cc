// Proves that `cairn serve` lists what it serves, and does not list as if it served it what could
// not be loaded.
#include "cli/serve/serve_display.h"

#include <gtest/gtest.h>

#include <sstream>

namespace cairn::cli {
namespace {

TEST(ServeDisplay, ListsWhatWasLoadedAndNothingElse) {
    std::ostringstream out;
    ServeDisplay display(false, true, out);
    host::HostedModel model;
    model.id = "broken";
    model.state = host::ModelState::kFailed;
    display.loaded(model);
    EXPECT_EQ(out.str(), "");
    model.id = "whole";
    model.format = "gguf";
    model.state = host::ModelState::kReady;
    display.loaded(model);
    EXPECT_EQ(out.str().find("  whole  gguf, 0.0 million parameters"), 0U) << out.str();
}

}  // namespace
}  // namespace cairn::cli
