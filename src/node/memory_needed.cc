#include "node/memory_needed.h"

#include <algorithm>

#include "codec/codec.h"
#include "model/layout.h"
#include "node/chain_state.h"
#include "worth/model_state.h"
#include "worth/network_rules.h"

namespace cairn::node {

namespace {

/// Roughly what a node keeps for each parameter of the model, in numbers of four bytes, besides the
/// merges that it can take back.
std::uint64_t numbers_per_parameter(bool trains) {
    constexpr std::uint64_t kState = 2;          // theta in integers, and as floats to compute with
    constexpr std::uint64_t kReferenceCopy = 2;  // the same again, for Lane::kReference
    constexpr std::uint64_t kWeightsLent = 2;    // to lanes that train, serve and report losses
    // Gradients of both batches, as floats and as integers; a step, and the weights behind it.
    constexpr std::uint64_t kJudge = 2 + 2 + 1 + 1;
    // Parameters, their gradient, AdamW's two moments; where the steps began, and their delta.
    constexpr std::uint64_t kTrainer = 1 + 1 + 2 + 1 + 1;
    return kState + kReferenceCopy + kWeightsLent + kJudge + (trains ? kTrainer : 0);
}

/// Roughly the bytes of a pass over text: what a microbatch leaves in the layers, and its logits.
std::uint64_t pass_bytes(const chain::Architecture& shape) {
    constexpr std::uint64_t kMicrobatch = 1024;  // tokens, or a window of text if that is longer
    constexpr std::uint64_t kOfWidth = 8;        // rows of the residual stream's width, by layer
    constexpr std::uint64_t kOfHidden = 4;       // of the feed-forward's
    const std::uint64_t of_layer = kOfWidth * shape.dim + kOfHidden * shape.hidden_dim;
    const std::uint64_t of_token = shape.vocab + shape.layers * of_layer;
    return std::max<std::uint64_t>(kMicrobatch, shape.context) * of_token * sizeof(float);
}

}  // namespace

std::uint64_t memory_needed(const chain::NetworkDefinition& network, bool trains) {
    constexpr std::uint64_t kEverythingElse = std::uint64_t{64} << 20;
    constexpr std::uint64_t kSnapshotCopies = 2;  // of the saved state, while one is written
    const std::uint64_t parameters =
        model::ParameterLayout(worth::model_config(network), codec::kTile).size();
    // A merged delta is a number for each parameter.
    const std::uint64_t merges =
        std::max(network.novelty_rounds, ChainStateOptions{}.max_undo / network.round_length);
    const std::uint64_t passes = trains ? 4 : 3;  // the judge's two, the report's, the trainer's
    return parameters * sizeof(std::int32_t) * (numbers_per_parameter(trains) + merges) +
           passes * pass_bytes(network.architecture) +
           kSnapshotCopies * worth::saved_bytes(parameters, network.novelty_rounds) +
           kEverythingElse;
}

}  // namespace cairn::node
