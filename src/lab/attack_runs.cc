#include "lab/attack_runs.h"

#include <algorithm>
#include <numeric>

namespace cairn::lab {
namespace {

double sum(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

Result<std::vector<NamedAttack>> chosen(const std::vector<std::string>& names) {
    if (names.empty()) return named_attacks();
    std::vector<NamedAttack> attacks;
    for (const std::string& name : names) {
        std::string all;
        for (const NamedAttack& attack : named_attacks()) {
            if (attack.name == name) attacks.push_back(attack);
            all += " " + attack.name;
        }
        if (attacks.empty() || attacks.back().name != name)
            return misused("no attack is called " + name + "; there are:" + all);
    }
    return attacks;
}

Result<HonestRun> run_honest(const LabNetwork& network, std::uint64_t seed, std::uint32_t count,
                             const tensor::Kernels* kernels) {
    ASSIGN_OR_RETURN(const auto rounds, Rounds::create(network, seed, kernels));
    HonestRun run;
    run.seed = seed;
    run.report_losses.push_back(rounds->report_loss());
    double lowest = run.report_losses.front();
    Tally tally;
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSIGN_OR_RETURN(const RoundOutcome outcome, rounds->play(nullptr));
        tally.add(outcome);
        const double loss = rounds->report_loss();
        run.drift = std::max(run.drift, loss / lowest - 1);
        lowest = std::min(lowest, loss);
        run.report_losses.push_back(loss);
    }
    run.rewards = tally.rewards;
    run.merged = tally.merged;
    for (double& merged : run.merged) merged /= count;
    run.empty_rounds = tally.empty_rounds;
    return run;
}

Result<AttackRow> run_attack(const LabNetwork& network, const NamedAttack& attack,
                             const HonestRun& honest, std::uint32_t count,
                             const tensor::Kernels* kernels) {
    ASSIGN_OR_RETURN(const auto rounds, Rounds::create(network, honest.seed, kernels));
    MixtureAttacker attacker(network, attack.mixture, honest.seed, kernels);
    Tally tally;
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSIGN_OR_RETURN(const RoundOutcome outcome, rounds->play(&attacker));
        tally.add(outcome);
    }
    AttackRow row;
    row.attack = attack.name;
    row.seed = honest.seed;
    row.reward = tally.reward;
    row.honest_reward = tally.honest_reward();
    row.share = tally.share();
    row.compute_share = attacker.tokens() / (rounds->honest_tokens() * count);
    row.committed = tally.committed;
    row.merged = tally.attacker_merged;
    row.rounds_merged = tally.rounds_merged;
    row.honest_merged = tally.honest_merged();
    row.report_loss = rounds->report_loss();
    row.harm = row.report_loss / honest.report_losses.back() - 1;
    return row;
}

}  // namespace

void Tally::add(const RoundOutcome& outcome) {
    for (std::size_t i = 0; i < kHonest; ++i) {
        rewards[i] += static_cast<double>(outcome.honest_rewards[i]);
        merged[i] += outcome.honest_merged[i] ? 1 : 0;
    }
    const bool any = std::find(outcome.honest_merged.begin(), outcome.honest_merged.end(), true) !=
                     outcome.honest_merged.end();
    reward += outcome.reward;
    committed += outcome.committed;
    attacker_merged += outcome.merged;
    rounds_merged += outcome.merged > 0 ? 1 : 0;
    empty_rounds += !any && outcome.merged == 0 ? 1 : 0;
    ++rounds;
}

double Tally::honest_reward() const { return sum(rewards) / kHonest; }
double Tally::honest_merged() const { return rounds == 0 ? 0 : sum(merged) / kHonest / rounds; }
double Tally::share() const { return static_cast<double>(reward) / std::max(1.0, honest_reward()); }

Result<AttackResults> run_attack_games(
    const AttackRunOptions& options, const tensor::Kernels* kernels,
    const std::function<void(std::size_t done, std::size_t total)>& progress) {
    ASSIGN_OR_RETURN(const std::vector<NamedAttack> attacks, chosen(options.attacks));
    AttackResults results;
    const std::size_t total = (attacks.size() + 1) * options.seeds;
    std::size_t done = 0;
    for (std::uint32_t i = 0; i < options.seeds; ++i) {
        const std::uint64_t seed = options.seed + i;
        ASSIGN_OR_RETURN(const LabNetwork network,
                         make_lab_network(options.network, seed, kernels));
        if (progress) progress(done, total);
        ASSIGN_OR_RETURN(HonestRun honest, run_honest(network, seed, options.rounds, kernels));
        for (const NamedAttack& attack : attacks) {
            if (progress) progress(++done, total);
            ASSIGN_OR_RETURN(AttackRow row,
                             run_attack(network, attack, honest, options.rounds, kernels));
            results.rows.push_back(std::move(row));
        }
        results.honest.push_back(std::move(honest));
        ++done;
    }
    return results;
}

}  // namespace cairn::lab
