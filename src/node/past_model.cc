#include "node/past_model.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/log.h"
#include "consensus/ledger.h"
#include "node/assets.h"
#include "node/chain_state.h"
#include "node/served_model.h"
#include "proof/make.h"
#include "worth/chain_model.h"

namespace cairn::node {

namespace {

static_assert(std::endian::native == std::endian::little, "weights are kept as they lie in memory");

/// The active chain up to a height; its last block.
Result<const BlockNode*> read_headers(const store::Store& store, std::uint64_t height,
                                      BlockTree& tree) {
    const BlockNode* last = tree.genesis();
    for (std::uint64_t at = 1; at <= height; ++at) {
        ASSIGN_OR_RETURN(const chain::BlockHeader header, proof::header_at(store, at));
        if (header.previous != last->hash)
            return Error{ErrorCode::kCancelled,
                         "the node's chain moved while it was read: ask again"};
        last = tree.add(header);
    }
    return last;
}

/// The highest block with the merge block's model that a snapshot stands at, else the merge block:
/// then nothing need be replayed.
const BlockNode* nearest_with_model(const store::Store& store, const BlockNode* merge,
                                    const BlockNode* last) {
    const BlockNode* nearest = merge;
    const auto snapshots = store.snapshots();
    if (!snapshots.ok()) return merge;
    for (const store::SnapshotRecord& record : *snapshots) {
        if (record.height <= nearest->height || record.height > last->height) continue;
        const BlockNode* at = ancestor_at(last, static_cast<std::uint32_t>(record.height));
        if (at != nullptr && at->hash == record.block) nearest = at;
    }
    return nearest;
}

std::optional<std::vector<float>> kept_weights(const store::Store& store, const BlockNode* merge,
                                               std::size_t count) {
    const auto bytes = store.kept_model(merge->height, merge->hash);
    if (!bytes.ok() && bytes.error().code != ErrorCode::kNotFound)
        log_warn("{}", bytes.error().message);
    if (!bytes.ok() || bytes->size() != count * sizeof(float)) return std::nullopt;
    std::vector<float> weights(count);
    std::memcpy(weights.data(), bytes->data(), bytes->size());
    return weights;
}

Status replay_to(const PastModelSeams& seams, worth::ChainModel& model, const BlockTree& tree,
                 const BlockNode* target, PastModel& past) {
    std::uint64_t first = 0;
    ChainStateOptions options;
    options.max_undo = 0;
    options.replayed = [&](const BlockNode* block) {
        if (first == 0 || block->height < first) first = block->height;
        past.replayed = block->height - first + 1;
        if (seams.progress) seams.progress(past.replayed, target->height - first + 1);
    };
    ChainState state(seams.network, model, seams.store, tree.genesis(), options);
    const Status there = state.stand_at(target);
    if (there.ok()) return there;
    return Error{
        there.error().code,
        "the model of height " + std::to_string(past.height) +
            " cannot be made again from the blocks on this disk: " + there.error().message +
            "; let `cairn node` run on the folder, which fetches blocks again, or ask for "
            "another height"};
}

}  // namespace

Bytes weight_bytes(const std::vector<float>& weights) {
    Bytes bytes(weights.size() * sizeof(float));
    if (!bytes.empty()) std::memcpy(bytes.data(), weights.data(), bytes.size());
    return bytes;
}

model::Model own_model(const model::ParameterLayout& layout, std::span<const float> weights,
                       const text::Tokenizer* tokenizer) {
    const model::ParameterLayout dense(layout.config());
    std::vector<float> parameters(dense.size());
    model::copy_parameters(layout, weights, dense, parameters);
    return model::make_model(dense.config(), std::move(parameters),
                             tokenizer != nullptr ? tokenizer->serialise() : Bytes());
}

Result<std::uint64_t> best_height(const store::Store& store) {
    ASSIGN_OR_RETURN(const auto best, store.best_merge());
    if (best) return best->height;
    return not_found(
        "no merge block here has a report loss yet, so none is the best: either nothing has been "
        "merged, or the network names no report text (cairn chain info)");
}

Result<std::uint64_t> served_height(const chain::NetworkDefinition& network,
                                    const store::Store& store, std::uint64_t now_ms) {
    ASSIGN_OR_RETURN(const auto tip, store.tip());
    if (!tip || tip->height == 0) return std::uint64_t{0};
    ASSIGN_OR_RETURN(const chain::BlockHeader header, proof::header_at(store, tip->height));
    const auto height = static_cast<std::uint32_t>(tip->height);
    return std::uint64_t{settled_height(network, height, header.time_ms, now_ms)};
}

Result<PastModel> model_at(const PastModelSeams& seams, std::uint64_t height) {
    ASSIGN_OR_RETURN(const auto tip, seams.store.tip());
    const std::uint64_t top = tip ? tip->height : 0;
    if (height > top)
        return not_found("the chain here ends at height " + std::to_string(top) +
                         ", below the wanted " + std::to_string(height));
    Assets assets(seams.directory);
    PastModel past;
    if (!seams.network.tokenizer_hash.is_zero()) {
        ASSIGN_OR_RETURN(const auto bytes, assets.get(seams.network.tokenizer_hash));
        ASSIGN_OR_RETURN(past.tokenizer, text::parse_tokenizer(*bytes));
    }
    ASSIGN_OR_RETURN(const auto judge, assets.get(seams.network.judge_hash));
    ASSIGN_OR_RETURN(std::vector<std::uint32_t> tokens, token_text_from_bytes(*judge));
    ASSIGN_OR_RETURN(const auto model,
                     worth::ChainModel::create(seams.network, std::move(tokens), seams.compute));

    past.height = height - height % seams.network.round_length;
    const std::uint64_t last_with_model =
        std::min<std::uint64_t>(top, past.height + seams.network.round_length - 1);
    BlockTree tree(consensus::Ledger(seams.network, *model).genesis());
    ASSIGN_OR_RETURN(const BlockNode* last, read_headers(seams.store, last_with_model, tree));
    const BlockNode* merge = ancestor_at(last, static_cast<std::uint32_t>(past.height));
    past.block = merge->hash;
    past.state_root = merge->header.state_root;
    ASSIGN_OR_RETURN(const auto records, seams.store.merges(past.height, 1));
    if (!records.empty() && records[0].block == past.block)
        past.report_loss = records[0].report_loss;

    const model::ParameterLayout& layout = model->layout();
    const text::Tokenizer* tokenizer = past.tokenizer.get();
    if (past.height > 0) {
        if (const auto kept = kept_weights(seams.store, merge, layout.size())) {
            past.model = own_model(layout, *kept, tokenizer);
            return past;
        }
        RETURN_IF_ERROR(
            replay_to(seams, *model, tree, nearest_with_model(seams.store, merge, last), past));
    }
    past.model = own_model(layout, model->state().weights(), tokenizer);
    return past;
}

}  // namespace cairn::node
