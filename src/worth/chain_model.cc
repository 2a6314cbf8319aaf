// CONSENSUS: changing a result here splits the network.
#include "worth/chain_model.h"

#include <algorithm>

#include "worth/exact_dot.h"

namespace cairn::worth {

using consensus::Delta;
using consensus::DeltaJudgement;
using consensus::JudgeKernels;
using consensus::MergedJudgement;
using consensus::ModelUndo;

namespace {

class ChainUndo final : public ModelUndo {
  public:
    explicit ChainUndo(MergeUndo undo) : undo_(std::move(undo)) {}
    const MergeUndo& record() const { return undo_; }

  private:
    MergeUndo undo_;
};

void clear_padding(const model::ParameterLayout& layout, std::span<std::int32_t> flat) {
    std::uint64_t used_until = 0;
    for (const model::TensorInfo& tensor : layout.tensors()) {
        std::fill(flat.begin() + static_cast<std::ptrdiff_t>(used_until),
                  flat.begin() + static_cast<std::ptrdiff_t>(tensor.offset), 0);
        used_until = tensor.offset + tensor.size();
    }
    std::fill(flat.begin() + static_cast<std::ptrdiff_t>(used_until), flat.end(), 0);
}

std::uint32_t novelty_rounds(const chain::NetworkDefinition& network) {
    return network.novelty ? network.novelty_rounds : 0;
}

}  // namespace

Result<std::unique_ptr<ChainModel>> ChainModel::create(const chain::NetworkDefinition& network,
                                                       std::vector<std::uint32_t> judge_tokens,
                                                       const tensor::Compute& compute) {
    const model::ModelConfig config = model_config(network);
    RETURN_IF_ERROR(model::validate(config));
    RETURN_IF_ERROR(chain::validate(network.codec));
    if (novelty_rounds(network) > kMaxNoveltyRounds)
        return invalid("network: novelty_rounds must be at most 16");
    const model::ParameterLayout layout(config, codec::kTile);
    if (layout.size() > codec::kMaxCodecParameters)
        return invalid("network: more parameters than a payload can carry");
    RETURN_IF_ERROR(validate_judge(layout, judge_rules(network), judge_tokens));
    if (token_text_hash(judge_tokens) != network.judge_hash)
        return invalid("the judge text is not the one that the network definition names");
    return std::unique_ptr<ChainModel>(new ChainModel(network, std::move(judge_tokens), compute));
}

ChainModel::ChainModel(const chain::NetworkDefinition& network,
                       std::vector<std::uint32_t> judge_tokens, const tensor::Compute& compute)
    : judge_rules_(judge_rules(network)),
      codec_(network.codec),
      judge_tokens_(std::move(judge_tokens)),
      compute_(compute),
      state_(model::ParameterLayout(model_config(network), codec::kTile), network.weights_seed,
             novelty_rounds(network)) {}

ChainModel::ChainModel(const ChainModel& original)
    : judge_rules_(original.judge_rules_),
      codec_(original.codec_),
      judge_tokens_(original.judge_tokens_),
      own_pool_(std::make_unique<ThreadPool>(1)),
      compute_{original.compute_.kernels, own_pool_.get()},
      state_(original.state_) {}

std::unique_ptr<consensus::ModelSeam> ChainModel::copy() const {
    return std::unique_ptr<consensus::ModelSeam>(new ChainModel(*this));
}

ChainModel::CachedJudge& ChainModel::cached_judge(JudgeKernels kernels) {
    const bool reference = kernels == JudgeKernels::kReference;
    std::unique_ptr<CachedJudge>& chosen = reference ? reference_ : fast_;
    if (chosen == nullptr) {
        tensor::Compute compute = compute_;
        if (reference) compute.kernels = tensor::kernels_for(tensor::KernelSet::kReference).value();
        chosen.reset(
            new CachedJudge{Judge(layout(), judge_rules_, judge_tokens_, compute), {}, {}});
    }
    return *chosen;
}

const JudgeGradient& ChainModel::gradient(JudgeKernels kernels, const Hash256& judge_seed) {
    CachedJudge& chosen = cached_judge(kernels);
    const Hash256 at = root();
    if (!chosen.gradient || chosen.gradient->root != at || chosen.gradient->seed != judge_seed)
        chosen.gradient =
            GradientAt{at, judge_seed, chosen.judge.gradient(state_.weights(), judge_seed)};
    return chosen.gradient->gradient;
}

Result<Delta> ChainModel::decode(ByteView payload, const Hash256& codec_seed) const {
    ASSIGN_OR_RETURN(Delta delta, codec::decode(codec_, payload, codec_seed, layout().size()));
    clear_padding(layout(), delta);
    return delta;
}

std::uint64_t ChainModel::norm(const Delta& delta) const {
    return integer_sqrt(dot(std::span(delta), std::span(delta)));
}

Result<DeltaJudgement> ChainModel::judge(JudgeKernels kernels, const Hash256& judge_seed,
                                         const Delta& delta) {
    if (delta.size() != layout().size()) return invalid("judge: a delta of another model");
    const std::span<const std::int32_t> d(delta);
    DeltaJudgement judgement;
    judgement.score = -dot(std::span<const std::int32_t>(gradient(kernels, judge_seed).values), d);
    judgement.dot_merged = dot(d, state_.recent_sum());
    judgement.norm = norm(delta);
    return judgement;
}

Result<MergedJudgement> ChainModel::judge_merged(JudgeKernels kernels, const Hash256& judge_seed) {
    MergedJudgement judgement;
    judgement.score = -dot(std::span<const std::int32_t>(gradient(kernels, judge_seed).values),
                           state_.recent_sum());
    judgement.norm2 = dot(state_.recent_sum(), state_.recent_sum());
    return judgement;
}

Result<std::int64_t> ChainModel::judge_loss(JudgeKernels kernels, const Hash256& judge_seed) {
    CachedJudge& chosen = cached_judge(kernels);
    const Hash256 at = root();
    if (chosen.gradient && chosen.gradient->root == at && chosen.gradient->seed == judge_seed)
        return chosen.gradient->gradient.loss;
    if (!chosen.loss || chosen.loss->root != at || chosen.loss->seed != judge_seed)
        chosen.loss = LossAt{at, judge_seed, chosen.judge.loss(state_.weights(), judge_seed)};
    return chosen.loss->loss;
}

Result<std::int64_t> ChainModel::judge_loss_after(JudgeKernels kernels, const Hash256& judge_seed,
                                                  const Delta& merged) {
    if (merged.size() != layout().size()) return invalid("judge: a delta of another model");
    return cached_judge(kernels).judge.loss(state_.weights_after(merged), judge_seed);
}

Status ChainModel::load(ByteView saved) {
    fast_.reset();
    reference_.reset();
    return state_.load(saved);
}

std::unique_ptr<ModelUndo> ChainModel::merge(const Delta& merged) {
    return std::make_unique<ChainUndo>(state_.merge(merged));
}

void ChainModel::undo(std::unique_ptr<ModelUndo> undo) {
    const auto* record = dynamic_cast<const ChainUndo*>(undo.get());
    CHECK(record != nullptr);
    state_.undo(record->record());
}

}  // namespace cairn::worth
