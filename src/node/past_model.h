// The chain's model as it was after any merge block, from what a node's data directory holds,
// beside the node or without one. The best model is kept as it was; any other is made again from
// the latest snapshot before it, by replaying the blocks between by the rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chain/network.h"
#include "model/weights.h"
#include "store/store.h"
#include "tensor/compute.h"
#include "text/tokenizer.h"

namespace cairn::node {

struct PastModel {
    std::uint64_t height = 0;  ///< of the merge block; 0: the model with which the chain began
    Hash256 block;
    Hash256 state_root;
    std::optional<double> report_loss;  ///< nats per token, where it is known
    std::uint64_t replayed = 0;         ///< blocks
    model::Model model;                 ///< with its tokenizer, where the network names one
    std::shared_ptr<const text::Tokenizer> tokenizer;  ///< null: the network names none
};

/// What is read; outlives what is asked. The store may be open for reading only.
struct PastModelSeams {
    const std::string& directory;  ///< its assets
    const chain::NetworkDefinition& network;
    store::Store& store;
    const tensor::Compute& compute;
    /// Told how many of how many blocks have been replayed. May be empty.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// The height of the merge block of lowest report loss on the active chain; kNotFound, in words,
/// where no loss is known.
Result<std::uint64_t> best_height(const store::Store& store);
/// The height of the merge block whose model a node on this chain serves (served_model.h).
Result<std::uint64_t> served_height(const chain::NetworkDefinition& network,
                                    const store::Store& store, std::uint64_t now_ms);
/// The model at a height of the active chain: that of the last merge block up to it. kNotFound
/// above the tip; kIo where a block on the way cannot be read, with what to do.
Result<PastModel> model_at(const PastModelSeams& seams, std::uint64_t height);

/// Weights in the chain's layout as they are kept (store/FORMAT.md).
Bytes weight_bytes(const std::vector<float>& weights);
/// The same weights without padding, as a model of its own that knows its tokenizer.
model::Model own_model(const model::ParameterLayout& layout, std::span<const float> weights,
                       const text::Tokenizer* tokenizer);

}  // namespace cairn::node
