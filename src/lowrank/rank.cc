#include "lowrank/rank.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "papers/low_rank.h"

namespace cairn::lowrank {

std::size_t most_useful_rank(std::size_t m, std::size_t n) { return (m * n - 1) / (m + n); }

std::size_t rank_of_ratio(std::size_t m, std::size_t n, double ratio) {
    const double exact = std::floor(papers::rank_for_ratio({m, n}, ratio));
    return std::clamp<std::size_t>(static_cast<std::size_t>(std::max(0.0, exact)), 1,
                                   std::min(m, n));
}

Svd svd_of_energy(const tensor::Compute& compute, tensor::ConstMatrix w, double energy,
                  std::size_t most, const SvdOptions& options) {
    most = std::min({most, w.rows, w.cols});
    CHECK(most > 0);
    SvdOptions now = options;
    for (now.rank = std::min<std::size_t>(most, std::max<std::size_t>(16, most / 4));;
         now.rank = std::min(most, now.rank + now.rank / 2)) {
        Svd svd = low_rank_svd(compute, w, now);
        std::size_t k = 1;
        while (k < svd.rank && svd.kept(k) < energy) ++k;
        if (svd.kept(k) >= energy) {
            svd.rank = k;
            svd.s.resize(k);
            svd.u.resize(k * svd.m);
            svd.v.resize(k * svd.n);
            return svd;
        }
        if (now.rank == most) {
            svd.rank = 0;
            return svd;
        }
    }
}

namespace {

struct Step {
    double gain;  // of log energy, a byte
    std::size_t candidate;
    std::size_t rank;  // it would have; 0: whole
    std::uint64_t bytes;
    bool operator<(const Step& other) const {
        return gain != other.gain ? gain < other.gain : candidate > other.candidate;
    }
};

// What the candidate can do next from rank k: one more, or, where that is not cheaper, all.
Step next_step(const Candidate& c, std::size_t index, std::size_t k) {
    const double now = std::log(std::max(c.kept[k], 1e-300));
    const bool more = k + 1 < c.kept.size() && (k + 1) * c.rank_bytes < c.whole_bytes;
    const double then = more ? std::log(std::max(c.kept[k + 1], 1e-300)) : 0.0;
    const std::uint64_t bytes = more ? c.rank_bytes : c.whole_bytes - k * c.rank_bytes;
    return {(then - now) / static_cast<double>(bytes), index, more ? k + 1 : 0, bytes};
}

}  // namespace

std::vector<std::size_t> share_budget(std::span<const Candidate> candidates, std::uint64_t budget) {
    std::vector<std::size_t> ranks(candidates.size(), 1);
    std::uint64_t used = 0;
    std::priority_queue<Step> steps;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Candidate& c = candidates[i];
        CHECK(c.kept.size() >= 2 && c.rank_bytes > 0 && c.rank_bytes < c.whole_bytes);
        used += c.rank_bytes;
        steps.push(next_step(c, i, 1));
    }
    if (used > budget) return {};
    while (!steps.empty()) {
        const Step step = steps.top();
        steps.pop();
        if (step.bytes > budget - used) continue;  // others may still fit
        used += step.bytes;
        ranks[step.candidate] = step.rank;
        if (step.rank > 0)
            steps.push(next_step(candidates[step.candidate], step.candidate, step.rank));
    }
    return ranks;
}

}  // namespace cairn::lowrank
