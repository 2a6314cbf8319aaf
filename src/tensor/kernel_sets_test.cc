// Proves that every kernel set equals the reference bit for bit, on odd shapes, with 1, 2 and 5
// threads, and with infinities and NaN among the values.
#include "tensor/adamw.h"
#include "tensor/attention_case.h"
#include "tensor/elementwise.h"
#include "tensor/every_set.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/reduce.h"
#include "tensor/rope.h"
#include "tensor/swiglu.h"

namespace cairn::tensor {
namespace {

using Values = std::vector<float>;
class KernelSets : public testing::TestWithParam<KernelSet> {
  protected:
    void expect_same(const Operation& operation, const std::string& what) {
        expect_set_equal(GetParam(), operation, what);
    }
};

struct Sizes {
    std::size_t m, n, k;
};

constexpr Sizes kProducts[] = {{1, 1, 1},    {1, 512, 96},   {3, 17, 5},     {13, 33, 257},
                               {25, 96, 96}, {12, 32, 256},  {128, 96, 256}, {7, 49, 1030},
                               {40, 80, 24}, {97, 16, 513},  {5, 130, 0},    {2, 40, 300},
                               {4, 16, 272}, {401, 49, 600}, {601, 49, 390}, {13, 500, 300}};

TEST_P(KernelSets, ProductsNt) {
    for (const Sizes& size : kProducts) {
        const std::size_t m = size.m, n = size.n, k = size.k;
        const Values a = normal_values(m * (k + 3), 1);
        const Values b = normal_values(n * (k + 1), 2);
        expect_same(
            [&](const Compute& compute) {
                Values c(m * (n + 2), 7.0F);
                matmul_nt(compute, {a.data(), m, k, k + 3}, {b.data(), n, k, k + 1},
                          {c.data(), m, n, n + 2});
                return Results{c};
            },
            "nt " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
    }
}

TEST_P(KernelSets, ProductsNn) {
    for (const Sizes& size : kProducts) {
        const std::size_t m = size.m, n = size.n, k = size.k;
        const Values a = normal_values(m * k, 3);
        const Values b = normal_values(k * (n + 5), 4);
        expect_same(
            [&](const Compute& compute) {
                Values c(m * n, 7.0F);
                matmul_nn(compute, {a.data(), m, k}, {b.data(), k, n, n + 5}, {c.data(), m, n});
                return Results{c};
            },
            "nn " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
    }
}

TEST_P(KernelSets, ProductsTn) {
    for (const Sizes& size : kProducts) {
        const std::size_t m = size.m, n = size.n, k = size.k;
        const Values a = normal_values(k * (m + 1), 5);
        const Values b = normal_values(k * n, 6);
        expect_same(
            [&](const Compute& compute) {
                Values c = normal_values(m * n, 7);
                matmul_tn_accumulate(compute, {a.data(), k, m, m + 1}, {b.data(), k, n},
                                     {c.data(), m, n});
                return Results{c};
            },
            "tn " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
    }
}

TEST_P(KernelSets, ProductsWithExtremes) {
    const std::size_t m = 29, n = 61, k = 300;
    const Values a = among_extremes(normal_values(m * k, 8), 531);
    const Values b = among_extremes(normal_values(n * k, 9), 733);
    expect_same(
        [&](const Compute& compute) {
            Values c(m * n);
            matmul_nt(compute, {a.data(), m, k}, {b.data(), n, k}, {c.data(), m, n});
            Values tiny(m * n);
            const Values small = normal_values(n * k, 10, 1e-30);
            const Values smaller = normal_values(m * k, 11, 1e-14);
            matmul_nt(compute, {smaller.data(), m, k}, {small.data(), n, k}, {tiny.data(), m, n});
            // sums that vanish: -0 in a chunk, but +0 in the result, which starts at +0
            Values zeros(m * n);
            const Values vanishing = normal_values(m * k, 12, 1e-30);
            matmul_nt(compute, {vanishing.data(), m, k}, {small.data(), n, k},
                      {zeros.data(), m, n});
            return Results{c, tiny, zeros};
        },
        "extremes");
}

TEST_P(KernelSets, Reductions) {
    const std::size_t longest = 4096 * 3 + 17;
    const Values x = normal_values(longest, 12);
    const Values y = normal_values(longest, 13, 1e-22);
    for (const std::size_t count :
         {0UL, 1UL, 15UL, 16UL, 31UL, 96UL, 4095UL, 4096UL, 4097UL, 8192UL, longest}) {
        expect_same(
            [&](const Compute& compute) {
                return Results{Values{reduce_sum(compute, count, x.data()),
                                      reduce_sumsq(compute, count, x.data()),
                                      reduce_sumsq(compute, count, y.data()),
                                      reduce_dot(compute, count, x.data(), y.data())}};
            },
            std::to_string(count));
    }
}

TEST_P(KernelSets, ReductionOverMoreThanTwoLevels) {
    const std::size_t count = 4096 * 4096 + 4096 * 5 + 3;
    Values x(count);
    philox_uniform(1, 2, -1.0F, 1.0F, x);
    expect_same(
        [&](const Compute& compute) {
            return Results{Values{reduce_sum(compute, count, x.data())}};
        },
        "long");
}

TEST_P(KernelSets, Elementwise) {
    const std::size_t count = 200003;
    const Values a = among_extremes(normal_values(count, 14, 30.0), 57);
    const Values b = among_extremes(normal_values(count, 15), 101);
    const Values c = normal_values(count, 16);
    expect_same(
        [&](const Compute& compute) {
            Values sum(count), h(count), dg(count), du(count), e(count), scaled = a;
            add(compute, count, a.data(), b.data(), sum.data());
            scale(compute, count, 0.37F, scaled.data());
            swiglu_forward(compute, count, a.data(), b.data(), h.data());
            swiglu_backward(compute, count, c.data(), a.data(), b.data(), dg.data(), du.data());
            compute.kernels->exp(count, a.data(), e.data());
            return Results{sum, scaled, h, dg, du, e};
        },
        "elementwise");
}

TEST_P(KernelSets, Adamw) {
    const std::size_t count = 200003;
    const Values g = among_extremes(normal_values(count, 17, 0.01), 211);
    expect_same(
        [&](const Compute& compute) {
            Values p = normal_values(count, 18), m = normal_values(count, 19, 0.01),
                   v(count, 1e-4F);
            for (std::uint64_t step = 1; step <= 3; ++step)
                adamw_update(compute, adamw_coefficients({}, step), step != 2, count, g.data(),
                             p.data(), m.data(), v.data());
            return Results{p, m, v};
        },
        "adamw");
}

TEST_P(KernelSets, RmsNorm) {
    for (const std::size_t columns : {1UL, 15UL, 24UL, 96UL, 101UL, 5000UL}) {
        const std::size_t rows = columns > 1000 ? 30 : 600;
        const Values x = among_extremes(normal_values(rows * columns, 20), 30011);
        const Values dy = among_extremes(normal_values(rows * columns, 21), 40013);
        const Values gamma = normal_values(columns, 22);
        expect_same(
            [&](const Compute& compute) {
                Values y(rows * columns), dx(rows * columns), rstd(rows);
                Values dgamma = normal_values(columns, 23);
                rmsnorm_forward(compute, {x.data(), rows, columns}, gamma.data(), 1e-5F,
                                {y.data(), rows, columns}, rstd.data());
                rmsnorm_backward(compute, {dy.data(), rows, columns}, {x.data(), rows, columns},
                                 gamma.data(), rstd.data(), {dx.data(), rows, columns},
                                 dgamma.data());
                return Results{y, dx, rstd, dgamma};
            },
            std::to_string(columns));
    }
}

TEST_P(KernelSets, Rope) {
    for (const std::size_t head_dim : {2UL, 8UL, 16UL, 24UL, 34UL, 64UL}) {
        const RopeTable table = make_rope_table(head_dim, 10000.0, 60);
        const std::size_t rows = 3 * 50, columns = 3 * head_dim;
        expect_same(
            [&](const Compute& compute) {
                Values x = among_extremes(normal_values(rows * columns, 24), 997), y = x;
                rope_forward(compute, table, RopePairing::kInterleaved, {50, 7},
                             {x.data(), rows, columns});
                rope_backward(compute, table, RopePairing::kHalves, {50, 10},
                              {y.data(), rows, columns});
                return Results{x, y};
            },
            std::to_string(head_dim));
    }
}

TEST_P(KernelSets, CrossEntropy) {
    for (const std::size_t vocab : {1UL, 7UL, 512UL, 513UL, 9000UL}) {
        const std::size_t rows = 21;
        const Values z = among_extremes(normal_values(rows * vocab, 25, 4.0), 4801);
        const auto targets = id_values(rows, static_cast<std::uint32_t>(vocab), 26);
        expect_same(
            [&](const Compute& compute) {
                Values losses(rows), only(rows), dz = z;
                const Matrix view(dz.data(), rows, vocab);
                cross_entropy(compute, {z.data(), rows, vocab}, targets, only.data(), Matrix());
                cross_entropy(compute, view, targets, losses.data(), view);
                EXPECT_EQ(bits_differ(losses, only), "");
                return Results{losses, dz};
            },
            std::to_string(vocab));
    }
}

TEST_P(KernelSets, Attention) {
    for (const AttentionCase& attention : odd_attentions(true, 27))
        expect_same([&](const Compute& compute) { return attention.run(compute); },
                    "attention of " + std::to_string(attention.rows) + " rows, " +
                        std::to_string(attention.shape.head_dim));
}

std::vector<KernelSet> fast_sets() {
    std::vector<KernelSet> sets = available_kernel_sets();
    sets.erase(sets.begin());
    return sets;
}

INSTANTIATE_TEST_SUITE_P(All, KernelSets, testing::ValuesIn(fast_sets()),
                         [](const auto& set) { return std::string(kernel_set_name(set.param)); });

}  // namespace
}  // namespace cairn::tensor
