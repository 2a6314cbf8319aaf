// The self-check of a machine: every group of operators computed by every kernel set that it can
// run, and a hash of the bits beside the recorded one. It takes a fraction of a second, so a
// program may run it before it trusts a processor, a compiler or a virtual machine. The full proof
// is the test suite's (kernel_sets_test.cc, golden_test.cc).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/compute.h"

namespace cairn::tensor {

struct SelfCheckFinding {
    KernelSet set{};
    std::string group;  ///< "products", "attention", ...
    std::uint64_t expected = 0;
    std::uint64_t found = 0;

    bool passed() const { return expected == found; }
};

/// All groups under every available set, on the threads of `pool`.
std::vector<SelfCheckFinding> self_check(ThreadPool& pool);

}  // namespace cairn::tensor
