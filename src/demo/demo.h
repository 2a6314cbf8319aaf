// `cairn demo`: three nodes with different private books, as separate processes on loopback,
// train one model through a proof-of-work chain; then two processes that hold half of the layers
// each answer a prompt, and a fourth node joins late and arrives at the same model.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::demo {

struct DemoOptions {
    std::string directory;      ///< empty: a new folder under the temporary one
    std::uint32_t blocks = 20;  ///< merge blocks to reach
    std::uint64_t seed = 1;     ///< of weights and training data order
    std::uint16_t port = 8420;  ///< of the dashboard; 0: any
    bool headless = false;      ///< no live screen; ends by itself
    bool json = false;          ///< one JSON object on standard output, the rest on standard error
    bool keep = false;          ///< a temporary folder stays when the demo ends
    std::string work;           ///< what miners compute, as chain::kWorkNames; empty: the preset's
    std::string prompt = "And the LORD said unto";
};

/// Runs to the end, or until it is asked to stop (Ctrl-C, SIGTERM, the terminal closed): kCancelled
/// where that came before the end. Its processes have ended when it returns, and a temporary folder
/// is gone unless it is to be kept or something failed.
Status run_demo(const DemoOptions& options, std::ostream& out);

}  // namespace cairn::demo
