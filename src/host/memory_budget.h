// MemoryBudget: what a host's models may take, and what they take. Bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cairn::host {

struct MemoryBudget {
    std::uint64_t limit = 0;
    std::uint64_t weights = 0;  ///< of models in memory, with what their batches compute in
    std::uint64_t kv = 0;       ///< reserved for texts being written
    std::uint64_t prefix = 0;   ///< of prompts computed before

    std::uint64_t used() const { return weights + kv + prefix; }
    std::uint64_t free() const { return limit - std::min(limit, used()); }
};

}  // namespace cairn::host
