// `cairn lab paper-chain`: the network of the GradientCoin paper (papers A: A4, A9, A10) by real
// nodes in a simulation. Every block carries the update of who found it, K steps of plain gradient
// descent, sketched by the chain's codec; beside it a network that merges everybody's. Miners train
// for as long as it takes before they search, as the paper has it and a node does not. They have
// unequal hash power and, if wanted, texts of their own languages, so that one sees who wins blocks
// (papers A: A4) and whose text is learnt.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chain/network.h"

namespace cairn::lab {

/// A network that merges all has rounds of so many blocks; in each a trainer takes as many steps as
/// in so many blocks of one winner.
inline constexpr std::uint32_t kMergedRound = 4;

struct PaperMiner {
    std::uint32_t hashes = 1;         ///< in a slice of 50 ms
    std::uint32_t training_ms = 250;  ///< what K steps take, in virtual time
    bool operator==(const PaperMiner&) const = default;
};

struct PaperChainCase {
    bool one_winner = true;  ///< else rounds of kMergedRound blocks
    chain::Optimiser optimiser = chain::Optimiser::kSgd;
    bool unlike = false;  ///< each miner's text is of a language of its own
    chain::CodecSpec codec;
    std::vector<PaperMiner> miners;  ///< at most 16
};

struct PaperChainOutcome {
    struct Losses {
        std::uint32_t block = 0;
        double mean = 0;              ///< of the report text, nats a token
        std::vector<double> by_text;  ///< of each miner's language where they are unlike
    };
    std::vector<Losses> losses;      ///< ascending; the first is of block 0
    std::vector<std::uint32_t> won;  ///< blocks of each miner, of the first `blocks`
    double block_hashes = 0;         ///< the mean that a block took, by the targets
    std::uint32_t merged = 0;        ///< updates that became part of the model in them
    std::uint64_t made = 0;          ///< payloads that trainers made, in all
    std::uint64_t rescaled = 0;      ///< of these, scaled into C5's band of norms
    std::uint64_t payload_bytes = 0;
};

/// Runs the network for `blocks` blocks. `progress` is told the height now and then.
Result<PaperChainOutcome> run_paper_chain(const PaperChainCase& given, std::uint32_t blocks,
                                          std::uint64_t seed,
                                          const std::function<void(std::uint32_t)>& progress);

/// The part of the blocks that each miner finds where all begin a block at the same time, train for
/// their time and then search, if a block takes so many hashes in the mean.
std::vector<double> expected_wins(const std::vector<PaperMiner>& miners, double block_hashes);

}  // namespace cairn::lab
