// Compute: what an operator needs besides its operands: which kernels, which threads. Neither can
// change a bit of any result (docs/spec/numerics.md); they only change how long it takes.
//
//   ThreadPool pool(2);
//   ASSIGN_OR_RETURN(const Kernels* kernels, kernels_from_environment());
//   const Compute compute{kernels, &pool};
//   matmul_nt(compute, x, weights, y);
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"

namespace cairn::tensor {

/// The ways to compute the one result. kReference is the definition.
enum class KernelSet { kReference, kScalar, kAvx2, kAvx512, kNeon };

/// The table of functions of one kernel set; see tensor/kernels.h.
struct Kernels;

struct Compute {
    const Kernels* kernels = nullptr;
    ThreadPool* pool = nullptr;
};

/// "reference", "scalar", "avx2", "avx512", "neon".
std::string_view kernel_set_name(KernelSet set);
Result<KernelSet> parse_kernel_set(std::string_view name);

/// Whether this build has the set and this processor can run it.
bool kernel_set_available(KernelSet set);
/// All of them, the definition first, the fastest last.
std::vector<KernelSet> available_kernel_sets();

/// The set's table; kUnsupported if this processor or build lacks it.
Result<const Kernels*> kernels_for(KernelSet set);
/// The set named by the environment variable CAIRN_KERNELS, else the fastest available one. Ask
/// once, at start. Also puts the calling thread into the floating-point mode of base/float_mode.h.
Result<const Kernels*> kernels_from_environment();
/// Which set a table belongs to.
KernelSet kernel_set_of(const Kernels& kernels);

}  // namespace cairn::tensor
