#include "lab/rounds.h"

#include <algorithm>
#include <cmath>

#include "base/float_mode.h"
#include "chain/contribution.h"
#include "consensus/exact_dot.h"
#include "consensus/issuance.h"
#include "consensus/merge_policy.h"
#include "consensus/rules.h"
#include "crypto/hash.h"
#include "train/data.h"
#include "train/local_steps.h"
#include "worth/report.h"

namespace cairn::lab {
namespace {

using consensus::Delta;

/// Rounds that an attacker can look back on.
constexpr std::size_t kPast = 12;
constexpr int kMaxRescales = 5;
constexpr double kEdge = 0.02;  ///< how far inside the band to stay
constexpr double kNearEnough = 0.02;
constexpr std::uint32_t kReportWindows = 256;

}  // namespace

Hash256 lab_hash(std::string_view word, std::uint64_t a, std::uint64_t b) {
    Writer writer;
    writer.text(word);
    writer.u64(a);
    writer.u64(b);
    return crypto::sha256(writer.out());
}

crypto::PublicKey lab_key(std::string_view who, std::uint64_t number) {
    return lab_hash(who, number, 0);
}

Result<Bytes> encode_with_norm(const PublicView& view, const crypto::PublicKey& key,
                               std::vector<float> delta, double norm) {
    const chain::NetworkDefinition& network = view.network.definition;
    const Hash256 seed = chain::codec_seed(chain::genesis_id(network), view.round, key);
    const double least = static_cast<double>(view.band.least) * (1 + kEdge);
    const double most = static_cast<double>(view.band.most) * (1 - kEdge);
    Bytes payload;
    for (int i = 0; i < kMaxRescales; ++i) {
        payload = codec::encode(network.codec, codec::to_fixed(delta), seed);
        ASSIGN_OR_RETURN(const Delta decoded, view.model.decode(payload, seed));
        const auto got = static_cast<double>(consensus::norm(decoded));
        if (got == 0) break;
        const double wanted = std::clamp(norm > 0 ? norm : got, least, most);
        if (std::abs(wanted / got - 1) < kNearEnough) break;
        for (float& entry : delta) entry = static_cast<float>(entry * (wanted / got));
    }
    return payload;
}

Rounds::Rounds(const LabNetwork& network, std::uint64_t seed, const tensor::Kernels* kernels)
    : network_(network),
      genesis_id_(chain::genesis_id(network.definition)),
      seed_(seed),
      compute_{kernels, &pool_},
      rules_(network.definition) {}

Result<std::unique_ptr<Rounds>> Rounds::create(const LabNetwork& network, std::uint64_t seed,
                                               const tensor::Kernels* kernels) {
    set_float_mode();
    std::unique_ptr<Rounds> made(new Rounds(network, seed, kernels));
    ASSIGN_OR_RETURN(made->model_,
                     worth::ChainModel::create(network.definition, network.judge, made->compute_));
    made->judge_ =
        std::make_unique<consensus::MergeJudge>(*made->model_, consensus::JudgeKernels::kFast);
    for (std::size_t i = 0; i < kHonest; ++i)
        made->texts_.push_back(train::mix_texts(network.trainers[i],
                                                train::parts_of(network.judge, {}),
                                                network.definition.public_share));
    for (std::size_t i = 0; i < kHonest; ++i)
        made->trainers_.push_back(std::make_unique<train::Trainer>(
            made->model_->layout(), worth::train_recipe(network.definition), made->texts_[i],
            seed * 100 + i, made->compute_));
    return made;
}

PublicView Rounds::view() const {
    const std::uint64_t mean = rules_.mean_norm(network_.definition);
    return {network_,
            *model_,
            compute_,
            past_,
            round_,
            mean,
            consensus::norm_band(consensus::Rules{}, mean)};
}

double Rounds::honest_tokens() const {
    const chain::Recipe& recipe = network_.definition.recipe;
    return static_cast<double>(recipe.local_steps) * recipe.batch_tokens;
}

Result<Rounds::Entry> Rounds::entry_of(const Sent& sent, int honest) const {
    Entry entry;
    entry.key = sent.key;
    entry.id = lab_hash(to_hex(sent.key), round_, 0);
    entry.payload_hash = chain::payload_hash(sent.payload);
    ASSIGN_OR_RETURN(entry.delta, model_->decode(sent.payload,
                                                 chain::codec_seed(genesis_id_, round_, sent.key)));
    entry.norm = consensus::norm(entry.delta);
    entry.honest = honest;
    return entry;
}

Result<std::vector<Rounds::Entry>> Rounds::train_honest() {
    std::vector<Entry> entries;
    const std::uint64_t steps = network_.definition.recipe.local_steps;
    for (std::size_t i = 0; i < kHonest; ++i) {
        ASSIGN_OR_RETURN(train::LocalRun run,
                         train::run_local_steps(*trainers_[i], model_->state().weights(),
                                                round_ * steps, steps));
        Sent sent{lab_key("honest", i), {}};
        ASSIGN_OR_RETURN(sent.payload, encode_with_norm(view(), sent.key, std::move(run.delta), 0));
        ASSIGN_OR_RETURN(Entry entry, entry_of(sent, static_cast<int>(i)));
        entries.push_back(std::move(entry));
    }
    return entries;
}

Status Rounds::add_attacker(Attacker& attacker, std::vector<Entry>& entries,
                            RoundOutcome& outcome) {
    std::vector<Delta> others;
    for (const Entry& entry : entries) others.push_back(entry.delta);
    const PublicView open = view();
    ASSIGN_OR_RETURN(std::vector<Sent> made, attacker.contribute(open));
    outcome.committed = made.size();
    ASSIGN_OR_RETURN(
        const std::vector<Sent> sent,
        attacker.reveal({open, lab_hash("tip", seed_, round_), others}, std::move(made)));
    if (attacker.excludes_others(round_)) entries.clear();
    for (const Sent& one : sent) {
        ASSIGN_OR_RETURN(Entry entry, entry_of(one, -1));
        const bool copied = rules_.merged_in(entry.payload_hash) != nullptr;
        if (copied || entry.norm < open.band.least || entry.norm > open.band.most) continue;
        ++outcome.sent;
        entries.push_back(std::move(entry));
    }
    return ok_status();
}

consensus::MergeSet Rounds::set_of(const std::vector<Entry>& entries) const {
    consensus::MergeSet set;
    for (const Entry& entry : entries) set.ids.push_back(entry.id);
    const std::uint64_t mean = rules_.mean_norm(network_.definition);
    set.delta = [&entries, mean](std::size_t index) {
        const Entry& entry = entries.at(index);
        return Result<Delta>(consensus::at_mean_norm(entry.delta, entry.norm, mean));
    };
    return set;
}

Result<chain::MergeSteps> Rounds::leave_out_harmful(std::vector<Entry>& entries) {
    if (entries.empty()) return chain::MergeSteps{};
    const consensus::MergeSet candidates = set_of(entries);
    ASSIGN_OR_RETURN(const consensus::MergeChoice choice,
                     consensus::choose_merge(*judge_, candidates));
    std::vector<Entry> kept;
    for (const std::size_t index : choice.taken) kept.push_back(std::move(entries[index]));
    entries = std::move(kept);
    return choice.steps;
}

Status Rounds::merge(std::vector<Entry> entries, RoundOutcome& outcome) {
    const chain::NetworkDefinition& network = network_.definition;
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.id < b.id; });
    judge_->start(lab_hash("tip", seed_, round_));
    ASSIGN_OR_RETURN(outcome.steps, leave_out_harmful(entries));
    if (entries.empty()) return ok_status();
    const consensus::MergeSet set = set_of(entries);
    ASSIGN_OR_RETURN(const auto scores, judge_->scores(set, outcome.steps));
    consensus::RoundRecord record;
    record.round = round_;
    std::vector<consensus::WeighedWorth> worths;
    std::vector<consensus::PaidContribution> paid;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        worths.push_back(scores[i].weighed());
        paid.push_back({entries[i].key, entries[i].key, worths.back()});
        record.payload_hashes.push_back(entries[i].payload_hash);
        record.norm_sum += entries[i].norm;
    }
    std::sort(record.payload_hashes.begin(), record.payload_hashes.end());
    record.worth_median = consensus::median_of(worths);
    outcome.reference = consensus::worth_reference(record.worth_median, rules_.recent_medians());
    const consensus::Pay pay = consensus::compute_pay(
        network, network.merge_height(round_), lab_key("miner", 0), 0, paid, outcome.reference);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].honest < 0) {
            outcome.reward += pay.rewards[i];
            ++outcome.merged;
            continue;
        }
        const auto who = static_cast<std::size_t>(entries[i].honest);
        outcome.honest_rewards[who] = pay.rewards[i];
        outcome.honest_merged[who] = true;
    }
    ASSIGN_OR_RETURN(Delta merged, judge_->merged(set, outcome.steps.outer_step));
    model_->merge(merged);
    past_.front().merged = std::move(merged);
    rules_.finish_round(network, std::move(record), network.share_factor);
    return ok_status();
}

Result<RoundOutcome> Rounds::play(Attacker* attacker) {
    RoundOutcome outcome;
    outcome.honest_rewards.assign(kHonest, 0);
    outcome.honest_merged.assign(kHonest, false);
    ASSIGN_OR_RETURN(std::vector<Entry> entries, train_honest());
    PastRound now;
    for (const Entry& entry : entries) now.honest.push_back(entry.delta);
    now.merged.assign(model_->parameter_count(), 0);
    if (attacker != nullptr) RETURN_IF_ERROR(add_attacker(*attacker, entries, outcome));
    past_.push_front(std::move(now));
    if (past_.size() > kPast) past_.pop_back();
    RETURN_IF_ERROR(merge(std::move(entries), outcome));
    ++round_;
    return outcome;
}

double Rounds::report_loss() {
    return worth::report_loss(model_->layout(), model_->state().weights(), network_.report,
                              network_.definition.architecture.context, kReportWindows, compute_);
}

Rounds::Saved Rounds::save() const {
    Saved saved{round_, model_->save(), rules_, past_, {}};
    for (const auto& trainer : trainers_) saved.trainers.push_back(trainer->save());
    return saved;
}

Status Rounds::restore(const Saved& saved) {
    RETURN_IF_ERROR(model_->load(saved.model));
    for (std::size_t i = 0; i < trainers_.size(); ++i)
        RETURN_IF_ERROR(trainers_[i]->load(saved.trainers.at(i)));
    rules_ = saved.rules;
    past_ = saved.past;
    round_ = saved.round;
    judge_ = std::make_unique<consensus::MergeJudge>(*model_, consensus::JudgeKernels::kFast);
    return ok_status();
}

}  // namespace cairn::lab
