// Pins the operators of GPT-2 and BERT, scaled RoPE and log-probabilities: see golden_test.cc.
#include <vector>

#include "tensor/attention_case.h"
#include "tensor/bias.h"
#include "tensor/digits_case.h"
#include "tensor/elementary.h"
#include "tensor/gelu.h"
#include "tensor/golden.h"
#include "tensor/logprob.h"
#include "tensor/norm.h"
#include "tensor/positions.h"
#include "tensor/rope.h"
#include "tensor/test_values.h"

namespace cairn::tensor {

namespace {

using Values = std::vector<float>;
using Hash = std::uint64_t;

constexpr std::size_t kRows = 300, kColumns = 101;

Hash layernorm(const Compute& compute) {
    const Values x = normal_values(kRows * kColumns, 101), dy = normal_values(x.size(), 102);
    const Values gamma = normal_values(kColumns, 103), beta = normal_values(kColumns, 104);
    Values y(x.size()), dx(x.size()), mean(kRows), rstd(kRows), dgamma(kColumns), dbeta(kColumns);
    const ConstMatrix x_view(x.data(), kRows, kColumns);
    layernorm_forward(compute, x_view, gamma.data(), beta.data(), 1e-5F,
                      {y.data(), kRows, kColumns}, mean.data(), rstd.data());
    layernorm_backward(compute, {dy.data(), kRows, kColumns}, x_view, gamma.data(), mean.data(),
                       rstd.data(), {dx.data(), kRows, kColumns}, dgamma.data(), dbeta.data());
    return fnv1a(dbeta, fnv1a(dgamma, fnv1a(dx, fnv1a(rstd, fnv1a(mean, fnv1a(y))))));
}

Hash bias(const Compute& compute) {
    Values x = normal_values(kRows * kColumns, 105), b = normal_values(kColumns, 106);
    add_bias(compute, b.data(), {x.data(), kRows, kColumns});
    bias_backward_accumulate(compute, {x.data(), kRows, kColumns}, b.data());
    return fnv1a(b, fnv1a(x));
}

template <GeluForm kForm>
Hash gelu(const Compute& compute) {
    const Values x = normal_values(5003, 107, 4.0), dy = normal_values(5003, 108);
    Values y(x.size()), dx(x.size());
    gelu_forward(compute, kForm, x.size(), x.data(), y.data());
    gelu_backward(compute, kForm, x.size(), dy.data(), x.data(), dx.data());
    return fnv1a(dx, fnv1a(y));
}

Hash relu(const Compute& compute) {
    const Values x = normal_values(1003, 109), dy = normal_values(1003, 110);
    Values y(x.size()), dx(x.size());
    relu_forward(compute, x.size(), x.data(), y.data());
    relu_backward(compute, x.size(), dy.data(), x.data(), dx.data());
    return fnv1a(dx, fnv1a(y));
}

Hash erf(const Compute&) {
    Values x = normal_values(5003, 111, 2.0);
    for (float& value : x) value = erf_f32(value);
    return fnv1a(x);
}

Hash attention_all(const Compute& compute) {
    return fnv1a(AttentionCase({2, 139, 0, 4, 2, 24, false}, 112).run(compute));
}

Hash attention_cross(const Compute& compute) {
    return fnv1a(AttentionCase({2, 70, 0, 4, 2, 24, false, 0, 139}, 119).run(compute));
}

Hash attention_digits(const Compute& compute) {
    const Hash prefill = fnv1a(DigitsCase({2, 139, 30, 4, 2, 24, true, 90}, 113, 3.0).run(compute));
    return fnv1a(DigitsCase({3, 1, 400, 6, 2, 64}, 114).run(compute), prefill);
}

Hash positions(const Compute& compute) {
    const std::size_t count = 70, columns = 32;
    const Values table = sinusoidal_positions(count, columns);
    const std::vector<std::uint32_t> rows = consecutive_positions(kRows, 60, 9);
    Values x = normal_values(kRows * columns, 116), gradient(table.size());
    add_position_rows(compute, {table.data(), count, columns}, rows, {x.data(), kRows, columns});
    position_rows_backward_accumulate(compute, rows, {x.data(), kRows, columns},
                                      {gradient.data(), count, columns});
    return fnv1a(gradient, fnv1a(x, fnv1a(table)));
}

Hash rope_scaling(const Compute&) {
    using Kind = RopeScaling::Kind;
    const RopeScaling scalings[] = {
        {.kind = Kind::kLinear, .factor = 3.0},
        {.kind = Kind::kLlama3, .factor = 8.0, .original_positions = 64},
        {.kind = Kind::kYarn, .factor = 4.0, .original_positions = 128},
    };
    Hash hash = 0;
    for (const RopeScaling& scaling : scalings) {
        const RopeTable table = make_rope_table(scaled_rope_frequencies(64, 10000.0, scaling), 200,
                                                rope_attention_factor(scaling));
        hash ^= fnv1a(table.sin, fnv1a(table.cos)) + hash * 31;
    }
    return hash;
}

Hash logprobs(const Compute& compute) {
    const Values z = normal_values(5003, 117, 3.0);
    const auto ids = id_values(100, 5003, 118);
    Values found(ids.size());
    log_probabilities(compute, z, ids, found);
    std::vector<TokenLogprob> best(20);
    top_logprobs(compute, z, best);
    Hash hash = 0;
    for (const TokenLogprob& token : best) {
        found.push_back(token.logprob);
        hash = hash * 1000003 + token.id;
    }
    return hash ^ fnv1a(found);
}

constexpr Golden kGoldens[] = {
    {"layernorm", layernorm, 0xa6e4a330f1da09ed},
    {"bias", bias, 0x247203064f713a4d},
    {"gelu_erf", gelu<GeluForm::kErf>, 0x4f87d5163f46e4a4},
    {"gelu_tanh", gelu<GeluForm::kTanh>, 0xa3243840a688a0a0},
    {"relu", relu, 0xae5901e55a42c920},
    {"erf", erf, 0xd1d8d257e7b6fc69},
    {"attention_all", attention_all, 0x1761c65afadcfb4e},
    {"attention_cross", attention_cross, 0x1db2df9a944dce9a},
    {"attention_digits", attention_digits, 0xe41f6809ce30636},
    {"positions", positions, 0x412bea0204c89dcc},
    {"rope_scaling", rope_scaling, 0x91cf1ebf8bd74f59},
    {"logprobs", logprobs, 0x49fb8708ba27f9fc},
};

}  // namespace

std::span<const Golden> gpt_goldens() { return kGoldens; }

}  // namespace cairn::tensor
