// Proves that the operators of GPT-2 and BERT have the reference's bits in every kernel set, on odd
// shapes, in place, with 1, 2 and 5 threads, and with infinities and NaN among the values.
#include "tensor/attention_backward.h"
#include "tensor/attention_case.h"
#include "tensor/bias.h"
#include "tensor/every_set.h"
#include "tensor/gelu.h"
#include "tensor/norm.h"
#include "tensor/positions.h"

namespace cairn::tensor {
namespace {

using Values = std::vector<float>;

TEST(GptSets, LayerNorm) {
    for (const std::size_t columns : {1UL, 15UL, 24UL, 96UL, 101UL, 5000UL}) {
        const std::size_t rows = columns > 1000 ? 30 : 600;
        const Values x = among_extremes(normal_values(rows * columns, 1), 30011);
        const Values dy = among_extremes(normal_values(rows * columns, 2), 40013);
        const Values gamma = normal_values(columns, 3), beta = normal_values(columns, 4);
        const auto run = [&](const Compute& compute, bool in_place) {
            Values y = x, dx = dy, mean(rows), rstd(rows);
            Values dgamma = normal_values(columns, 5), dbeta = normal_values(columns, 6);
            const Matrix y_view(y.data(), rows, columns), dx_view(dx.data(), rows, columns);
            const ConstMatrix x_view(x.data(), rows, columns), dy_view(dy.data(), rows, columns);
            layernorm_forward(compute, in_place ? y_view : x_view, gamma.data(), beta.data(), 1e-5F,
                              y_view, mean.data(), rstd.data());
            layernorm_backward(compute, in_place ? dx_view : dy_view, x_view, gamma.data(),
                               mean.data(), rstd.data(), dx_view, dgamma.data(), dbeta.data());
            return Results{y, dx, mean, rstd, dgamma, dbeta};
        };
        const std::string what = "layernorm of " + std::to_string(columns);
        expect_every_set_equal([&](const Compute& compute) { return run(compute, false); }, what);
        ThreadPool pool(1);
        const Compute compute{reference_kernels(), &pool};
        const Results apart = run(compute, false), in_place = run(compute, true);
        for (std::size_t i = 0; i < apart.size(); ++i)
            EXPECT_EQ(bits_differ(apart[i], in_place[i]), "") << what << " in place, " << i;
    }
}

TEST(GptSets, LayerNormOfViews) {
    const std::size_t rows = 37, columns = 50, stride = 64;
    const Values x = normal_values(rows * stride, 7);
    const Values gamma = normal_values(columns, 8), beta = normal_values(columns, 9);
    expect_every_set_equal(
        [&](const Compute& compute) {
            Values y(rows * stride, 7.0F);
            layernorm_forward(compute, {x.data(), rows, columns, stride}, gamma.data(), beta.data(),
                              1e-12F, {y.data(), rows, columns, stride}, nullptr, nullptr);
            return Results{y};
        },
        "layernorm of views");
}

// q/k norm: the heads of a contiguous matrix are the rows of a narrower one.
TEST(GptSets, RmsNormOfHeads) {
    const std::size_t rows = 19, heads = 3, d = 20;
    const Values x = normal_values(rows * heads * d, 10), gamma = normal_values(d, 11);
    expect_every_set_equal(
        [&](const Compute& compute) {
            Values whole = x, apart = x;
            rmsnorm_forward(compute, {whole.data(), rows * heads, d}, gamma.data(), 1e-6F,
                            {whole.data(), rows * heads, d}, nullptr);
            for (std::size_t head = 0; head < heads; ++head) {
                const Matrix view(apart.data() + head * d, rows, d, heads * d);
                rmsnorm_forward(compute, view, gamma.data(), 1e-6F, view, nullptr);
            }
            EXPECT_EQ(bits_differ(whole, apart), "");
            return Results{whole};
        },
        "heads");
}

TEST(GptSets, Biases) {
    for (const std::size_t columns : {1UL, 33UL, 768UL}) {
        const std::size_t rows = 531;
        const Values x = among_extremes(normal_values(rows * columns, 12), 9001);
        const Values bias = normal_values(columns, 13);
        expect_every_set_equal(
            [&](const Compute& compute) {
                Values y = x, dbias = bias;
                add_bias(compute, bias.data(), {y.data(), rows, columns});
                bias_backward_accumulate(compute, {x.data(), rows, columns}, dbias.data());
                return Results{y, dbias};
            },
            "bias of " + std::to_string(columns));
    }
}

TEST(GptSets, Activations) {
    const std::size_t count = 200003;
    const Values x = among_extremes(normal_values(count, 14, 5.0), 57);
    const Values dy = among_extremes(normal_values(count, 15), 101);
    expect_every_set_equal(
        [&](const Compute& compute) {
            Results results;
            for (const GeluForm form : {GeluForm::kErf, GeluForm::kTanh}) {
                Values y = x, dx = dy;  // in place
                gelu_forward(compute, form, count, y.data(), y.data());
                gelu_backward(compute, form, count, dx.data(), x.data(), dx.data());
                results.push_back(y);
                results.push_back(dx);
            }
            Values y = x, dx = x;
            relu_forward(compute, count, y.data(), y.data());
            relu_backward(compute, count, dy.data(), dx.data(), dx.data());
            results.push_back(y);
            results.push_back(dx);
            return results;
        },
        "activations");
}

TEST(GptSets, PositionRows) {
    const std::size_t rows = 600, columns = 77, positions = 40;
    const Values x = normal_values(rows * columns, 16);
    const Values table = normal_values(positions * columns, 17);
    const std::vector<std::uint32_t> at = consecutive_positions(rows, 30, 5);
    expect_every_set_equal(
        [&](const Compute& compute) {
            Values y = x, dtable = table;
            add_position_rows(compute, {table.data(), positions, columns}, at,
                              {y.data(), rows, columns});
            position_rows_backward_accumulate(compute, at, {x.data(), rows, columns},
                                              {dtable.data(), positions, columns});
            return Results{y, dtable};
        },
        "positions");
}

TEST(GptSets, AttentionThatSeesAll) {
    for (const AttentionCase& attention : odd_attentions(false, 18))
        expect_every_set_equal([&](const Compute& compute) { return attention.run(compute); },
                               "attention of " + std::to_string(attention.rows) + " rows");
}

TEST(GptSets, AttentionToAnotherText) {
    for (const AttentionCase& attention : odd_rectangles(23))
        expect_every_set_equal(
            [&](const Compute& compute) { return attention.run(compute); },
            std::to_string(attention.rows) + " rows to " + std::to_string(attention.key_rows));
}

// Another text that is the same one: attention that sees all.
TEST(GptSets, AnotherTextMayBeTheSameOne) {
    ThreadPool pool(3);
    const Compute compute{*kernels_for(available_kernel_sets().back()), &pool};
    const AttentionCase own({2, 139, 0, 4, 2, 24, false}, 24);
    AttentionCase other = own;
    other.shape.source_keys = 139;
    EXPECT_EQ(own.run(compute), other.run(compute));
}

TEST(GptSets, AttentionBackwardOfSeveralTextsIsThatOfEach) {
    ThreadPool pool(3);
    const Compute compute{*kernels_for(available_kernel_sets().back()), &pool};
    const std::vector<AttentionCase> cases = odd_rectangles(25);
    std::vector<Results> alone, together;
    for (const AttentionCase& one : cases) alone.push_back(one.run(compute));
    together = alone;
    std::vector<AttentionBackward> calls;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const AttentionCase& c = cases[i];
        Results& r = together[i];
        for (const std::size_t gradient : {3U, 4U, 5U})
            std::fill(r[gradient].begin(), r[gradient].end(), 7.0F);
        calls.push_back({c.shape,
                         {c.dout.data(), c.rows, c.q_cols},
                         {c.q.data(), c.rows, c.q_cols},
                         {c.k.data(), c.key_rows, c.kv_cols},
                         {c.v.data(), c.key_rows, c.kv_cols},
                         {r[0].data(), c.rows, c.q_cols},
                         {r[1].data(), r[2].data()},
                         {r[3].data(), c.rows, c.q_cols},
                         {r[4].data(), c.key_rows, c.kv_cols},
                         {r[5].data(), c.key_rows, c.kv_cols}});
    }
    attention_backward(compute, calls);
    for (std::size_t i = 0; i < cases.size(); ++i)
        for (std::size_t k = 0; k < alone[i].size(); ++k)
            EXPECT_EQ(bits_differ(together[i][k], alone[i][k]), "") << i << ' ' << k;
}

// The last query of a causal sequence sees everything: there the two kinds agree.
TEST(GptSets, TheLastQuerySeesTheSameEitherWay) {
    ThreadPool pool(2);
    const Compute compute{*kernels_for(available_kernel_sets().back()), &pool};
    const std::size_t tokens = 150, columns = 2 * 24;
    Results outs;
    for (const bool causal : {true, false})
        outs.push_back(AttentionCase({1, tokens, 0, 2, 2, 24, causal}, 22).run(compute)[0]);
    EXPECT_NE(bits_differ(outs[0], outs[1]), "");
    for (std::size_t c = columns * (tokens - 1); c < columns * tokens; ++c)
        EXPECT_EQ(outs[0][c], outs[1][c]);
}

}  // namespace
}  // namespace cairn::tensor
