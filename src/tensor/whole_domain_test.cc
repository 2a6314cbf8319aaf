// Proves, in the slow tier (CAIRN_SLOW=1), that erf and GELU have one hash over all 2^32 inputs,
// and that every kernel set's exp and GELU have the reference's. CAIRN_KERNELS chooses one set.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr std::size_t kBatch = 1 << 16;
using Map = void (*)(const Kernels& kernels, std::vector<float>& x);

/// FNV-1a over the results for every `step`-th bit pattern.
std::uint64_t hash_over(std::uint64_t step, const Kernels& kernels, Map map) {
    std::uint64_t hash = 0xcbf29ce484222325;
    std::vector<float> x;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32);) {
        x.clear();
        for (; x.size() < kBatch && bits < (std::uint64_t{1} << 32); bits += step)
            x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
        map(kernels, x);
        hash = fnv1a(x, hash);
    }
    return hash;
}

void exp_map(const Kernels& kernels, std::vector<float>& x) {
    kernels.exp(x.size(), x.data(), x.data());
}

void erf_map(const Kernels&, std::vector<float>& x) {
    for (float& value : x) value = erf_f32(value);
}

template <GeluForm kForm>
void gelu_map(const Kernels& kernels, std::vector<float>& x) {
    kernels.gelu_forward(kForm, x.size(), x.data(), x.data());
}

template <GeluForm kForm>
void slope_map(const Kernels& kernels, std::vector<float>& x) {
    static const std::vector<float> kOnes(kBatch, 1.0F);
    kernels.gelu_backward(kForm, x.size(), kOnes.data(), x.data(), x.data());
}

struct Domain {
    const char* name;
    Map map;
    std::uint64_t sampled;  ///< the hash over every 4099th input
};

constexpr Domain kDomains[] = {
    {"exp", exp_map, 17174770173519016859U},
    {"erf", erf_map, 14709406632566004219U},
    {"gelu_erf", gelu_map<GeluForm::kErf>, 1520560710754926970U},
    {"gelu_tanh", gelu_map<GeluForm::kTanh>, 3659424129631127458U},
    {"gelu_erf_slope", slope_map<GeluForm::kErf>, 17236340068995794426U},
    {"gelu_tanh_slope", slope_map<GeluForm::kTanh>, 16586533087690061229U},
};

std::vector<KernelSet> chosen_sets() {
    if (std::getenv("CAIRN_KERNELS") == nullptr) return available_kernel_sets();
    return {kernel_set_of(**kernels_from_environment())};
}

TEST(WholeDomain, SampledHashes) {
    for (const KernelSet set : chosen_sets())
        for (const Domain& domain : kDomains)
            EXPECT_EQ(hash_over(4099, **kernels_for(set), domain.map), domain.sampled)
                << domain.name << ' ' << kernel_set_name(set);
}

TEST(WholeDomain, AllInputs) {
    if (std::getenv("CAIRN_SLOW") == nullptr)
        GTEST_SKIP() << "all 2^32 inputs take minutes: set CAIRN_SLOW=1";
    for (const Domain& domain : kDomains) {
        const std::uint64_t expected = hash_over(1, *reference_kernels(), domain.map);
        for (const KernelSet set : chosen_sets())
            EXPECT_EQ(hash_over(1, **kernels_for(set), domain.map), expected)
                << domain.name << ' ' << kernel_set_name(set);
    }
}

}  // namespace
}  // namespace cairn::tensor
