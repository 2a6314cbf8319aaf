// One attacker with many settings: it sends a mixture of everything that it can make without
// knowing the coming judge batches or the others' payloads of this round. The named attacks
// (attack_list.h) and the search (adversary.h) are values of Mixture.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lab/rounds.h"

namespace cairn::lab {

inline constexpr std::size_t kMaxAge = 5;

/// What is mixed, each part by its weight and brought to norm 1 before; a single part is sent as it
/// comes, times its weight.
struct Mixture {
    double gradient = 0;   ///< down the judge text's gradient
    unsigned batches = 1;  ///< its mean over so many judge batches
    /// Taken behind so many public steps of its own, found as the judge finds its one.
    unsigned behind_steps = 0;
    bool foreseen = false;     ///< and behind half of what the last round merged
    double signs = 0;          ///< against the gradient's signs
    double judge = 0;          ///< the recipe's steps on the judge text
    unsigned judge_steps = 0;  ///< how many; 0: as many as the honest
    double own = 0;            ///< the recipe's steps on its own text (and the public share)
    unsigned own_steps = 0;
    double rate = 1;                       ///< times the recipe's rate
    std::array<double, kMaxAge> copies{};  ///< another's delta, 1, 2, ... rounds late
    double mean = 0;                       ///< of all deltas ...
    unsigned mean_rounds = 1;              ///< ... of the last rounds
    double merges = 0;                     ///< the sum of the last W merges
    double old_merges = 0;  ///< the sum of older ones, less its projection on the last W
    double noise = 0;       ///< random signs

    double norm = 0;           ///< sent at so many mean norms; 0: as it comes
    bool line_search = false;  ///< at that of 0.25, 0.5, 1, 2 mean norms that lowers the loss most
    unsigned keys = 1;
    double key_noise = 0;      ///< random signs of this norm added for each key
    bool split = false;        ///< each key sends tiles of its own, of about the same norm
    bool reveal_best = false;  ///< commits with all keys, reveals the best, or none
    unsigned alone_every = 0;  ///< mines each such merge block and leaves the others out
};

class MixtureAttacker final : public Attacker {
  public:
    /// `network` and `kernels` must outlive it.
    MixtureAttacker(const LabNetwork& network, const Mixture& mixture, std::uint64_t seed,
                    const tensor::Kernels* kernels);

    Result<std::vector<Sent>> contribute(const PublicView& view) override;
    Result<std::vector<Sent>> reveal(const RevealView& view, std::vector<Sent> made) override;
    bool excludes_others(std::uint32_t round) const override;
    double tokens() const override { return tokens_; }

  private:
    using Vector = std::vector<float>;
    struct Part {
        double weight;
        Vector values;
    };

    Result<std::vector<Part>> parts(const PublicView& view);
    void add_old_work(const PublicView& view, std::vector<Part>& parts) const;
    consensus::Delta judge_gradient(const PublicView& view, const consensus::Delta& offset);
    std::int64_t judge_loss(const PublicView& view, const consensus::Delta& offset);
    consensus::Delta public_steps(const PublicView& view);
    Vector descent(const PublicView& view);
    Result<Vector> steps(const PublicView& view, const std::string& text, unsigned count);
    double best_norm(const PublicView& view, const Vector& direction);
    Vector random_signs(const PublicView& view);
    /// What of `sum` the key number `key` sends, before it is encoded.
    Vector part_of(const PublicView& view, const Vector& sum, std::size_t key);
    Hash256 fresh_seed();

    const LabNetwork& network_;
    const Mixture mixture_;
    std::uint64_t seed_;
    ThreadPool pool_{1};
    tensor::Compute compute_;
    worth::Judge judge_;
    std::map<std::string, std::vector<std::uint32_t>> texts_;
    std::map<std::string, std::unique_ptr<train::Trainer>> trainers_;
    std::vector<int> lengths_;  // of the public steps found last
    std::uint64_t draws_ = 0;
    double tokens_ = 0;
};

}  // namespace cairn::lab
