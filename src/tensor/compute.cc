#include "tensor/compute.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/float_mode.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

constexpr KernelSet kAll[] = {KernelSet::kReference, KernelSet::kScalar, KernelSet::kNeon,
                              KernelSet::kAvx2, KernelSet::kAvx512};

#if defined(__x86_64__)
/// Clang 14's __builtin_cpu_supports does not know the name.
bool has_f16c() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

bool cpu_can_run(KernelSet set) {
#if defined(__x86_64__)
    if (set == KernelSet::kAvx2)
        return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
               has_f16c();
    if (set == KernelSet::kAvx512)
        return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
               has_f16c() && __builtin_cpu_supports("avx512f") != 0 &&
               __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
               __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
#endif
    return set == KernelSet::kReference || set == KernelSet::kScalar || set == KernelSet::kNeon;
}

const Kernels* table_of(KernelSet set) {
    switch (set) {
        case KernelSet::kReference:
            return reference_kernels();
        case KernelSet::kScalar:
            return scalar_kernels();
        case KernelSet::kAvx2:
            return avx2_kernels();
        case KernelSet::kAvx512:
            return avx512_kernels();
        case KernelSet::kNeon:
            return neon_kernels();
    }
    return nullptr;
}

}  // namespace

std::string_view kernel_set_name(KernelSet set) {
    switch (set) {
        case KernelSet::kReference:
            return "reference";
        case KernelSet::kScalar:
            return "scalar";
        case KernelSet::kAvx2:
            return "avx2";
        case KernelSet::kAvx512:
            return "avx512";
        case KernelSet::kNeon:
            return "neon";
    }
    return "unknown";
}

Result<KernelSet> parse_kernel_set(std::string_view name) {
    for (const KernelSet set : kAll)
        if (name == kernel_set_name(set)) return set;
    return invalid("unknown kernel set '" + std::string(name) +
                   "'; the sets are reference, scalar, avx2, avx512, neon");
}

bool kernel_set_available(KernelSet set) { return cpu_can_run(set) && table_of(set) != nullptr; }

std::vector<KernelSet> available_kernel_sets() {
    std::vector<KernelSet> sets;
    for (const KernelSet set : kAll)
        if (kernel_set_available(set)) sets.push_back(set);
    return sets;
}

Result<const Kernels*> kernels_for(KernelSet set) {
    if (kernel_set_available(set)) return table_of(set);
    std::string names;
    for (const KernelSet available : available_kernel_sets())
        names.append(names.empty() ? "" : ", ").append(kernel_set_name(available));
    return Error{ErrorCode::kUnsupported, "kernel set '" + std::string(kernel_set_name(set)) +
                                              "' does not run on this machine; these do: " + names};
}

Result<const Kernels*> kernels_from_environment() {
    set_float_mode();
    const char* name = std::getenv("CAIRN_KERNELS");
    if (name == nullptr || *name == '\0') return kernels_for(available_kernel_sets().back());
    const Result<KernelSet> set = parse_kernel_set(name);
    if (!set.ok()) return invalid("CAIRN_KERNELS: " + set.error().message);
    return kernels_for(*set);
}

KernelSet kernel_set_of(const Kernels& kernels) { return kernels.set; }

float* thread_scratch(std::size_t count, Scratch purpose) {
    constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(float* memory) const { ::operator delete[](memory, kAlignment); }
    };
    struct Block {
        std::unique_ptr<float[], Free> memory;
        std::size_t size = 0;
    };
    thread_local Block blocks[2];
    Block& block = blocks[static_cast<std::size_t>(purpose)];
    if (count > block.size) {
        block.memory.reset();
        block.memory.reset(
            static_cast<float*>(::operator new[](count * sizeof(float), kAlignment)));
        block.size = count;
    }
    return block.memory.get();
}

}  // namespace cairn::tensor
