#include "cli/papers/lab_paper_chain.h"

#include <memory>

#include <fmt/format.h>

#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/paper_chain_table.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

constexpr std::uint32_t kMostHashes = 64;  // a slice; more would find several blocks in one
constexpr std::size_t kMostMiners = 16;

struct ChainRequest {
    std::string power = "[1, 2, 5]";
    std::uint32_t blocks = 80;
    std::uint64_t seed = 1;
};

Result<std::vector<lab::PaperMiner>> miners_of(const std::string& power) {
    ASSIGN_OR_RETURN(const auto hashes, integers_of("--power", power));
    if (hashes.size() < 2 || hashes.size() > kMostMiners)
        return misused(fmt::format("--power: 2 to {} miners", kMostMiners));
    std::vector<lab::PaperMiner> miners;
    for (const std::int64_t each : hashes) {
        if (each < 1 || each > kMostHashes)
            return misused(fmt::format("--power: each is 1 to {}", kMostHashes));
        miners.push_back({.hashes = static_cast<std::uint32_t>(each)});
    }
    return miners;
}

Result<ResultTable> paper_chain(const ChainRequest& request) {
    ASSIGN_OR_RETURN(auto miners, miners_of(request.power));
    return lab::paper_chain_table({std::move(miners), request.blocks, request.seed},
                                  progress_bar("blocks"));
}

}  // namespace

void add_lab_paper_chain(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<ChainRequest>();
    const Command command = add_result_command(
        group, invocation, "paper-chain",
        "The GradientCoin paper's own network by real nodes: one winner a block, plain descent",
        "cairn lab paper-chain --power '[1, 2, 5]' --blocks 80",
        [request] { return paper_chain(*request); });
    command
        .add_option("--power", request->power,
                    "Hash power of each miner, as JSON: hashes in 50 virtual ms")
        .capture_default_str();
    command.add_option("--blocks", request->blocks, "Blocks of each network")
        .check(range(8, 100'000))
        .capture_default_str();
    command.add_option("--seed", request->seed, "Of the first weights, the windows and chance")
        .check(any_seed())
        .capture_default_str();
    pages.push_back({'A', "Definition 24 and Claim 25 by real nodes: the paper's own network",
                     [] { return paper_chain({}); }});
}

}  // namespace cairn::cli
