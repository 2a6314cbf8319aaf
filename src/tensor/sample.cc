// CONSENSUS: changing a result here splits the network.
#include "tensor/sample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/float_mode.h"
#include "tensor/elementary.h"
#include "tensor/elementwise.h"
#include "tensor/kernels.h"
#include "tensor/philox.h"
#include "tensor/reduce.h"

namespace cairn::tensor {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr double kOne = 0x1p40;  // probabilities are counted in units of 2^-40

struct Candidate {
    std::uint32_t id;
    float value;           ///< logit, then probability
    std::uint64_t weight;  ///< floor(probability * 2^40)
};

bool likelier(const Candidate& a, const Candidate& b) {
    return a.value != b.value ? a.value > b.value : a.id < b.id;
}

Status check(const SampleSettings& s) {
    if (!(s.temperature >= 0.0F && s.temperature <= 100.0F))
        return invalid("temperature must lie in [0, 100]");
    if (!(s.top_p > 0.0F && s.top_p <= 1.0F)) return invalid("top_p must lie in (0, 1]");
    if (!(s.min_p >= 0.0F && s.min_p <= 1.0F)) return invalid("min_p must lie in [0, 1]");
    if (!(s.repetition_penalty > 0.0F && s.repetition_penalty <= 100.0F))
        return invalid("repetition_penalty must lie in (0, 100]");
    for (const float penalty : {s.presence_penalty, s.frequency_penalty})
        if (!(penalty >= -100.0F && penalty <= 100.0F))
            return invalid("presence and frequency penalties must lie in [-100, 100]");
    return ok_status();
}

void penalise(std::span<const std::uint32_t> history, const SampleSettings& s,
              std::vector<float>& logits) {
    std::map<std::uint32_t, std::uint32_t> counts;
    for (const std::uint32_t id : history)
        if (id < logits.size()) ++counts[id];
    for (const auto& [id, count] : counts) {
        float z = logits[id];
        z = z > 0.0F ? z / s.repetition_penalty : z * s.repetition_penalty;
        z = z - s.presence_penalty;
        logits[id] = std::fma(-s.frequency_penalty, static_cast<float>(count), z);
    }
}

/// The top_k logits (all for 0) in ascending order of ids.
std::vector<Candidate> choose(const std::vector<float>& logits, std::uint32_t top_k) {
    std::vector<Candidate> candidates;
    candidates.reserve(logits.size());
    for (std::uint32_t id = 0; id < logits.size(); ++id) candidates.push_back({id, logits[id], 0});
    if (top_k > 0 && top_k < candidates.size()) {
        std::nth_element(candidates.begin(), candidates.begin() + (top_k - 1), candidates.end(),
                         likelier);
        candidates.resize(top_k);
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    }
    return candidates;
}

/// Softmax over the candidates in ascending order of ids, then most probable first.
void weigh(const Compute& compute, std::vector<Candidate>& candidates) {
    float m = candidates[0].value;
    for (const Candidate& candidate : candidates) m = std::max(m, candidate.value);
    std::vector<float> e(candidates.size());
    for (std::size_t i = 0; i < e.size(); ++i) e[i] = candidates[i].value - m;
    compute.kernels->exp(e.size(), e.data(), e.data());
    const float total = reduce_sum(compute, e.size(), e.data());
    for (std::size_t i = 0; i < e.size(); ++i) {
        candidates[i].value = e[i] / total;
        candidates[i].weight =
            static_cast<std::uint64_t>(static_cast<double>(candidates[i].value) * kOne);
    }
    std::sort(candidates.begin(), candidates.end(), likelier);
}

std::uint64_t share(float part) {
    return static_cast<std::uint64_t>(static_cast<double>(part) * kOne);
}

std::uint64_t total_weight(const std::vector<Candidate>& candidates) {
    std::uint64_t total = 0;
    for (const Candidate& candidate : candidates) total += candidate.weight;
    return total;
}

/// The shortest prefix whose weight reaches the share top_p of the total.
void cut_top_p(float top_p, std::vector<Candidate>& candidates) {
    if (top_p >= 1.0F) return;
    const Wide wanted = static_cast<Wide>(total_weight(candidates)) * share(top_p);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        sum += candidates[i].weight;
        if ((static_cast<Wide>(sum) << 40) >= wanted) {
            candidates.resize(i + 1);
            return;
        }
    }
}

/// Those with at least the share min_p of the best one's weight.
void cut_min_p(float min_p, std::vector<Candidate>& candidates) {
    const Wide wanted = static_cast<Wide>(candidates[0].weight) * share(min_p);
    std::size_t kept = 1;
    while (kept < candidates.size() && (static_cast<Wide>(candidates[kept].weight) << 40) >= wanted)
        ++kept;
    candidates.resize(kept);
}

}  // namespace

std::uint32_t argmax(std::span<const float> values) {
    CHECK(!values.empty());
    std::size_t best = 0;
    for (std::size_t i = 1; i < values.size(); ++i)
        if (values[i] > values[best]) best = i;
    return static_cast<std::uint32_t>(best);
}

Result<std::uint32_t> sample(const Compute& compute, std::span<const float> logits,
                             std::span<const std::uint32_t> history, const SampleSettings& settings,
                             std::uint64_t position) {
    check_float_mode();
    RETURN_IF_ERROR(check(settings));
    if (logits.empty()) return invalid("there are no logits to sample from");
    if (!all_finite(logits.size(), logits.data()))
        return invalid("the logits hold NaN or infinite values");
    std::vector<float> z(logits.begin(), logits.end());
    penalise(history, settings, z);
    if (settings.temperature > 0.0F)
        for (float& value : z) value = value / settings.temperature;
    if (!all_finite(z.size(), z.data()))
        return invalid("penalties or temperature drive the logits out of range");
    if (settings.temperature == 0.0F) return argmax(z);
    std::vector<Candidate> candidates = choose(z, settings.top_k);
    weigh(compute, candidates);
    cut_top_p(settings.top_p, candidates);
    cut_min_p(settings.min_p, candidates);
    const std::uint64_t threshold =
        mulhi64(philox_u64(settings.seed, 0, position), total_weight(candidates));
    std::uint64_t sum = 0;
    for (const Candidate& candidate : candidates) {
        sum += candidate.weight;
        if (sum > threshold) return candidate.id;
    }
    return candidates.back().id;
}

}  // namespace cairn::tensor
