// Proves over sampled inputs, and over all 2^32 in the slow tier (CAIRN_SLOW=1), that every
// elementary function has one hash, is as near to the exact value as promised, and is the same in
// every kernel set. CAIRN_KERNELS chooses one set.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>
#include <thread>

#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

// The patterns are hashed in pieces, so that threads can share them.
constexpr std::uint64_t kPieces = 1024, kPiece = (std::uint64_t{1} << 32) / kPieces;
constexpr std::size_t kBatch = 1 << 12;
constexpr std::uint64_t kSampleStep = 2039;
// The scalar set takes as long as all the others together: all inputs of it are every 17th.
constexpr std::uint64_t kScalarStep = 17;

using Values = std::vector<float>;

struct Domain {
    const char* name;
    void (*map)(const Kernels& kernels, const Values& x, Values& y);
    bool per_set;  ///< kernel sets have code of their own for it

    // Accuracy, for x in [lowest, highest]; below lowest the result is a zero by definition.
    double (*exact)(double x);
    float lowest, highest;
    double ulp;  ///< the largest error, over all inputs

    std::uint64_t sampled, all;  ///< hashes
};

void PrintTo(const Domain& domain, std::ostream* out) { *out << domain.name; }

template <float (*kFunction)(float)>
void each(const Kernels&, const Values& x, Values& y) {
    std::transform(x.begin(), x.end(), y.begin(), kFunction);
}

void exp_map(const Kernels& kernels, const Values& x, Values& y) {
    kernels.exp(x.size(), x.data(), y.data());
}

/// x * sigmoid(x): where the sets compute a sigmoid.
void silu_map(const Kernels& kernels, const Values& x, Values& y) {
    static const Values kOnes(kBatch, 1.0F);
    kernels.swiglu_forward(x.size(), x.data(), kOnes.data(), y.data());
}

template <GeluForm kForm>
void gelu_map(const Kernels& kernels, const Values& x, Values& y) {
    kernels.gelu_forward(kForm, x.size(), x.data(), y.data());
}

template <GeluForm kForm>
void slope_map(const Kernels& kernels, const Values& x, Values& y) {
    static const Values kOnes(kBatch, 1.0F);
    kernels.gelu_backward(kForm, x.size(), kOnes.data(), x.data(), y.data());
}

// libm's doubles are exact enough to judge floats.
double exact_exp(double x) { return std::exp(x); }
double exact_log(double x) { return std::log(x); }
double exact_tanh(double x) { return std::tanh(x); }
double exact_sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double exact_erf(double x) { return std::erf(x); }
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x * std::sqrt(0.5)); }
double exact_gelu_tanh(double x) {
    constexpr double kTwoRootTwoOverPi = 0x1.9884533d43651p+0;
    return x / (1.0 + std::exp(-kTwoRootTwoOverPi * (x + 0.044715 * x * x * x)));
}

constexpr float kMost = std::numeric_limits<float>::max();
constexpr float kLeast = std::numeric_limits<float>::denorm_min();

// Sigmoid's formula is SwiGLU's, e/(1+e) with three roundings: 2.41 where they all add up.
constexpr Domain kDomains[] = {
    {"exp", exp_map, true, exact_exp, -87.0F, kMost, 0.92, 7698986013813973616U,
     0x1984323fc9906df0},
    {"log", each<log_f32>, false, exact_log, kLeast, kMost, 0.88, 1286239657483922949U,
     0x6d8d1ddb32736612},
    {"tanh", each<tanh_f32>, false, exact_tanh, -kMost, kMost, 1.38, 13163900738868609906U,
     0x9d7a04ecba6003fe},
    {"sigmoid", each<sigmoid_f32>, false, exact_sigmoid, -87.0F, kMost, 2.42, 12182163289896459700U,
     0xff683d3c166bfbee},
    {"erf", each<erf_f32>, false, exact_erf, -kMost, kMost, 1.21, 2133772853124375589U,
     0xf7e56022d99b7e15},
    {"gelu", gelu_map<GeluForm::kErf>, true, exact_gelu, -13.1F, kMost, 1.67, 10433852332314965961U,
     0x823e18332c236db9},
    {"gelu_tanh", gelu_map<GeluForm::kTanh>, true, exact_gelu_tanh, -9.9F, kMost, 1.96,
     6349360436590949021U, 0x669c863f0c0845e1},
    {"silu", silu_map, true, nullptr, 0, 0, 0, 13576636289672912118U, 0xd91eea48a0bc6ae4},
    {"gelu_slope", slope_map<GeluForm::kErf>, true, nullptr, 0, 0, 0, 11606997569384060819U,
     0x233e61c1f8cc3b3d},
    {"gelu_tanh_slope", slope_map<GeluForm::kTanh>, true, nullptr, 0, 0, 0, 14438539696061267303U,
     0x3a45f1126f374a7b},
};

/// How far `found` is from `exact`, in units of the last place of exact as a float.
double ulps(float found, double exact) {
    const auto nearest = static_cast<float>(exact);
    if (std::isinf(nearest) || std::isinf(found)) return found == nearest ? 0.0 : 1e9;
    constexpr std::uint64_t kExponent = 0x7FF0000000000000;
    const double binade = std::bit_cast<double>(std::bit_cast<std::uint64_t>(exact) & kExponent);
    return std::fabs(static_cast<double>(found) - exact) / (std::max(binade, 0x1p-126) * 0x1p-23);
}

struct Found {
    std::uint64_t hash = 0xcbf29ce484222325;
    double error = 0.0;
    float at = 0.0F;         ///< where the error is largest
    std::string difference;  ///< the first of a set against the reference
};

void measure(const Domain& domain, const Values& x, const Values& y, Found& found) {
    if (domain.exact == nullptr) return;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!(x[i] >= domain.lowest && x[i] <= domain.highest)) continue;
        const double error = ulps(y[i], domain.exact(static_cast<double>(x[i])));
        if (error <= found.error) continue;
        found.error = error;
        found.at = x[i];
    }
}

void compare(const Domain& domain, const Kernels& kernels, const Values& x, const Values& expected,
             Found& found) {
    Values y(x.size());
    domain.map(kernels, x, y);
    const std::string difference = bits_differ(y, expected);
    if (!difference.empty() && found.difference.empty())
        found.difference = std::string(kernel_set_name(kernels.set)) + ", " + difference;
}

/// Every `step`-th bit pattern of the piece: the reference measured and hashed, the sets compared.
Found sweep(const Domain& domain, std::span<const Kernels* const> sets, std::uint64_t piece,
            std::uint64_t step) {
    Found found;
    Values x, y, thin_x, thin_y;
    for (std::uint64_t bits = piece * kPiece; bits < (piece + 1) * kPiece;) {
        x.clear();
        for (; x.size() < kBatch && bits < (piece + 1) * kPiece; bits += step)
            x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
        y.resize(x.size());
        domain.map(*reference_kernels(), x, y);
        found.hash = fnv1a(y, found.hash);
        measure(domain, x, y, found);
        thin_x.clear(), thin_y.clear();
        for (std::size_t i = 0; i < x.size(); i += step == 1 ? kScalarStep : 1)
            thin_x.push_back(x[i]), thin_y.push_back(y[i]);
        for (const Kernels* kernels : sets)
            if (kernels->set == KernelSet::kScalar)
                compare(domain, *kernels, thin_x, thin_y, found);
            else
                compare(domain, *kernels, x, y, found);
    }
    return found;
}

/// The sets to compare with the reference.
std::vector<const Kernels*> chosen_sets() {
    if (std::getenv("CAIRN_KERNELS") != nullptr) return {*kernels_from_environment()};
    std::vector<const Kernels*> sets;
    for (const KernelSet set : available_kernel_sets())
        if (set != KernelSet::kReference) sets.push_back(*kernels_for(set));
    return sets;
}

class WholeDomain : public testing::TestWithParam<Domain> {
  protected:
    Found run(std::uint64_t step) {
        const auto sets = GetParam().per_set ? chosen_sets() : std::vector<const Kernels*>{};
        std::vector<Found> pieces(kPieces);
        ThreadPool pool(std::max(1U, std::thread::hardware_concurrency()));
        pool.parallel_for(kPieces, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) pieces[i] = sweep(GetParam(), sets, i, step);
        });
        Found all;
        for (const Found& piece : pieces) {
            for (int shift = 0; shift < 64; shift += 8)
                all.hash = (all.hash ^ (piece.hash >> shift & 0xFF)) * 0x100000001b3;
            if (piece.error > all.error) all.error = piece.error, all.at = piece.at;
            if (all.difference.empty()) all.difference = piece.difference;
        }
        EXPECT_EQ(all.difference, "");
        EXPECT_LE(all.error, GetParam().ulp) << "at " << all.at;
        return all;
    }
};

TEST_P(WholeDomain, SampledInputs) { EXPECT_EQ(run(kSampleStep).hash, GetParam().sampled); }

TEST_P(WholeDomain, AllInputs) {
    if (std::getenv("CAIRN_SLOW") == nullptr)
        GTEST_SKIP() << "all 2^32 inputs take minutes: set CAIRN_SLOW=1";
    const Found all = run(1);
    EXPECT_EQ(all.hash, GetParam().all);
    std::printf("%s: hash %016llx", GetParam().name, static_cast<unsigned long long>(all.hash));
    if (GetParam().exact != nullptr)
        std::printf(", largest error %.3f ulp at %a", all.error, static_cast<double>(all.at));
    std::printf("\n");
}

INSTANTIATE_TEST_SUITE_P(All, WholeDomain, testing::ValuesIn(kDomains),
                         [](const auto& domain) { return std::string(domain.param.name); });

}  // namespace
}  // namespace cairn::tensor
