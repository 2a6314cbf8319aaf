#include "lab/mixture.h"

#include <algorithm>
#include <limits>

#include "lab/vectors.h"
#include "train/data.h"
#include "train/local_steps.h"

namespace cairn::lab {

using consensus::Delta;
using consensus::JudgeBatch;

namespace {

constexpr int kFirstLength = 14;  ///< 2^(14 - 1) units of 2^-24
constexpr double kNorms[] = {0.25, 0.5, 1, 2};

/// The merges older than the last `window`, less what of them is in the span of those.
std::vector<float> outside_window(const std::deque<PastRound>& past, std::size_t window,
                                  std::size_t size) {
    std::vector<std::vector<float>> basis;  // orthonormal
    std::vector<float> sum(size, 0.0F);
    const auto project_out = [&basis](std::vector<float>& values) {
        for (const auto& direction : basis)
            add_times(values, -dot_of(direction, values), direction);
    };
    for (std::size_t i = 0; i < past.size(); ++i) {
        std::vector<float> merged = to_floats(past[i].merged);
        if (i >= window) {
            add_times(sum, 1, merged);
            continue;
        }
        project_out(merged);
        normalise(merged);
        basis.push_back(std::move(merged));
    }
    project_out(sum);
    return sum;
}

/// The tiles that fall to one of `keys`: the largest first, each to whoever has least so far.
std::vector<float> tiles_of(const std::vector<float>& sum, std::size_t key, std::size_t keys) {
    struct Tile {
        double energy;
        std::size_t first;
    };
    std::vector<Tile> tiles;
    for (std::size_t first = 0; first < sum.size(); first += codec::kTile) {
        const auto tile =
            std::span(sum).subspan(first, std::min<std::size_t>(codec::kTile, sum.size() - first));
        tiles.push_back({dot_of(tile, tile), first});
    }
    std::ranges::stable_sort(tiles, std::greater<>(), &Tile::energy);
    std::vector<double> energies(keys, 0.0);
    std::vector<float> part(sum.size(), 0.0F);
    for (const Tile& tile : tiles) {
        const auto least = std::ranges::min_element(energies);
        *least += tile.energy;
        if (least - energies.begin() != static_cast<std::ptrdiff_t>(key)) continue;
        const std::size_t end = std::min<std::size_t>(tile.first + codec::kTile, sum.size());
        for (std::size_t i = tile.first; i < end; ++i) part[i] = sum[i];
    }
    return part;
}

}  // namespace

MixtureAttacker::MixtureAttacker(const LabNetwork& network, const Mixture& mixture,
                                 std::uint64_t seed, const tensor::Kernels* kernels)
    : network_(network),
      mixture_(mixture),
      seed_(seed),
      compute_{kernels, &pool_},
      judge_(model::ParameterLayout(worth::model_config(network.definition), codec::kTile),
             worth::judge_rules(network.definition), network.judge, compute_) {}

Hash256 MixtureAttacker::fresh_seed() { return lab_hash("attacker's own", seed_, ++draws_); }

Delta MixtureAttacker::judge_gradient(const PublicView& view, const Delta& offset) {
    tokens_ += judge_.rules().leaf_tokens;
    const worth::ModelState& state = view.model.state();
    if (offset.empty()) return judge_.gradient(state.weights(), JudgeBatch::kScoring, fresh_seed());
    return judge_.gradient(state.weights_after(offset), JudgeBatch::kScoring, fresh_seed());
}

/// On one batch for each round, so that losses can be compared.
std::int64_t MixtureAttacker::judge_loss(const PublicView& view, const Delta& offset) {
    tokens_ += judge_.rules().loss_tokens() / 3.0;
    return judge_.loss(view.model.state().weights_after(offset),
                       lab_hash("attacker's losses", seed_, view.round));
}

/// Each against the signs of the gradient behind those before, as far as lowers the loss most.
Delta MixtureAttacker::public_steps(const PublicView& view) {
    Delta offset(view.model.layout().size(), 0);
    lengths_.resize(mixture_.behind_steps, kFirstLength);
    for (int& at : lengths_) {
        const Delta gradient = judge_gradient(view, offset);
        const auto behind = [&](int length) {
            Delta sum = consensus::against_signs(gradient, static_cast<std::uint8_t>(length));
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += offset[i];
            return sum;
        };
        std::map<int, std::int64_t> losses;
        const auto loss_at = [&](int length) {
            const auto known = losses.find(length);
            if (known != losses.end()) return known->second;
            return losses[length] = judge_loss(view, behind(length));
        };
        while (at > 0 && loss_at(at - 1) < loss_at(at)) --at;
        while (at < consensus::kPublicSteps && loss_at(at + 1) < loss_at(at)) ++at;
        offset = behind(at);
    }
    return offset;
}

MixtureAttacker::Vector MixtureAttacker::descent(const PublicView& view) {
    Delta offset;
    if (mixture_.behind_steps > 0) offset = public_steps(view);
    if (mixture_.foreseen && !view.past.empty()) {
        if (offset.empty()) offset.assign(view.model.layout().size(), 0);
        offset = consensus::middle(offset, view.past.front().merged);
    }
    Vector direction(view.model.layout().size(), 0.0F);
    for (unsigned i = 0; i < mixture_.batches; ++i)
        add_times(direction, -1, to_floats(judge_gradient(view, offset)));
    return direction;
}

Result<MixtureAttacker::Vector> MixtureAttacker::steps(const PublicView& view,
                                                       const std::string& text, unsigned count) {
    const chain::NetworkDefinition& network = network_.definition;
    const std::uint64_t all = network.recipe.local_steps;
    if (trainers_.find(text) == trainers_.end()) {
        texts_[text] = text == "judge" ? network_.judge
                                       : train::mix_texts(network_.trainers.at(kHonest),
                                                          train::parts_of(network_.judge, {}),
                                                          network.public_share);
        train::Recipe recipe = worth::train_recipe(network);
        recipe.peak_rate *= mixture_.rate;
        trainers_[text] = std::make_unique<train::Trainer>(
            view.model.layout(), recipe, texts_[text], seed_ * 100 + 50, compute_);
    }
    const std::uint64_t wanted = count == 0 ? all : count;
    tokens_ += static_cast<double>(wanted) * network.recipe.batch_tokens;
    ASSIGN_OR_RETURN(train::LocalRun run,
                     train::run_local_steps(*trainers_[text], view.model.state().weights(),
                                            view.round * all, wanted));
    return std::move(run.delta);
}

MixtureAttacker::Vector MixtureAttacker::random_signs(const PublicView& view) {
    SeededRandom random(Reader(fresh_seed().view()).u64());
    Vector signs(view.model.layout().size(), 0.0F);
    for (const model::TensorInfo& tensor : view.model.layout().tensors()) {
        for (std::uint64_t i = 0; i < tensor.size(); ++i)
            signs[tensor.offset + i] = random.below(2) == 0 ? 1.0F : -1.0F;
    }
    return signs;
}

void MixtureAttacker::add_old_work(const PublicView& view, std::vector<Part>& parts) const {
    const std::size_t size = view.model.layout().size();
    const auto& past = view.past;
    for (std::size_t age = 0; age < kMaxAge; ++age) {
        if (mixture_.copies[age] == 0 || age >= past.size()) continue;
        parts.push_back({mixture_.copies[age], to_floats(past[age].honest[view.round % kHonest])});
    }
    if (mixture_.mean != 0 && !past.empty()) {
        Vector mean(size, 0.0F);
        const std::size_t rounds = std::min<std::size_t>(mixture_.mean_rounds, past.size());
        for (std::size_t i = 0; i < rounds; ++i) {
            for (const Delta& delta : past[i].honest) add_times(mean, 1, to_floats(delta));
        }
        scale_by(mean, 1.0 / static_cast<double>(rounds * kHonest));
        parts.push_back({mixture_.mean, std::move(mean)});
    }
    const std::size_t window = network_.definition.novelty_rounds;
    if (mixture_.merges != 0 && !past.empty()) {
        Vector sum(size, 0.0F);
        for (std::size_t i = 0; i < std::min(window, past.size()); ++i)
            add_times(sum, 1, to_floats(past[i].merged));
        parts.push_back({mixture_.merges, std::move(sum)});
    }
    if (mixture_.old_merges != 0 && past.size() > window)
        parts.push_back({mixture_.old_merges, outside_window(past, window, size)});
}

Result<std::vector<MixtureAttacker::Part>> MixtureAttacker::parts(const PublicView& view) {
    std::vector<Part> parts;
    if (mixture_.gradient != 0) parts.push_back({mixture_.gradient, descent(view)});
    if (mixture_.signs != 0) {
        Vector signs = descent(view);
        for (float& value : signs) value = value > 0 ? 1.0F : value < 0 ? -1.0F : 0.0F;
        parts.push_back({mixture_.signs, std::move(signs)});
    }
    if (mixture_.judge != 0) {
        ASSIGN_OR_RETURN(Vector taken, steps(view, "judge", mixture_.judge_steps));
        parts.push_back({mixture_.judge, std::move(taken)});
    }
    if (mixture_.own != 0) {
        ASSIGN_OR_RETURN(Vector taken, steps(view, "own", mixture_.own_steps));
        parts.push_back({mixture_.own, std::move(taken)});
    }
    add_old_work(view, parts);
    if (mixture_.noise != 0) parts.push_back({mixture_.noise, random_signs(view)});
    return parts;
}

double MixtureAttacker::best_norm(const PublicView& view, const Vector& direction) {
    double best = 1;
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    for (const double norm : kNorms) {
        Vector step = direction;
        normalise(step);
        scale_by(step, norm * static_cast<double>(view.mean_norm) * 0x1p-24);
        const std::int64_t loss = judge_loss(view, codec::to_fixed(step));
        if (loss >= lowest) continue;
        lowest = loss;
        best = norm;
    }
    return best;
}

MixtureAttacker::Vector MixtureAttacker::part_of(const PublicView& view, const Vector& sum,
                                                 std::size_t key) {
    Vector delta = sum;
    if (mixture_.split) delta = tiles_of(sum, key, mixture_.keys);
    if (mixture_.key_noise > 0) {
        Vector noise = random_signs(view);
        add_times(delta, mixture_.key_noise * norm_of(delta) / norm_of(noise), noise);
    }
    return delta;
}

Result<std::vector<Sent>> MixtureAttacker::contribute(const PublicView& view) {
    ASSIGN_OR_RETURN(std::vector<Part> mixed, parts(view));
    std::vector<Sent> sent;
    if (mixed.empty()) return sent;  // too early for copies
    Vector sum(view.model.layout().size(), 0.0F);
    const bool single = mixed.size() == 1;
    for (Part& part : mixed) {
        if (!single) normalise(part.values);
        add_times(sum, part.weight, part.values);
    }
    if (norm_of(sum) == 0) return sent;
    double norm = mixture_.norm > 0 ? mixture_.norm : single ? 0.0 : 1.0;
    if (mixture_.line_search) norm = best_norm(view, sum);
    for (unsigned i = 0; i < mixture_.keys; ++i) {
        Vector delta = part_of(view, sum, i);
        Sent one{lab_key("attacker", i), {}};
        ASSIGN_OR_RETURN(one.payload, encode_with_norm(view, one.key, std::move(delta),
                                                       norm * static_cast<double>(view.mean_norm)));
        sent.push_back(std::move(one));
    }
    return sent;
}

/// Scores all that it committed to as the judge will, but for its own part of the joint step.
Result<std::vector<Sent>> MixtureAttacker::reveal(const RevealView& view, std::vector<Sent> made) {
    if (!mixture_.reveal_best || made.empty()) return made;
    const auto model = view.open.model.copy();
    consensus::MergeJudge judge(*model, consensus::JudgeKernels::kFast);
    judge.start(view.tip);
    consensus::MergeSet set;
    for (std::size_t i = 0; i < view.others.size(); ++i) set.ids.push_back(lab_hash("other", i, 0));
    set.delta = [&view](std::size_t index) { return Result<Delta>(view.others.at(index)); };
    ASSIGN_OR_RETURN(const chain::MergeSteps steps, judge.find_steps(set));
    ASSIGN_OR_RETURN(const Delta merged, judge.merged(set, steps.outer_step));
    const auto gradient_at = [&](JudgeBatch batch, const Delta& offset) {
        tokens_ += judge_.rules().leaf_tokens;
        return model->judge_gradient(consensus::JudgeKernels::kFast, view.tip, batch, offset);
    };
    ASSIGN_OR_RETURN(const Delta open, gradient_at(JudgeBatch::kPublic, {}));
    const Delta offset =
        consensus::middle(consensus::against_signs(open, steps.public_step), merged);
    ASSIGN_OR_RETURN(const Delta gradient, gradient_at(JudgeBatch::kScoring, offset));
    std::vector<Sent> best;
    Int128 highest = 0;
    for (Sent& one : made) {
        const Hash256 seed =
            chain::codec_seed(chain::genesis_id(network_.definition), view.open.round, one.key);
        ASSIGN_OR_RETURN(const Delta delta, view.open.model.decode(one.payload, seed));
        const Int128 score = consensus::first_order_gain(gradient, delta);
        if (score <= highest) continue;
        highest = score;
        best.assign(1, std::move(one));
    }
    return best;
}

bool MixtureAttacker::excludes_others(std::uint32_t round) const {
    return mixture_.alone_every > 0 && (round + 1) % mixture_.alone_every == 0;
}

}  // namespace cairn::lab
