// Judging blocks that come as bytes in a file, one by one, as a node would judge them: so that
// another implementation's verdicts can be held against this one's (tools/check-chain).
#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/chain/chain_command.h"
#include "cli/chain/chain_model.h"
#include "cli/chain/data_directory.h"
#include "cli/local_model.h"
#include "cli/text_lines.h"
#include "consensus/ledger.h"
#include "console/json_line.h"
#include "node/block_tree.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMostLines = 10'000'000;

/// One line of the file that holds a block.
struct Entry {
    bool becomes_tip = false;
    Bytes bytes;
};

/// nullopt for lines to skip: remarks, and given worths, which this program computes itself.
Result<std::optional<Entry>> entry_of(const TextLine& line) {
    const std::size_t blank = std::min(line.text.find(' '), line.text.size());
    const std::string kind = line.text.substr(0, blank);
    if (kind == "worth" || kind.starts_with('#')) return std::optional<Entry>();
    auto bytes =
        from_hex(std::string_view(line.text).substr(std::min(blank + 1, line.text.size())));
    if ((kind != "block" && kind != "try") || !bytes.ok())
        return invalid(fmt::format("line {} is neither `block HEX` nor `try HEX`", line.number));
    return std::optional<Entry>(Entry{kind == "block", std::move(*bytes)});
}

/// The chain so far, and the blocks' judge.
class Chain {
  public:
    Chain(const chain::NetworkDefinition& network, worth::ChainModel& model)
        : ledger_(network, model), tree_(ledger_.genesis()), tip_(tree_.genesis()) {}

    std::uint32_t height() const { return ledger_.height(); }
    Hash256 tip() const { return ledger_.tip(); }

    Verdict judge(const Entry& entry, std::uint64_t now_ms) {
        const Result<chain::Block> block = chain::decode_block(entry.bytes);
        if (!block.ok())
            return Verdict::invalid(Rule::kC2, "block does not decode: " + block.error().message);
        consensus::BlockUndo undo;
        const Verdict verdict =
            ledger_.connect(*block, node::context_after(tip_), now_ms, &undo, nullptr);
        if (!verdict.is_valid()) return verdict;
        if (entry.becomes_tip)
            tip_ = tree_.add(block->header);
        else
            ledger_.disconnect(std::move(undo));
        return verdict;
    }

  private:
    consensus::Ledger ledger_;
    node::BlockTree tree_;
    const node::BlockNode* tip_;
};

std::string word_of(const Verdict& verdict) {
    if (verdict.is_valid()) return "valid";
    return verdict.is_invalid() ? "invalid" : "undecided";
}

}  // namespace

Status run_chain_check(const ChainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto network, read_network(request.directory));
    ASSIGN_OR_RETURN(const auto lines, read_lines(request.which, kMostLines));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto model,
                     make_chain_model(request.directory, network, machine->compute()));
    Chain chain(network, *model);
    std::size_t good = 0;
    std::size_t bad = 0;
    for (const TextLine& line : lines) {
        ASSIGN_OR_RETURN(const auto entry, entry_of(line));
        if (!entry) continue;
        const std::uint32_t height = chain.height() + 1;
        const Verdict verdict =
            chain.judge(*entry, request.now_ms.value_or(SystemClock().wall_ms()));
        ++(verdict.is_valid() ? good : bad);
        if (request.json) {
            nlohmann::json report{{"line", line.number},
                                  {"height", height},
                                  {"verdict", word_of(verdict)},
                                  {"why", verdict.reason()}};
            if (verdict.is_invalid()) report["rule"] = rule_name(verdict.rule());
            out << console::json_line(report);
        } else if (!verdict.is_valid()) {
            out << fmt::format("line {}, height {}: {}: {}\n", line.number, height,
                               word_of(verdict), verdict.reason());
        }
    }
    if (!request.json)
        out << fmt::format("{} blocks are valid, {} are not; the tip is block {}, {}\n", good, bad,
                           chain.height(), to_hex(chain.tip()));
    if (bad > 0) return invalid(fmt::format("{} of the blocks are not valid", bad));
    return ok_status();
}

}  // namespace cairn::cli
