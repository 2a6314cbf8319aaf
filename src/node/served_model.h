// ServedModel: the chain's model as people may ask it. It is the model of a merge block that lies
// so deep that a branch without it is not to be expected, so that nobody is answered by a model
// that the network then takes back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "chain/network.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace cairn::node {

struct BlockNode;

struct ServedModel {
    std::uint64_t height = 0;  ///< of the merge block; 0: the model with which the chain began
    Hash256 block;
    Hash256 state_root;
    std::uint64_t time_ms = 0;                         ///< of the block
    model::Model model;                                ///< a copy
    std::shared_ptr<const text::Tokenizer> tokenizer;  ///< null: the network names none
    Hash256 model_root{};                              ///< the part of the state root that is it
};

/// Whether the block at `height` is settled on a chain with this tip: it is if at least one block,
/// and at least the network's reveal_depth, stand upon it, or if the chain has stood still for a
/// round's time. Genesis always is.
bool is_settled(const chain::NetworkDefinition& network, std::uint32_t height,
                std::uint32_t tip_height, std::uint64_t tip_time_ms, std::uint64_t now_ms);
/// The last merge block up to `tip` (genesis before the first), if it is settled; else null.
const BlockNode* settled_merge(const chain::NetworkDefinition& network, const BlockNode* tip,
                               std::uint64_t now_ms);
/// The same by numbers alone: the merge block's height, if it is settled.
std::optional<std::uint32_t> settled_height(const chain::NetworkDefinition& network,
                                            std::uint32_t tip_height, std::uint64_t tip_time_ms,
                                            std::uint64_t now_ms);

}  // namespace cairn::node
