// Proves that each backward pass is the derivative of its forward pass, against finite differences
// of the same function written once more, in double.
#include "tensor/attention_case.h"
#include "tensor/embedding.h"
#include "tensor/gradient_check.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/rope.h"
#include "tensor/swiglu.h"

namespace cairn::tensor {
namespace {

TEST_F(Gradient, Linear) {
    const std::size_t t = 5, in = 7, out = 4;
    const Values x = normal_values(t * in, 1), w = normal_values(out * in, 2);
    const Values dy = normal_values(t * out, 3);
    Values dx(t * in), dw(out * in, 0.0F);
    matmul_nn(compute_, {dy.data(), t, out}, {w.data(), out, in}, {dx.data(), t, in});
    matmul_tn_accumulate(compute_, {dy.data(), t, out}, {x.data(), t, in}, {dw.data(), out, in});
    const auto loss = [&](const Doubles& xs, const Doubles& ws) {
        Doubles y(t * out);
        for (std::size_t i = 0; i < t; ++i)
            for (std::size_t j = 0; j < out; ++j)
                for (std::size_t k = 0; k < in; ++k)
                    y[i * out + j] += xs[i * in + k] * ws[j * in + k];
        return weighted(y, dy);
    };
    expect_derivative([&](const Doubles& v) { return loss(v, widen(w)); }, x, dx, "dx");
    expect_derivative([&](const Doubles& v) { return loss(widen(x), v); }, w, dw, "dw");
}

TEST_F(Gradient, RmsNorm) {
    const std::size_t t = 3, c = 21;
    const Values x = normal_values(t * c, 4), gamma = normal_values(c, 5);
    const Values dy = normal_values(t * c, 6);
    Values y(t * c), dx(t * c), rstd(t), dgamma(c, 0.0F);
    rmsnorm_forward(compute_, {x.data(), t, c}, gamma.data(), 1e-5F, {y.data(), t, c}, rstd.data());
    rmsnorm_backward(compute_, {dy.data(), t, c}, {x.data(), t, c}, gamma.data(), rstd.data(),
                     {dx.data(), t, c}, dgamma.data());
    const auto loss = [&](const Doubles& xs, const Doubles& gammas) {
        Doubles out(t * c);
        for (std::size_t i = 0; i < t; ++i) {
            double squares = 0.0;
            for (std::size_t j = 0; j < c; ++j) squares += xs[i * c + j] * xs[i * c + j];
            const double r = 1.0 / std::sqrt(squares / static_cast<double>(c) + 1e-5);
            for (std::size_t j = 0; j < c; ++j) out[i * c + j] = xs[i * c + j] * r * gammas[j];
        }
        return weighted(out, dy);
    };
    expect_derivative([&](const Doubles& v) { return loss(v, widen(gamma)); }, x, dx, "dx");
    expect_derivative([&](const Doubles& v) { return loss(widen(x), v); }, gamma, dgamma, "dgamma");
}

TEST_F(Gradient, Swiglu) {
    const std::size_t n = 40;
    const Values gate = normal_values(n, 7, 3.0), up = normal_values(n, 8);
    const Values dh = normal_values(n, 9);
    Values dgate(n), dup(n);
    swiglu_backward(compute_, n, dh.data(), gate.data(), up.data(), dgate.data(), dup.data());
    const auto loss = [&](const Doubles& g, const Doubles& u) {
        Doubles h(n);
        for (std::size_t i = 0; i < n; ++i) h[i] = g[i] / (1.0 + std::exp(-g[i])) * u[i];
        return weighted(h, dh);
    };
    expect_derivative([&](const Doubles& v) { return loss(v, widen(up)); }, gate, dgate, "dgate");
    expect_derivative([&](const Doubles& v) { return loss(widen(gate), v); }, up, dup, "dup");
}

TEST_F(Gradient, RopeTurnsBack) {
    const std::size_t t = 9, d = 12;
    const RopeTable table = make_rope_table(d, 10000.0, t);
    for (const RopePairing pairing : {RopePairing::kInterleaved, RopePairing::kHalves}) {
        const Values x = normal_values(t * d, 10);
        Values y = x;
        rope_forward(compute_, table, pairing, {t, 0}, {y.data(), t, d});
        EXPECT_NE(bits_differ(x, y), "");
        rope_backward(compute_, table, pairing, {t, 0}, {y.data(), t, d});
        for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-6F);
    }
    // a pair at position 1 turns by one radian
    Values pair{1.0F, 0.0F, 1.0F, 0.0F};
    const RopeTable two = make_rope_table(2, 10000.0, 2);
    rope_forward(compute_, two, RopePairing::kInterleaved, {2, 0}, {pair.data(), 2, 2});
    EXPECT_EQ(pair[0], 1.0F);
    EXPECT_EQ(pair[2], static_cast<float>(std::cos(1.0)));
    EXPECT_EQ(pair[3], static_cast<float>(std::sin(1.0)));
}

TEST_F(Gradient, CrossEntropy) {
    const std::size_t t = 4, v = 19;
    const Values z = normal_values(t * v, 11, 2.0);
    const auto targets = id_values(t, v, 12);
    Values losses(t), dz(t * v);
    cross_entropy(compute_, {z.data(), t, v}, targets, losses.data(), {dz.data(), t, v});
    const auto loss = [&](const Doubles& zs) {
        double sum = 0.0;
        for (std::size_t i = 0; i < t; ++i) {
            double total = 0.0;
            for (std::size_t j = 0; j < v; ++j) total += std::exp(zs[i * v + j]);
            sum += std::log(total) - zs[i * v + targets[i]];
        }
        return sum;
    };
    double sum = 0.0;
    for (const float l : losses) sum += static_cast<double>(l);
    EXPECT_NEAR(sum, loss(widen(z)), 1e-5);
    expect_derivative(loss, z, dz, "dz");
}

Doubles attention_in_double(const AttentionShape& s, const Doubles& q, const Doubles& k,
                            const Doubles& v) {
    Doubles out(q.size());
    const std::size_t d = s.head_dim, qc = s.heads * d, kc = s.kv_heads * d;
    for (std::size_t b = 0; b < s.sequences; ++b)
        for (std::size_t h = 0; h < s.heads; ++h)
            for (std::size_t i = 0; i < s.queries; ++i) {
                const double* qi = &q[(b * s.queries + i) * qc + h * d];
                const std::size_t kv = h / (s.heads / s.kv_heads) * d;
                const std::size_t visible = s.visible(i);
                Doubles p(visible);
                double sum = 0.0;
                for (std::size_t j = 0; j < visible; ++j) {
                    double score = 0.0;
                    for (std::size_t c = 0; c < d; ++c)
                        score += qi[c] * k[(b * s.keys() + j) * kc + kv + c];
                    p[j] = std::exp(score / std::sqrt(static_cast<double>(d)));
                    sum += p[j];
                }
                for (std::size_t j = 0; j < visible; ++j)
                    for (std::size_t c = 0; c < d; ++c)
                        out[(b * s.queries + i) * qc + h * d + c] +=
                            p[j] / sum * v[(b * s.keys() + j) * kc + kv + c];
            }
    return out;
}

void check_attention(const Compute& compute, const AttentionShape& s) {
    const AttentionCase a(s, 13);
    const Results results = a.run(compute);
    const Doubles q = widen(a.q), k = widen(a.k), v = widen(a.v);
    const auto loss = [&](const Doubles& qs, const Doubles& ks, const Doubles& vs) {
        return weighted(attention_in_double(s, qs, ks, vs), a.dout);
    };
    expect_derivative([&](const Doubles& x) { return loss(x, k, v); }, a.q, results[3], "dq");
    expect_derivative([&](const Doubles& x) { return loss(q, x, v); }, a.k, results[4], "dk");
    expect_derivative([&](const Doubles& x) { return loss(q, k, x); }, a.v, results[5], "dv");
}

TEST_F(Gradient, Attention) { check_attention(compute_, {2, 7, 0, 4, 2, 3, true}); }

TEST_F(Gradient, AttentionThatSeesAll) { check_attention(compute_, {2, 7, 0, 4, 2, 3, false}); }

TEST_F(Gradient, AttentionToAnotherText) {
    for (const std::size_t keys : {2U, 4U, 11U})  // with one, dq and dk are rounding errors
        check_attention(compute_, {2, 7, 0, 4, 2, 3, false, 0, keys});
}

TEST_F(Gradient, EmbeddingAddsRowsPerChunk) {
    const std::size_t t = 600, vocab = 11, c = 5;
    const auto ids = id_values(t, vocab, 17);
    const Values dout = normal_values(t * c, 18);
    Values found(vocab * c, 0.0F), pieces(vocab * c, 0.0F), expected(vocab * c, 0.0F);
    embedding_backward_accumulate(compute_, ids, {dout.data(), t, c}, {found.data(), vocab, c});
    // the definition: N1 over tokens with the one-hot matrix
    Values onehot(t * vocab, 0.0F);
    for (std::size_t i = 0; i < t; ++i) onehot[i * vocab + ids[i]] = 1.0F;
    matmul_tn_accumulate(compute_, {onehot.data(), t, vocab}, {dout.data(), t, c},
                         {expected.data(), vocab, c});
    EXPECT_EQ(bits_differ(found, expected), "");
    for (std::size_t i = 0; i < t; i += 256) {
        const std::size_t n = std::min<std::size_t>(256, t - i);
        embedding_backward_accumulate(compute_, std::span(ids).subspan(i, n),
                                      {dout.data() + i * c, n, c}, {pieces.data(), vocab, c});
    }
    EXPECT_EQ(bits_differ(found, pieces), "");
}

TEST_F(Gradient, MicrobatchesOf256HaveTheBitsOfTheLeaf) {
    const std::size_t t = 1024, in = 24, out = 17;
    const Values x = normal_values(t * in, 19), dy = normal_values(t * out, 20);
    Values whole(out * in, 0.0F), pieces(out * in, 0.0F);
    matmul_tn_accumulate(compute_, {dy.data(), t, out}, {x.data(), t, in}, {whole.data(), out, in});
    for (std::size_t i = 0; i < t; i += 256)
        matmul_tn_accumulate(compute_, {dy.data() + i * out, 256, out},
                             {x.data() + i * in, 256, in}, {pieces.data(), out, in});
    EXPECT_EQ(bits_differ(whole, pieces), "");
}

}  // namespace
}  // namespace cairn::tensor
