// Tokens are ordered by probability, then by id, but only as far as they are looked at: they are
// sorted in bands of probability, the likeliest band first, and most draws end there.
#include "tensor/sample.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/float_mode.h"
#include "base/int128.h"
#include "tensor/elementary.h"
#include "tensor/elementwise.h"
#include "tensor/kernels.h"
#include "tensor/philox.h"
#include "tensor/reduce.h"
#include "tensor/top.h"

namespace cairn::tensor {

namespace {

constexpr double kOne = 0x1p40;  // probabilities are counted in units of 2^-40

/// A thread's memory, kept from token to token.
struct SampleScratch {
    std::vector<float> logits;
    std::vector<std::uint32_t> counts;  ///< of the history's ids; zeros between calls
    std::vector<Ranked> kept;           ///< the top_k, ids ascending
    std::vector<float> probabilities;   ///< of the kept ones, or of all
    std::vector<Ranked> band;
};

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

bool has_penalties(const SampleSettings& s) {
    return s.repetition_penalty != 1.0F || s.presence_penalty != 0.0F ||
           s.frequency_penalty != 0.0F;
}

// In a count: the id stands in the text, sampled or not.
constexpr std::uint32_t kSeen = std::uint32_t{1} << 31;

void penalise(std::span<const std::uint32_t> history, std::size_t prompt, const SampleSettings& s,
              SampleScratch& scratch) {
    std::vector<float>& logits = scratch.logits;
    std::vector<std::uint32_t>& counts = scratch.counts;
    if (counts.size() < logits.size()) counts.resize(logits.size(), 0);
    for (const std::uint32_t id : history)
        if (id < logits.size()) counts[id] = kSeen;
    for (const std::uint32_t id : history.subspan(std::min(prompt, history.size())))
        if (id < logits.size()) ++counts[id];
    for (const std::uint32_t id : history) {
        if (id >= logits.size() || counts[id] == 0) continue;
        const std::uint32_t sampled = std::exchange(counts[id], 0) - kSeen;
        float& z = logits[id];
        z = z > 0.0F ? z / s.repetition_penalty : z * s.repetition_penalty;
        if (sampled == 0) continue;
        z = z - s.presence_penalty;
        z = std::fma(-s.frequency_penalty, static_cast<float>(sampled), z);
    }
}

std::uint64_t weight_of(float probability) {
    return static_cast<std::uint64_t>(static_cast<double>(probability) * kOne);
}

/// Softmax of the top_k logits (of all for 0) in ascending order of ids: fills `kept` (empty for
/// all) and `probabilities`.
void weigh(const Compute& compute, std::uint32_t top_k, SampleScratch& scratch) {
    const std::vector<float>& logits = scratch.logits;
    std::vector<float>& p = scratch.probabilities;
    scratch.kept.clear();
    if (top_k > 0 && top_k < logits.size()) {
        select_top(logits, top_k, scratch.kept);
        std::sort(scratch.kept.begin(), scratch.kept.end(),
                  [](const Ranked& a, const Ranked& b) { return a.id < b.id; });
        p.resize(scratch.kept.size());
        for (std::size_t i = 0; i < p.size(); ++i) p[i] = scratch.kept[i].value;
    } else {
        p.assign(logits.begin(), logits.end());
    }
    const float m = largest(p);
    for (float& value : p) value = value - m;
    compute.kernels->exp(p.size(), p.data(), p.data());
    const float total = compute.kernels->reduce_sum(p.size(), p.data());
    for (float& value : p) value = value / total;
}

/// Walks tokens from the likeliest on: next() gives each once, in the order `likelier`.
class Descent {
  public:
    explicit Descent(SampleScratch& scratch)
        : p_(scratch.probabilities), kept_(scratch.kept), band_(scratch.band) {
        upper_ = largest(p_);
        lower_ = upper_ * kStep;
        collect(true);
    }

    /// The next token and its probability; value is negative when there are no more.
    Ranked next() {
        while (at_ == band_.size()) {
            if (upper_ == 0.0F) return {0, -1.0F};
            upper_ = lower_;
            lower_ = lower_ * kStep < kLowest ? 0.0F : lower_ * kStep;
            collect(false);
        }
        return band_[at_++];
    }

  private:
    static constexpr float kStep = 0x1p-3F;
    static constexpr float kLowest = 0x1p-60F;  // far below what has weight

    /// Sorts the tokens with lower <= p < upper, the first band with its upper border.
    void collect(bool with_upper) {
        band_.clear();
        at_ = 0;
        for (std::size_t i = 0; i < p_.size(); ++i) {
            if (p_[i] < lower_ || p_[i] > upper_ || (p_[i] == upper_ && !with_upper)) continue;
            band_.push_back({kept_.empty() ? static_cast<std::uint32_t>(i) : kept_[i].id, p_[i]});
        }
        std::sort(band_.begin(), band_.end(), likelier);
    }

    const std::vector<float>& p_;
    const std::vector<Ranked>& kept_;
    std::vector<Ranked>& band_;
    std::size_t at_ = 0;
    float upper_ = 0.0F;
    float lower_ = 0.0F;
};

std::uint64_t share(float part) {
    return static_cast<std::uint64_t>(static_cast<double>(part) * kOne);
}

/// The weight of the tokens that stay: the shortest prefix whose weight reaches the share top_p of
/// the total, cut where a token has less than the share min_p of the best one's weight.
std::uint64_t weight_of_prefix(const SampleSettings& settings, SampleScratch& scratch) {
    const std::vector<float>& p = scratch.probabilities;
    const Uint128 least = static_cast<Uint128>(weight_of(largest(p))) * share(settings.min_p);
    std::uint64_t total = 0;
    std::uint64_t likely = 0;  // those that min_p lets stay
    for (const float value : p) {
        const std::uint64_t weight = weight_of(value);
        total += weight;
        if ((static_cast<Uint128>(weight) << 40) >= least) likely += weight;
    }
    if (settings.top_p >= 1.0F) return likely;
    const Uint128 wanted = static_cast<Uint128>(total) * share(settings.top_p);
    Descent descent(scratch);
    std::uint64_t sum = 0;
    while (sum < likely && (static_cast<Uint128>(sum) << 40) < wanted) {
        const Ranked token = descent.next();
        CHECK(token.value >= 0.0F);
        sum += weight_of(token.value);
    }
    return sum;
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
                             std::uint64_t position, std::size_t prompt) {
    check_float_mode();
    RETURN_IF_ERROR(check(settings));
    if (logits.empty()) return invalid("there are no logits to sample from");
    if (!all_finite(logits.size(), logits.data()))
        return invalid("the logits hold NaN or infinite values");
    thread_local SampleScratch scratch;
    std::vector<float>& z = scratch.logits;
    z.assign(logits.begin(), logits.end());
    if (has_penalties(settings)) penalise(history, prompt, settings, scratch);
    if (settings.temperature > 0.0F)
        for (float& value : z) value = value / settings.temperature;
    if (!all_finite(z.size(), z.data()))
        return invalid("penalties or temperature drive the logits out of range");
    if (settings.temperature == 0.0F) return argmax(z);
    weigh(compute, settings.top_k, scratch);
    const std::uint64_t threshold =
        mulhi64(philox_u64(settings.seed, 0, position), weight_of_prefix(settings, scratch));
    Descent descent(scratch);
    std::uint64_t sum = 0;
    while (true) {
        const Ranked token = descent.next();
        CHECK(token.value >= 0.0F);  // the threshold lies below the sum of weights
        sum += weight_of(token.value);
        if (sum > threshold) return token.id;
    }
}

}  // namespace cairn::tensor
