// `cairn demo`: three nodes with different private books, as separate processes on loopback,
// train one model through a proof-of-work chain; then two processes that hold half of the layers
// each answer a prompt, and a fourth node joins late and arrives at the same model.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct DemoOptions {
    std::string directory;      ///< empty: a new folder under the temporary one
    std::uint32_t blocks = 20;  ///< merge blocks to reach
    std::uint64_t seed = 1;     ///< of weights and training data order
    std::uint16_t port = 8420;  ///< of the dashboard; 0: any
    bool headless = false;      ///< no live screen; ends by itself
    bool json = false;          ///< the last line is one JSON object
    std::string prompt = "And the LORD said unto";
};

/// Runs to the end, or until Ctrl-C. kCancelled after Ctrl-C before the end was reached.
Status run_demo(const DemoOptions& options);

}  // namespace cairn::cli
