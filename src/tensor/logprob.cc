#include "tensor/logprob.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/float_mode.h"
#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/top.h"

namespace cairn::tensor {

LogNormaliser log_normaliser(const Compute& compute, std::span<const float> logits) {
    check_float_mode();
    CHECK(!logits.empty());
    thread_local std::vector<float> e;
    e.resize(logits.size());
    const float m = largest(logits);
    for (std::size_t i = 0; i < e.size(); ++i) e[i] = logits[i] - m;
    compute.kernels->exp(e.size(), e.data(), e.data());
    return {m, log_f32(compute.kernels->reduce_sum(e.size(), e.data()))};
}

float log_probability(const LogNormaliser& normaliser, float logit) {
    return canonical((logit - normaliser.max) - normaliser.log_sum);
}

void log_probabilities(const Compute& compute, std::span<const float> logits,
                       std::span<const std::uint32_t> ids, std::span<float> out) {
    CHECK(ids.size() == out.size());
    const LogNormaliser normaliser = log_normaliser(compute, logits);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        CHECK(ids[i] < logits.size());
        out[i] = log_probability(normaliser, logits[ids[i]]);
    }
}

std::size_t top_logprobs(const Compute& compute, std::span<const float> logits,
                         std::span<TokenLogprob> out) {
    const std::size_t count = std::min(out.size(), logits.size());
    if (count == 0) return 0;
    const LogNormaliser normaliser = log_normaliser(compute, logits);
    thread_local std::vector<Ranked> best;
    select_top(logits, count, best);
    std::sort(best.begin(), best.end(), likelier);
    for (std::size_t i = 0; i < count; ++i)
        out[i] = {best[i].id, log_probability(normaliser, best[i].value)};
    return count;
}

}  // namespace cairn::tensor
