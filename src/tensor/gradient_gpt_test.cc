// Proves that the backward passes of the operators of GPT-2 and BERT (LayerNorm, biases, GELU,
// positions) are the derivatives of their forward passes.
#include "tensor/bias.h"
#include "tensor/elementary.h"
#include "tensor/gelu.h"
#include "tensor/gradient_check.h"
#include "tensor/norm.h"
#include "tensor/positions.h"

namespace cairn::tensor {
namespace {

class GradientGpt : public Gradient {};

TEST_F(GradientGpt, LayerNorm) {
    const std::size_t t = 3, c = 21;
    const Values x = normal_values(t * c, 1), gamma = normal_values(c, 2);
    const Values beta = normal_values(c, 3), dy = normal_values(t * c, 4);
    Values y(t * c), dx(t * c), mean(t), rstd(t), dgamma(c, 0.0F), dbeta(c, 0.0F);
    layernorm_forward(compute_, {x.data(), t, c}, gamma.data(), beta.data(), 1e-5F,
                      {y.data(), t, c}, mean.data(), rstd.data());
    layernorm_backward(compute_, {dy.data(), t, c}, {x.data(), t, c}, gamma.data(), mean.data(),
                       rstd.data(), {dx.data(), t, c}, dgamma.data(), dbeta.data());
    const auto forward = [&](const Doubles& xs, const Doubles& gammas, const Doubles& betas) {
        Doubles out(t * c);
        const auto n = static_cast<double>(c);
        for (std::size_t i = 0; i < t; ++i) {
            double sum = 0.0, squares = 0.0;
            for (std::size_t j = 0; j < c; ++j) sum += xs[i * c + j];
            for (std::size_t j = 0; j < c; ++j) squares += std::pow(xs[i * c + j] - sum / n, 2.0);
            const double r = 1.0 / std::sqrt(squares / n + 1e-5);
            for (std::size_t j = 0; j < c; ++j)
                out[i * c + j] = (xs[i * c + j] - sum / n) * r * gammas[j] + betas[j];
        }
        return out;
    };
    const Doubles wx = widen(x), wg = widen(gamma), wb = widen(beta);
    const Doubles exact = forward(wx, wg, wb);
    for (std::size_t i = 0; i < y.size(); ++i)
        EXPECT_NEAR(static_cast<double>(y[i]), exact[i], 3e-6) << i;
    expect_derivative([&](const Doubles& v) { return weighted(forward(v, wg, wb), dy); }, x, dx,
                      "dx");
    expect_derivative([&](const Doubles& v) { return weighted(forward(wx, v, wb), dy); }, gamma,
                      dgamma, "dgamma");
    expect_derivative([&](const Doubles& v) { return weighted(forward(wx, wg, v), dy); }, beta,
                      dbeta, "dbeta");
}

TEST_F(GradientGpt, Bias) {
    const std::size_t t = 300, c = 5;
    const Values x = normal_values(t * c, 5), bias = normal_values(c, 6);
    const Values dy = normal_values(t * c, 7);
    Values y = x, dbias(c, 0.0F);
    add_bias(compute_, bias.data(), {y.data(), t, c});
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], x[i] + bias[i % c]);
    bias_backward_accumulate(compute_, {dy.data(), t, c}, dbias.data());
    expect_derivative(
        [&](const Doubles& v) {
            Doubles out = widen(x);
            for (std::size_t i = 0; i < out.size(); ++i) out[i] += v[i % c];
            return weighted(out, dy);
        },
        bias, dbias, "dbias");
}

double gelu_erf(double x) { return 0.5 * x * std::erfc(-x * std::sqrt(0.5)); }
double gelu_tanh(double x) {
    const double root = std::sqrt(2.0 / std::acos(-1.0));
    return 0.5 * x * (1.0 + std::tanh(root * (x + 0.044715 * x * x * x)));
}

TEST_F(GradientGpt, Gelu) {
    Values x = normal_values(400, 8, 2.5);
    for (const float edge : {0.0F, 0.4999F, -0.5F, 0.75F, -6.0F, -13.0F, 13.0F, -9.8F, 9.8F})
        x.push_back(edge);
    const Values dy = normal_values(x.size(), 9);
    for (const GeluForm form : {GeluForm::kErf, GeluForm::kTanh}) {
        Values dx(x.size());
        gelu_backward(compute_, form, x.size(), dy.data(), x.data(), dx.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double at = static_cast<double>(x[i]), h = 1e-5;
            const auto f = form == GeluForm::kErf ? gelu_erf : gelu_tanh;
            const double slope = (f(at + h) - f(at - h)) / (2 * h);
            EXPECT_NEAR(static_cast<double>(dx[i]), slope * static_cast<double>(dy[i]), 2e-6)
                << x[i];
        }
    }
}

TEST_F(GradientGpt, Relu) {
    const Values x{-2.0F, -0.0F, 0.0F, 1e-40F, 3.0F}, dy{1.0F, 2.0F, 3.0F, 4.0F, 5.0F};
    Values y(5), dx(5);
    relu_forward(compute_, 5, x.data(), y.data());
    relu_backward(compute_, 5, dy.data(), x.data(), dx.data());
    EXPECT_EQ(bits_differ(y, {0.0F, 0.0F, 0.0F, 1e-40F, 3.0F}), "");
    EXPECT_EQ(bits_differ(dx, {0.0F, 0.0F, 0.0F, 4.0F, 5.0F}), "");
}

TEST_F(GradientGpt, PositionRows) {
    const std::size_t t = 700, p = 9, c = 3;
    const Values x = normal_values(t * c, 10), table = normal_values(p * c, 11);
    const Values dx = normal_values(t * c, 12);
    const std::vector<std::uint32_t> rows = consecutive_positions(t, 7, 2);
    Values y = x, dtable(p * c, 0.0F);
    add_position_rows(compute_, {table.data(), p, c}, rows, {y.data(), t, c});
    EXPECT_EQ(y[7 * c + 1], x[7 * c + 1] + table[2 * c + 1]);
    position_rows_backward_accumulate(compute_, rows, {dx.data(), t, c}, {dtable.data(), p, c});
    expect_derivative(
        [&](const Doubles& v) {
            Doubles out = widen(x);
            for (std::size_t i = 0; i < t; ++i)
                for (std::size_t j = 0; j < c; ++j) out[i * c + j] += v[(2 + i % 7) * c + j];
            return weighted(out, dx);
        },
        table, dtable, "dtable");
}

TEST(Positions, SinusoidsAreThePapers) {
    const std::size_t positions = 40, c = 10;
    const Values paired = sinusoidal_positions(positions, c);
    const Values halves = sinusoidal_positions(positions, c, SinusoidLayout::kHalves);
    for (std::size_t p = 0; p < positions; ++p)
        for (std::size_t i = 0; i < c / 2; ++i) {
            const double angle =
                static_cast<double>(p) / std::pow(10000.0, 2.0 * static_cast<double>(i) / 10.0);
            EXPECT_NEAR(static_cast<double>(paired[p * c + 2 * i]), std::sin(angle), 1e-7);
            EXPECT_NEAR(static_cast<double>(paired[p * c + 2 * i + 1]), std::cos(angle), 1e-7);
            EXPECT_EQ(halves[p * c + i], paired[p * c + 2 * i]);
            EXPECT_EQ(halves[p * c + c / 2 + i], paired[p * c + 2 * i + 1]);
        }
}

}  // namespace
}  // namespace cairn::tensor
