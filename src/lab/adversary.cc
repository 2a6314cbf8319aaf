#include "lab/adversary.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.h"

namespace cairn::lab {
namespace {

constexpr double kLeastWork = 0.05;
constexpr std::size_t kParents = 5;

/// One network, after its honest rounds.
struct Arena {
    std::uint64_t seed = 0;
    LabNetwork network;
    std::unique_ptr<Rounds> rounds;
    Rounds::Saved start;
    double honest_loss = 0;  ///< of the report text, where only the honest go on
};

Result<std::unique_ptr<Arena>> make_arena(const AdversaryOptions& options, std::uint64_t seed,
                                          const tensor::Kernels* kernels) {
    auto arena = std::make_unique<Arena>();
    arena->seed = seed;
    ASSIGN_OR_RETURN(arena->network, make_lab_network(options.network, seed, kernels));
    ASSIGN_OR_RETURN(arena->rounds, Rounds::create(arena->network, seed, kernels));
    for (std::uint32_t i = 0; i < options.honest_rounds; ++i)
        RETURN_IF_ERROR(arena->rounds->play(nullptr));
    arena->start = arena->rounds->save();
    RETURN_IF_ERROR(arena->rounds->restore(arena->start));  // as before each try
    for (std::uint32_t i = 0; i < options.rounds; ++i)
        RETURN_IF_ERROR(arena->rounds->play(nullptr));
    arena->honest_loss = arena->rounds->report_loss();
    return arena;
}

Result<Played> play(Arena& arena, const Mixture& mixture, std::uint32_t count,
                    const tensor::Kernels* kernels) {
    RETURN_IF_ERROR(arena.rounds->restore(arena.start));
    MixtureAttacker attacker(arena.network, mixture, arena.seed, kernels);
    Tally tally;
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSIGN_OR_RETURN(const RoundOutcome outcome, arena.rounds->play(&attacker));
        tally.add(outcome);
    }
    return Played{tally.share(), attacker.tokens() / (arena.rounds->honest_tokens() * count),
                  tally.honest_merged(), arena.rounds->report_loss() / arena.honest_loss - 1,
                  tally.rounds_merged};
}

class Breeder {
  public:
    Breeder(std::uint64_t seed, std::uint32_t local_steps)
        : random_(seed), most_steps_(std::max(1U, local_steps / 2)) {}

    Mixture fresh() {
        Mixture mixture;
        for (int part = 0; part < kParts; ++part) {
            if (random_.below(3) == 0) set_part(mixture, part, weight());
        }
        if (!has_parts(mixture)) set_part(mixture, pick(kParts), weight());
        for (int setting = 0; setting < kSettings; ++setting) change_setting(mixture, setting);
        return mixture;
    }

    Mixture changed(Mixture mixture) {
        for (int left = 1 + pick(3); left > 0; --left) {
            if (random_.below(2) == 0)
                set_part(mixture, pick(kParts), random_.below(3) == 0 ? 0 : weight());
            else
                change_setting(mixture, pick(kSettings));
        }
        if (!has_parts(mixture)) set_part(mixture, pick(kParts), weight());
        return mixture;
    }

  private:
    static constexpr int kParts = 12;
    static constexpr int kSettings = 7;

    int pick(int count) {
        return static_cast<int>(random_.below(static_cast<std::uint64_t>(count)));
    }
    double one_of(std::initializer_list<double> values) {
        return *(values.begin() + pick(static_cast<int>(values.size())));
    }
    double weight() { return one_of({1, 1, 0.7, 0.5, 0.3, 0.1, -0.3}); }

    static void set_part(Mixture& mixture, int part, double weight) {
        double* const parts[kParts] = {&mixture.gradient,  &mixture.signs,      &mixture.judge,
                                       &mixture.own,       &mixture.copies[0],  &mixture.copies[1],
                                       &mixture.copies[2], &mixture.copies[3],  &mixture.mean,
                                       &mixture.merges,    &mixture.old_merges, &mixture.noise};
        *parts[part] = weight;
    }
    static bool has_parts(const Mixture& mixture) {
        for (const double copy : mixture.copies) {
            if (copy != 0) return true;
        }
        return mixture.gradient != 0 || mixture.signs != 0 || mixture.judge != 0 ||
               mixture.own != 0 || mixture.mean != 0 || mixture.merges != 0 ||
               mixture.old_merges != 0 || mixture.noise != 0;
    }
    unsigned some_steps() { return 1 + static_cast<unsigned>(random_.below(most_steps_)); }
    void change_setting(Mixture& mixture, int setting) {
        switch (setting) {
            case 0:
                mixture.norm = one_of({0.25, 0.35, 0.5, 0.7, 1, 1.4, 2});
                break;
            case 1:
                mixture.rate = one_of({0.5, 1, 1, 2, 4});
                break;
            case 2:
                mixture.keys = static_cast<unsigned>(one_of({1, 1, 1, 2, 3}));
                break;
            case 3:
                mixture.judge_steps = some_steps();
                break;
            case 4:
                mixture.own_steps = some_steps();
                break;
            case 5:
                mixture.behind_steps = static_cast<unsigned>(random_.below(4));
                mixture.foreseen = random_.below(3) == 0;
                mixture.batches = static_cast<unsigned>(one_of({1, 1, 2, 4}));
                break;
            default:
                mixture.mean_rounds = 1 + static_cast<unsigned>(random_.below(4));
                mixture.key_noise = mixture.keys > 1 ? one_of({0, 0.3, 1}) : 0;
        }
    }

    SeededRandom random_;
    std::uint32_t most_steps_;
};

void add_to_mean(Played& mean, const Played& played, double part) {
    mean.share += part * played.share;
    mean.compute_share += part * played.compute_share;
    mean.honest_merged += part * played.honest_merged;
    mean.harm += part * played.harm;
    mean.rounds_merged += played.rounds_merged;
}

}  // namespace

double pay_for_work(const Played& played) {
    return played.share / (played.compute_share + kLeastWork);
}

Result<std::vector<Try>> search_adversary(
    const AdversaryOptions& options, const tensor::Kernels* kernels,
    const std::function<void(std::size_t done, std::size_t total)>& progress) {
    const std::size_t best_count = std::min(options.best, options.tries);
    const std::size_t total = options.tries + best_count * options.replays;
    std::size_t done = 0;
    const auto told = [&] {
        if (progress) progress(done++, total);
    };
    ASSIGN_OR_RETURN(const auto arena, make_arena(options, options.seed, kernels));
    Breeder breeder(options.seed, arena->network.definition.recipe.local_steps);
    SeededRandom choice(options.seed + 1);
    std::vector<Try> tries;
    const auto better = [](const Try& a, const Try& b) { return a.objective > b.objective; };
    for (std::uint32_t i = 0; i < options.tries; ++i) {
        told();
        Try one;
        const std::size_t parents = std::min(kParents, tries.size());
        one.mixture = i < (options.tries + 1) / 2 || parents == 0
                          ? breeder.fresh()
                          : breeder.changed(tries[choice.below(parents)].mixture);
        ASSIGN_OR_RETURN(one.found, play(*arena, one.mixture, options.rounds, kernels));
        one.objective =
            options.objective == Objective::kReward ? pay_for_work(one.found) : one.found.harm;
        tries.insert(std::upper_bound(tries.begin(), tries.end(), one, better), std::move(one));
    }
    tries.resize(best_count);
    for (std::uint32_t i = 1; i <= options.replays; ++i) {
        ASSIGN_OR_RETURN(const auto other, make_arena(options, options.seed + i, kernels));
        for (Try& one : tries) {
            told();
            ASSIGN_OR_RETURN(const Played again,
                             play(*other, one.mixture, options.rounds, kernels));
            add_to_mean(one.replayed, again, 1.0 / options.replays);
        }
    }
    return tries;
}

std::string describe(const Mixture& mixture) {
    std::string text;
    const auto part = [&text](double weight, const std::string& what) {
        if (weight != 0)
            text += fmt::format("{}{:g} of {}", text.empty() ? "" : " + ", weight, what);
    };
    std::string where;
    if (mixture.behind_steps > 0) where = fmt::format(" behind {} steps", mixture.behind_steps);
    if (mixture.foreseen) where += " foreseen";
    if (mixture.batches > 1) where += fmt::format(" of {} batches", mixture.batches);
    const auto count = [](unsigned steps) { return steps == 0 ? "all" : std::to_string(steps); };
    part(mixture.gradient, "gradient" + where);
    part(mixture.signs, "signs" + where);
    part(mixture.judge, count(mixture.judge_steps) + " judge steps");
    part(mixture.own, count(mixture.own_steps) + " own steps");
    for (std::size_t age = 0; age < kMaxAge; ++age)
        part(mixture.copies[age], fmt::format("copy {} late", age + 1));
    part(mixture.mean, fmt::format("mean of {} rounds", mixture.mean_rounds));
    part(mixture.merges, "merges");
    part(mixture.old_merges, "old merges");
    part(mixture.noise, "noise");
    if (mixture.rate != 1 && (mixture.judge != 0 || mixture.own != 0))
        text += fmt::format(", at {:g} rates", mixture.rate);
    if (mixture.norm > 0) text += fmt::format(", norm {:g}", mixture.norm);
    if (mixture.keys > 1) text += fmt::format(", {} keys", mixture.keys);
    if (mixture.keys > 1 && mixture.key_noise > 0)
        text += fmt::format(" with {:g} noise", mixture.key_noise);
    return text;
}

}  // namespace cairn::lab
