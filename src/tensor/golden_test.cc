// Pins every rule and operator of numerics version 1: hashes over the bits of results for inputs
// from Philox, the same for every kernel set, compiler, optimisation level and processor. A change
// here is a new numerics version.
#include <gtest/gtest.h>

#include "tensor/adamw.h"
#include "tensor/attention_case.h"
#include "tensor/elementary.h"
#include "tensor/elementwise.h"
#include "tensor/embedding.h"
#include "tensor/golden.h"
#include "tensor/kernels.h"
#include "tensor/kv_type.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/reduce.h"
#include "tensor/rope.h"
#include "tensor/sample.h"
#include "tensor/swiglu.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

using Values = std::vector<float>;
using Hash = std::uint64_t;

/// Rows of fixed shapes, large enough for two chunks of 256 and odd at every edge.
constexpr std::size_t kRows = 300, kIn = 270, kOut = 45;

Hash products_nt(const Compute& compute) {
    const Values a = normal_values(kRows * kIn, 1), b = normal_values(kOut * kIn, 2);
    Values c(kRows * kOut);
    matmul_nt(compute, {a.data(), kRows, kIn}, {b.data(), kOut, kIn}, {c.data(), kRows, kOut});
    return fnv1a(c);
}

Hash products_nn(const Compute& compute) {
    const Values a = normal_values(kRows * kIn, 3), b = normal_values(kIn * kOut, 4);
    Values c(kRows * kOut);
    matmul_nn(compute, {a.data(), kRows, kIn}, {b.data(), kIn, kOut}, {c.data(), kRows, kOut});
    return fnv1a(c);
}

Hash products_tn(const Compute& compute) {
    const Values a = normal_values(kRows * kIn, 5), b = normal_values(kRows * kOut, 6);
    Values c = normal_values(kIn * kOut, 7);
    matmul_tn_accumulate(compute, {a.data(), kRows, kIn}, {b.data(), kRows, kOut},
                         {c.data(), kIn, kOut});
    return fnv1a(c);
}

Hash reductions(const Compute& compute) {
    const Values x = normal_values(9001, 8), y = normal_values(9001, 9);
    Values results;
    for (const std::size_t count : {5UL, 16UL, 96UL, 4096UL, 9001UL}) {
        results.push_back(reduce_sum(compute, count, x.data()));
        results.push_back(reduce_sumsq(compute, count, x.data()));
        results.push_back(reduce_dot(compute, count, x.data(), y.data()));
    }
    return fnv1a(results);
}

Hash elementwise(const Compute& compute) {
    Values x = normal_values(1003, 10), y = normal_values(1003, 11);
    add(compute, x.size(), x.data(), y.data(), x.data());
    scale(compute, x.size(), 0.3F, x.data());
    return fnv1a(x);
}

Hash elementary(const Compute& compute) {
    const Values x = normal_values(5003, 12, 20.0);
    Values e(x.size()), rest;
    compute.kernels->exp(x.size(), x.data(), e.data());
    for (const float v : x) {
        rest.push_back(exp_f32(v));
        rest.push_back(log_f32(v));
        rest.push_back(tanh_f32(v * 0.1F));
        rest.push_back(sigmoid_f32(v));
    }
    return fnv1a(rest, fnv1a(e));
}

Hash doubles(const Compute&) {
    Values results;
    for (int i = -2000; i <= 2000; ++i) {
        const double x = static_cast<double>(i) * 0.37;
        results.push_back(static_cast<float>(sin_f64(x)));
        results.push_back(static_cast<float>(cos_f64(x * 100.0)));
        results.push_back(static_cast<float>(exp2_f64(x * 0.1)));
        results.push_back(static_cast<float>(exp_f64(x * 0.1)));
        results.push_back(static_cast<float>(log_f64(x * x + 1e-3)));
        results.push_back(static_cast<float>(pow_f64(10000.0, x * 0.01)));
    }
    return fnv1a(results);
}

Hash rmsnorm(const Compute& compute) {
    const std::size_t columns = 101;
    const Values x = normal_values(kRows * columns, 13), dy = normal_values(kRows * columns, 14);
    const Values gamma = normal_values(columns, 15);
    Values y(x.size()), dx(x.size()), rstd(kRows), dgamma(columns, 0.0F);
    const ConstMatrix x_view(x.data(), kRows, columns), dy_view(dy.data(), kRows, columns);
    rmsnorm_forward(compute, x_view, gamma.data(), 1e-5F, {y.data(), kRows, columns}, rstd.data());
    rmsnorm_backward(compute, dy_view, x_view, gamma.data(), rstd.data(),
                     {dx.data(), kRows, columns}, dgamma.data());
    return fnv1a(dgamma, fnv1a(dx, fnv1a(rstd, fnv1a(y))));
}

Hash swiglu(const Compute& compute) {
    const std::size_t n = 4001;
    const Values gate = normal_values(n, 16, 4.0), up = normal_values(n, 17);
    const Values dh = normal_values(n, 18);
    Values h(n), dgate(n), dup(n);
    swiglu_forward(compute, n, gate.data(), up.data(), h.data());
    swiglu_backward(compute, n, dh.data(), gate.data(), up.data(), dgate.data(), dup.data());
    return fnv1a(dup, fnv1a(dgate, fnv1a(h)));
}

Hash rope(const Compute& compute) {
    const std::size_t tokens = 130, columns = 3 * 24;
    const RopeTable table = make_rope_table(24, 10000.0, 140);
    Values x = normal_values(2 * tokens * columns, 19), y = x;
    const Matrix x_view(x.data(), 2 * tokens, columns), y_view(y.data(), 2 * tokens, columns);
    rope_forward(compute, table, RopePairing::kInterleaved, {tokens, 10}, x_view);
    rope_forward(compute, table, RopePairing::kHalves, {tokens, 0}, y_view);
    const Hash forward = fnv1a(y, fnv1a(x));
    rope_backward(compute, table, RopePairing::kHalves, {tokens, 3}, x_view);
    return fnv1a(x, forward);
}

Hash attention(const Compute& compute) {
    return fnv1a(AttentionCase({2, 139, 0, 4, 2, 24}, 20).run(compute));
}

Hash loss(const Compute& compute) {
    const std::size_t vocab = 513;
    Values z = normal_values(kRows * vocab, 24, 3.0), losses(kRows);
    const auto targets = id_values(kRows, vocab, 25);
    const Matrix view(z.data(), kRows, vocab);
    cross_entropy(compute, view, targets, losses.data(), view);
    Hash hash = fnv1a(z, fnv1a(losses));
    hash ^= static_cast<Hash>(sum_losses_fixed(losses));
    for (const float g : z) hash = hash * 31 + static_cast<Hash>(gradient_to_fixed(g, 24));
    return hash;
}

Hash embedding(const Compute& compute) {
    const std::size_t vocab = 50, columns = 33;
    const auto ids = id_values(kRows, vocab, 26);
    const Values table = normal_values(vocab * columns, 27);
    Values x(kRows * columns), gradient(table.size(), 0.0F);
    embedding_forward(compute, {table.data(), vocab, columns}, ids, {x.data(), kRows, columns});
    embedding_backward_accumulate(compute, ids, {x.data(), kRows, columns},
                                  {gradient.data(), vocab, columns});
    return fnv1a(gradient, fnv1a(x));
}

Hash optimiser(const Compute& compute) {
    Values p = normal_values(5001, 28), m(p.size()), v(p.size());
    for (std::uint64_t step = 1; step <= 5; ++step) {
        Values g = normal_values(p.size(), 28 + step, 0.1);
        const std::span<const float> tensors[] = {std::span(g).first(4000), std::span(g).last(99)};
        scale(compute, g.size(), clip_factor(global_norm(compute, tensors), 1.0F), g.data());
        adamw_update(compute, adamw_coefficients({}, step), true, p.size(), g.data(), p.data(),
                     m.data(), v.data());
    }
    return fnv1a(v, fnv1a(m, fnv1a(p)));
}

Hash sampling(const Compute& compute) {
    Hash hash = 0;
    const SampleSettings settings{.temperature = 0.8F,
                                  .top_k = 200,
                                  .top_p = 0.95F,
                                  .min_p = 0.01F,
                                  .repetition_penalty = 1.1F,
                                  .seed = 11};
    for (std::uint64_t position = 0; position < 100; ++position) {
        const Values z = normal_values(777, 40 + position, 3.0);
        const auto history = id_values(20, 777, position);
        hash = hash * 1000003 + *sample(compute, z, history, settings, position);
    }
    return hash;
}

Hash narrow_types(const Compute&) {
    Values x = normal_values(3001, 41, 1e3), y = normal_values(3001, 42, 1e-6);
    Values z = x;
    round_to_kv_type(KvType::kF16, x.size(), x.data());
    round_to_kv_type(KvType::kF16, y.size(), y.data());
    round_to_kv_type(KvType::kBf16, z.size(), z.data());
    return fnv1a(z, fnv1a(y, fnv1a(x)));
}

Hash chance(const Compute&) {
    Values uniform(1001);
    philox_uniform(1, 2, -0.5F, 3.0F, uniform);
    return fnv1a(uniform, fnv1a(normal_values(100001, 43, 0.02)));
}

constexpr Golden kGoldens[] = {
    {"products_nt", products_nt, 0x19b1c69eb94ecc93},
    {"products_nn", products_nn, 0xb626ec7ebe4652b1},
    {"products_tn", products_tn, 0xe3d5ae2dc46c1bc2},
    {"reductions", reductions, 0xe0cc297a2cdbfb30},
    {"elementwise", elementwise, 0xe14adb39c187cb69},
    {"elementary", elementary, 0x90e6778b5e9b05d0},
    {"doubles", doubles, 0x3e6e3a96544c9ec4},
    {"rmsnorm", rmsnorm, 0xe9d5871c8f939fc4},
    {"swiglu", swiglu, 0xbf1af2e1379757c7},
    {"rope", rope, 0xccccbb77fc137558},
    {"attention", attention, 0xc4e335b5ccc2c0a0},
    {"loss", loss, 0x21a0eb34e16a463},
    {"embedding", embedding, 0xef4c950a616fbc4d},
    {"optimiser", optimiser, 0x9b2de0883f0ce941},
    {"sampling", sampling, 0x9a0ff91a7e5bdfb6},
    {"narrow_types", narrow_types, 0xaf1394d96de7f9f},
    {"chance", chance, 0xfa8db427e8b9eb69},
};

class GoldenBits : public testing::TestWithParam<KernelSet> {};

TEST_P(GoldenBits, Operators) {
    std::vector<Golden> goldens(std::begin(kGoldens), std::end(kGoldens));
    goldens.insert(goldens.end(), gpt_goldens().begin(), gpt_goldens().end());
    for (const std::size_t threads : golden_threads({1, 2, 5})) {
        ThreadPool pool(threads);
        const Compute compute{*kernels_for(GetParam()), &pool};
        for (const Golden& golden : goldens) {
            const Hash found = golden.run(compute);
            EXPECT_EQ(found, golden.expected)
                << golden.name << ": found 0x" << std::hex << found << " with "
                << kernel_set_name(GetParam()) << ", " << threads << " threads";
            print_golden(golden.name, compute, found);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenBits, testing::ValuesIn(golden_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
