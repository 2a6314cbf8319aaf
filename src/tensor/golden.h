// Tools of the golden tests: which kernel sets and thread counts compute the golden bits, and the
// lines that tools/golden-matrix reads. golden_test.cc has the table of operators; the libraries
// above this one have tests whose names end in GoldenBits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "tensor/compute.h"

namespace cairn::tensor {

struct Golden {
    const char* name;
    std::uint64_t (*run)(const Compute& compute);
    std::uint64_t expected;
};

/// LayerNorm, biases, GELU, positions, attention without a mask, scaled RoPE, log-probabilities.
std::span<const Golden> gpt_goldens();

/// The kernel set that CAIRN_KERNELS names, else all that this machine can run.
inline std::vector<KernelSet> golden_sets() {
    const char* name = std::getenv("CAIRN_KERNELS");
    if (name == nullptr || *name == '\0') return available_kernel_sets();
    const Result<const Kernels*> kernels = kernels_from_environment();
    CHECK(kernels.ok());
    return {kernel_set_of(**kernels)};
}

/// The numbers of threads that CAIRN_GOLDEN_THREADS lists ("1,2,5"), else `otherwise`.
inline std::vector<std::size_t> golden_threads(std::vector<std::size_t> otherwise) {
    const char* text = std::getenv("CAIRN_GOLDEN_THREADS");
    if (text == nullptr || *text == '\0') return otherwise;
    std::vector<std::size_t> counts;
    for (std::string_view rest = text;;) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        const auto count = parse_whole(rest.substr(0, end), "CAIRN_GOLDEN_THREADS");
        CHECK(count.ok() && *count > 0);
        counts.push_back(*count);
        if (end == rest.size()) return counts;
        rest.remove_prefix(end + 1);
    }
}

/// With CAIRN_GOLDEN_PRINT set, a line for tools/golden-matrix.
inline void print_golden(const std::string& name, const Compute& compute, std::uint64_t hash) {
    if (std::getenv("CAIRN_GOLDEN_PRINT") == nullptr) return;
    const std::string set(kernel_set_name(kernel_set_of(*compute.kernels)));
    std::printf("golden %s %s %zu %016llx\n", name.c_str(), set.c_str(), compute.pool->size(),
                static_cast<unsigned long long>(hash));
}

}  // namespace cairn::tensor
