// Replaying a chain from genesis: the same ledger and model that a node has, fed with the bodies
// on disk. It needs no trust in anybody, not even in the node that wrote them.
#include <limits>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/chain/chain_command.h"
#include "cli/chain/chain_model.h"
#include "cli/chain/data_directory.h"
#include "cli/local_model.h"
#include "consensus/ledger.h"
#include "console/json_line.h"
#include "node/block_tree.h"

namespace cairn::cli {

namespace {

// Times were judged against the clock when the blocks came.
constexpr std::uint64_t kAnyTime = std::numeric_limits<std::uint64_t>::max() / 2;

struct Replay {
    std::uint64_t height = 0;
    std::uint64_t merges = 0;
    std::uint64_t contributions = 0;
    std::uint64_t minted = 0;
    Hash256 state_root;
};

Error broken(std::uint64_t height, const Verdict& verdict) {
    if (verdict.is_undecided())
        return io_error(fmt::format("block {} could not be judged on this machine: {}", height,
                                    verdict.reason()));
    return invalid(fmt::format("block {} breaks the rules: {}", height, verdict.reason()));
}

Result<Replay> replay(const ChainReader& chain, worth::ChainModel& model, std::uint64_t to) {
    consensus::Ledger ledger(chain.network, model);
    node::BlockTree tree(ledger.genesis());
    const node::BlockNode* tip = tree.genesis();
    Replay result;
    const SystemClock clock;
    Progress progress(clock, "replaying", to);
    for (std::uint64_t height = 1; height <= to; ++height) {
        auto block = chain.block_at(height);
        if (!block.ok())
            return Error{block.error().code,
                         fmt::format("block {}: {}", height, block.error().message)};
        consensus::BlockReport report;
        const Verdict verdict =
            ledger.connect(*block, node::context_after(tip), kAnyTime, nullptr, &report);
        if (!verdict.is_valid()) return broken(height, verdict);
        if (!report.disagreement.empty()) return io_error(report.disagreement);
        tip = tree.add(block->header);
        result.merges += report.merge ? 1 : 0;
        result.contributions += block->contributions.size();
        result.minted += report.minted;
        progress.update(height);
    }
    result.height = ledger.height();
    result.state_root = ledger.state_root();
    return result;
}

}  // namespace

Status run_chain_verify(const ChainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
    const std::uint64_t height = tip ? tip->height : 0;
    if (request.to && *request.to > height)
        return not_found(fmt::format("the chain here ends at height {}", height));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto model,
                     make_chain_model(request.directory, chain.network, machine->compute()));
    const SystemClock clock;
    const std::uint64_t started_us = clock.monotonic_us();
    ASSIGN_OR_RETURN(const Replay result, replay(chain, *model, request.to.value_or(height)));
    const double seconds = static_cast<double>(clock.monotonic_us() - started_us) / 1e6;
    if (request.json) {
        out << console::json_line(nlohmann::json{{"valid", true},
                                                 {"height", result.height},
                                                 {"merge_blocks", result.merges},
                                                 {"contributions", result.contributions},
                                                 {"minted", result.minted},
                                                 {"state_root", to_hex(result.state_root)},
                                                 {"kernels", machine->kernels()},
                                                 {"threads", machine->threads()},
                                                 {"seconds", seconds}});
        return ok_status();
    }
    out << fmt::format(
        "Every block from genesis to {} is valid: {} merge blocks with {} contributions, replayed "
        "in {:.1f} s ({} kernels).\nstate root {}\n",
        result.height, result.merges, result.contributions, seconds, machine->kernels(),
        to_hex(result.state_root));
    return ok_status();
}

}  // namespace cairn::cli
