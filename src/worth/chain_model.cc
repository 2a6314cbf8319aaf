// CONSENSUS: changing a result here splits the network.
#include "worth/chain_model.h"

#include <algorithm>

#include "consensus/exact_dot.h"

namespace cairn::worth {

using consensus::Delta;
using consensus::JudgeBatch;
using consensus::JudgeKernels;
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

}  // namespace

Result<std::unique_ptr<ChainModel>> ChainModel::create(const chain::NetworkDefinition& network,
                                                       std::vector<std::uint32_t> judge_tokens,
                                                       const tensor::Compute& compute) {
    const model::ModelConfig config = model_config(network);
    RETURN_IF_ERROR(model::validate(config));
    RETURN_IF_ERROR(chain::validate(network.codec));
    if (network.novelty_rounds > kMaxNoveltyRounds)
        return invalid("network: novelty_rounds must be at most 16");
    const model::ParameterLayout layout(config, codec::kTile);
    if (layout.size() > codec::kMaxCodecParameters)
        return invalid("network: more parameters than a payload can carry");
    const std::uint64_t saved = saved_bytes(layout.size(), network.novelty_rounds);
    if (saved > kMaxSavedBytes)
        return invalid("network: a snapshot of " + std::to_string(layout.size()) +
                       " parameters and " + std::to_string(network.novelty_rounds) +
                       " merges (novelty_rounds) would take " + std::to_string(saved >> 30) +
                       " GiB, and a node writes at most " + std::to_string(kMaxSavedBytes >> 30) +
                       "; give it a smaller model, or fewer novelty_rounds");
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
             network.novelty_rounds) {}

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

Judge& ChainModel::judge(JudgeKernels kernels) {
    const bool reference = kernels == JudgeKernels::kReference;
    std::unique_ptr<Judge>& chosen = reference ? reference_ : fast_;
    if (chosen == nullptr) {
        tensor::Compute compute = compute_;
        if (reference) compute.kernels = tensor::kernels_for(tensor::KernelSet::kReference).value();
        chosen = std::make_unique<Judge>(layout(), judge_rules_, judge_tokens_, compute);
    }
    return *chosen;
}

Result<Delta> ChainModel::decode(ByteView payload, const Hash256& codec_seed) const {
    ASSIGN_OR_RETURN(Delta delta, codec::decode(codec_, payload, codec_seed, layout().size()));
    clear_padding(layout(), delta);
    return delta;
}

// Of a full tile's decoded energy the part c is the update's and the rest noise. The noise is
// spread over the whole tile, and what falls into padding is taken out again: with n parameters of
// 4096 c / (c + (1 - c) n / 4096) is the update's. Tiles of few parameters count as a quarter full,
// or noise in them would make copies look unlike.
std::uint32_t ChainModel::payload_cosine(const Delta& delta) const {
    constexpr Int128 kOne = 1 << 16;
    constexpr std::uint64_t kLeast = codec::kTile / 4;
    const Int128 c = chain::payload_cosine(codec_);
    const std::span<const std::int32_t> all(delta);
    Int128 energy = 0;
    Int128 of_updates = 0;
    for (const model::TensorInfo& tensor : layout().tensors()) {
        for (std::uint64_t at = 0; at < tensor.size(); at += codec::kTile) {
            const std::uint64_t n = std::min<std::uint64_t>(codec::kTile, tensor.size() - at);
            const auto part = all.subspan(tensor.offset + at, n);
            const Int128 square = consensus::dot(part, part);
            const Int128 update = c * codec::kTile;
            energy += square;
            of_updates += square * update / (update + (kOne - c) * std::max(n, kLeast));
        }
    }
    return static_cast<std::uint32_t>(
        energy == 0 ? c : std::max<Int128>(1, kOne * of_updates / energy));
}

Result<Delta> ChainModel::judge_gradient(JudgeKernels kernels, const Hash256& judge_seed,
                                         JudgeBatch batch, const Delta& offset) {
    if (offset.empty()) return judge(kernels).gradient(state_.weights(), batch, judge_seed);
    if (offset.size() != layout().size()) return invalid("judge: a step of another model");
    return judge(kernels).gradient(state_.weights_after(offset), batch, judge_seed);
}

Result<std::int64_t> ChainModel::judge_loss(JudgeKernels kernels, const Hash256& judge_seed,
                                            const Delta& offset) {
    if (offset.empty()) return judge(kernels).loss(state_.weights(), judge_seed);
    if (offset.size() != layout().size()) return invalid("judge: a step of another model");
    return judge(kernels).loss(state_.weights_after(offset), judge_seed);
}

std::unique_ptr<ModelUndo> ChainModel::merge(const Delta& merged) {
    return std::make_unique<ChainUndo>(state_.merge(merged));
}

void ChainModel::undo(std::unique_ptr<ModelUndo> undo) {
    const auto* record = dynamic_cast<const ChainUndo*>(undo.get());
    CHECK(record != nullptr);
    state_.undo(record->record());
}

std::vector<std::int32_t> ChainModel::theta_before(std::span<const ModelUndo* const> merges) const {
    std::vector<const MergeUndo*> records;
    for (const ModelUndo* merge : merges) {
        const auto* record = dynamic_cast<const ChainUndo*>(merge);
        CHECK(record != nullptr);
        records.push_back(&record->record());
    }
    return state_.theta_before(records);
}

}  // namespace cairn::worth
