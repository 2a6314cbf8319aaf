// ServedModel: the chain's model as people may ask it. It is the model of a merge block that lies
// so deep that a branch without it is not to be expected: nobody is answered by a model that the
// network then takes back, and whoever knows headers alone (light_client.h), to whom a state root
// is worth the blocks that lie upon it, is given no other.
#pragma once

#include <cstdint>
#include <memory>

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

/// So many blocks settle the one below them, however many make a round, or reveal_depth if that is
/// more. Without them the chain must have stood still for so many spacings that the network would
/// hardly ever have found none: a block's time is its miner's to choose, down to its parent's.
inline constexpr std::uint32_t kSettledBlocks = 6;
inline constexpr std::uint32_t kStillSpacings = 32;

/// Whether the block at `height` is settled on a chain with this tip. Genesis always is.
bool is_settled(const chain::NetworkDefinition& network, std::uint32_t height,
                std::uint32_t tip_height, std::uint64_t tip_time_ms, std::uint64_t now_ms);
/// The last merge block up to `tip` that is settled, at least genesis.
const BlockNode* settled_merge(const chain::NetworkDefinition& network, const BlockNode* tip,
                               std::uint64_t now_ms);
/// The same by numbers alone: its height.
std::uint32_t settled_height(const chain::NetworkDefinition& network, std::uint32_t tip_height,
                             std::uint64_t tip_time_ms, std::uint64_t now_ms);

}  // namespace cairn::node
