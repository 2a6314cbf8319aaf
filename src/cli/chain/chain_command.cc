#include "cli/chain/chain_command.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "api/json_views.h"
#include "api/remote_node.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "cli/chain/chain_proof.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/node_screen.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "node/upgrades_ahead.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using api::amount_text;

constexpr std::size_t kAll = 1'000'000'000;

Json maybe(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string loss_text(const std::optional<double>& loss) {
    return loss ? fmt::format("{:.4f}", *loss) : "not computed yet";
}

Json payment_json(const chain::Payment& payment) {
    Json inputs = Json::array();
    for (const chain::OutPoint& input : payment.inputs)
        inputs.push_back({{"id", to_hex(input.id)}, {"index", input.index}});
    Json outputs = Json::array();
    for (const chain::Output& output : payment.outputs)
        outputs.push_back({{"amount", output.amount}, {"to", wallet::encode_address(output.key)}});
    return {{"id", to_hex(chain::payment_id(payment))}, {"inputs", inputs}, {"outputs", outputs}};
}

Json block_json(const chain::Block& block, std::uint64_t height) {
    Json minted = Json::array();
    for (const chain::Output& output : block.coinbase.outputs)
        minted.push_back({{"amount", output.amount}, {"to", wallet::encode_address(output.key)}});
    Json payments = Json::array();
    for (const chain::Payment& payment : block.payments) payments.push_back(payment_json(payment));
    Json commitments = Json::array();
    for (const chain::Commitment& commitment : block.commitments)
        commitments.push_back({{"id", to_hex(chain::commitment_id(commitment))},
                               {"round", commitment.round},
                               {"key", to_hex(commitment.key)}});
    Json contributions = Json::array();
    for (const chain::Contribution& contribution : block.contributions)
        contributions.push_back({{"commitment", to_hex(contribution.commitment_id)},
                                 {"payload_bytes", contribution.payload.size()}});
    return {{"height", height},
            {"hash", to_hex(chain::block_hash(block.header))},
            {"previous", to_hex(block.header.previous)},
            {"body_root", to_hex(block.header.body_root)},
            {"state_root", to_hex(block.header.state_root)},
            {"time_ms", block.header.time_ms},
            {"target", block.header.target},
            {"nonce", block.header.nonce},
            {"numerics_version", block.header.versions.numerics},
            {"rules_version", block.header.versions.rules},
            {"miner", to_hex(block.coinbase.miner)},
            {"minted", minted},
            {"payments", payments},
            {"commitments", commitments},
            {"contributions", contributions}};
}

Json upgrades_json(const std::vector<node::UpgradeView>& upgrades) {
    Json list = Json::array();
    for (const node::UpgradeView& upgrade : upgrades)
        list.push_back({{"height", upgrade.height},
                        {"numerics_version", upgrade.numerics_version},
                        {"rules_version", upgrade.rules_version},
                        {"known", upgrade.known}});
    return list;
}

void print_block(const ChainReader& chain, const chain::Block& block, std::uint64_t height,
                 std::ostream& out) {
    const auto row = [&](const std::string& name, const std::string& value) {
        out << fmt::format("{:<14}{}\n", name, value);
    };
    const auto round_height = static_cast<std::uint32_t>(height);
    row("block", fmt::format("{} {}", height, to_hex(chain::block_hash(block.header))));
    if (height > 0)
        row("round",
            fmt::format("{}{}", chain.network.round_of(round_height),
                        chain.network.is_merge_height(round_height) ? ", its merge block" : ""));
    row("previous", to_hex(block.header.previous));
    row("state root", to_hex(block.header.state_root));
    row("time", time_text(block.header.time_ms));
    row("miner", short_hex(block.coinbase.miner));
    for (const chain::Output& output : block.coinbase.outputs)
        row("minted", fmt::format("{:>16} to {}", amount_text(output.amount),
                                  wallet::encode_address(output.key)));
    for (const chain::Payment& payment : block.payments)
        for (const chain::Output& output : payment.outputs)
            row("payment",
                fmt::format("{} {:>16} to {}", short_hex(chain::payment_id(payment)),
                            amount_text(output.amount), wallet::encode_address(output.key)));
    for (const chain::Commitment& commitment : block.commitments)
        row("commitment",
            fmt::format("{} by {} for round {}", short_hex(chain::commitment_id(commitment)),
                        short_hex(commitment.key), commitment.round));
    for (const chain::Contribution& contribution : block.contributions)
        row("contribution", fmt::format("{} ({} bytes)", short_hex(contribution.commitment_id),
                                        contribution.payload.size()));
}

Result<Hash256> find_block(const ChainReader& chain, const std::string& which) {
    ASSIGN_OR_RETURN(const auto height, height_in(which));
    if (height && *height == 0)
        return not_found(
            "block 0 is the genesis block: it follows from network.json, has no file, "
            "and its hash is what block 1 names as previous");
    if (height) return chain.store->active_block(*height);
    ASSIGN_OR_RETURN(const std::vector<Hash256> found, chain.store->find_by_prefix(which, 100));
    std::vector<Hash256> blocks;
    for (const Hash256& hash : found)
        if (chain.store->header(hash).ok()) blocks.push_back(hash);
    if (blocks.size() == 1) return blocks[0];
    if (blocks.empty()) return not_found("no block's hash begins with " + which);
    return invalid(std::to_string(blocks.size()) + " blocks begin with " + which +
                   ": give more digits");
}

struct PublishedLoss {
    std::optional<double> report;
    std::vector<double> by_source;  ///< in the definition's order
};

PublishedLoss latest_loss(const chain::NetworkDefinition& network,
                          const std::vector<store::MergeRecord>& merges) {
    PublishedLoss latest;
    for (const store::MergeRecord& merge : merges)
        if (merge.report_loss) latest = {merge.report_loss, merge.source_losses};
    latest.by_source.resize(std::min(latest.by_source.size(), network.sources.size()));
    return latest;
}

/// The texts that the network is judged and reported by, with the latest losses where they are
/// known.
Json sources_json(const chain::NetworkDefinition& network, const std::vector<double>& losses) {
    Json list = Json::array();
    for (std::size_t i = 0; i < network.sources.size(); ++i) {
        const chain::TextSource& source = network.sources[i];
        list.push_back({{"name", source.name},
                        {"judge_tokens", source.judge_tokens},
                        {"report_tokens", source.report_tokens},
                        {"report_loss", i < losses.size() ? Json(losses[i]) : Json(nullptr)}});
    }
    return list;
}

}  // namespace

Status run_chain_status(const ChainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const api::RemoteNode node, api::RemoteNode::of_directory(request.directory));
    NodeScreen screen;
    ASSIGN_OR_RETURN(screen.status, node.status());
    if (request.json) {
        out << api::status_json(screen.status) << '\n';
        return ok_status();
    }
    constexpr std::size_t kColumns = 100;
    screen.api = node.address();
    screen.now_ms = SystemClock().wall_ms();
    for (const std::string& line : render_node(screen, kColumns)) out << line << '\n';
    return ok_status();
}

Status run_chain_info(const ChainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
    ASSIGN_OR_RETURN(const auto merges, chain.store->merges(0, kAll));
    std::uint64_t headers = 0;
    RETURN_IF_ERROR(chain.store->for_each_header([&](const store::HeaderRecord&) { ++headers; }));
    std::uint64_t minted = 0;
    for (const store::MergeRecord& merge : merges) minted += merge.minted;
    const std::optional<double> judge =
        merges.empty() ? std::nullopt : merges.back().judge_loss_after;
    const PublishedLoss published = latest_loss(chain.network, merges);
    ASSIGN_OR_RETURN(const auto best, chain.store->best_merge());
    std::string state_root;
    if (tip) {
        ASSIGN_OR_RETURN(const store::HeaderRecord record, chain.store->header(tip->hash));
        ASSIGN_OR_RETURN(const chain::BlockHeader header, chain::decode_header(record.header));
        state_root = to_hex(header.state_root);
    }
    const std::string genesis = to_hex(chain::genesis_id(chain.network));
    const auto height = static_cast<std::uint32_t>(tip ? tip->height : 0);
    const auto upgrades = node::upgrades_ahead(chain.network, height, {});
    const auto unknown = node::unknown_upgrade(chain.network, height, {});
    if (request.json) {
        out << console::json_line(
            Json{{"network", chain.network.name},
                 {"genesis_id", genesis},
                 {"work", chain::name_of(chain.network.work)},
                 {"height", tip ? tip->height : 0},
                 {"tip", tip ? Json(to_hex(tip->hash)) : Json(nullptr)},
                 {"state_root", tip ? Json(state_root) : Json(nullptr)},
                 {"headers", headers},
                 {"merge_blocks", merges.size()},
                 {"minted", minted},
                 {"report_loss", maybe(published.report)},
                 {"sources", sources_json(chain.network, published.by_source)},
                 {"best", best ? Json{{"height", best->height}, {"report_loss", *best->report_loss}}
                               : Json(nullptr)},
                 {"judge_loss", maybe(judge)},
                 {"upgrades", upgrades_json(upgrades)}});
        return ok_status();
    }
    const auto row = [&](const std::string& name, const std::string& value) {
        out << fmt::format("{:<14}{}\n", name, value);
    };
    row("network", chain.network.name + (chain.network.is_private() ? " (private)" : ""));
    row("genesis id", genesis);
    row("work", chain::name_of(chain.network.work));
    row("height", tip ? std::to_string(tip->height) : "0: only genesis yet");
    if (tip) row("tip", to_hex(tip->hash));
    if (tip) row("state root", state_root);
    row("headers", fmt::format("{} known, branches included", headers));
    row("merge blocks", std::to_string(merges.size()));
    row("minted", amount_text(minted) + " coins");
    row("report loss", loss_text(published.report));
    for (std::size_t i = 0; i < published.by_source.size(); ++i)
        row("", fmt::format("{} on {}", loss_text(published.by_source[i]),
                            chain.network.sources[i].name));
    if (best)
        row("best",
            fmt::format("{} at height {}: cairn model export --at best --out FILE{}",
                        loss_text(best->report_loss), best->height, dir_words(request.directory)));
    row("judge loss", loss_text(judge));
    for (const node::UpgradeView& upgrade : upgrades)
        row("upgrade", fmt::format("at block {}: numerics version {}, rules version {}{}",
                                   upgrade.height, upgrade.numerics_version, upgrade.rules_version,
                                   upgrade.known ? "" : ", which this program does not know"));
    if (unknown) out << fmt::format("Mind: {}; {}.\n", unknown->message, unknown->advice);
    return ok_status();
}

Status run_chain_block(const ChainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    ASSIGN_OR_RETURN(const Hash256 hash, find_block(chain, request.which));
    ASSIGN_OR_RETURN(const store::HeaderRecord header, chain.store->header(hash));
    ASSIGN_OR_RETURN(const chain::Block block, chain.block(hash));
    const auto active = chain.store->active_block(header.height);
    const bool on_chain = active.ok() && *active == hash;
    if (request.json) {
        Json json = block_json(block, header.height);
        json["active"] = on_chain;
        if (!header.reason.empty()) json["invalid"] = header.reason;
        out << console::json_line(json);
        return ok_status();
    }
    print_block(chain, block, header.height, out);
    if (!block.contributions.empty())
        out << fmt::format("Why each earned what it earned: cairn explain {}{}\n", header.height,
                           dir_words(request.directory));
    if (!header.reason.empty())
        out << "This block is invalid: " << header.reason << '\n';
    else if (!on_chain)
        out << "This block is on a branch that is not the active chain.\n";
    return ok_status();
}

void add_chain(const Command& app, Invocation& invocation) {
    const Command group =
        app.add_subcommand("chain", "Look into a node's chain: status, blocks, checks, proofs");
    group.require_subcommand();
    auto request = std::make_shared<ChainRequest>();
    request->directory = default_directory();
    const auto add = [&](const std::string& name, const std::string& what,
                         const std::string& example,
                         Status (*run)(const ChainRequest&, std::ostream&)) {
        const Command command = add_command(group, invocation, name, what, example);
        named_folder(command.add_option("--dir", request->directory, "The node's data directory"))
            .capture_default_str();
        command.callback([request, run, &invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
        return command;
    };
    add("info", "Height, state root, losses, coins", "cairn chain info --dir ~/guild",
        run_chain_info);
    add("status", "What the running node does now, and what is wrong with it",
        "cairn chain status --dir ~/guild", run_chain_status);
    add("block", "One block, by height or by the beginning of its hash", "cairn chain block 40",
        run_chain_block)
        .add_option("block", request->which, "Height, or at least 4 digits of the hash")
        .required();
    const Command verify = add("verify", "Replay every block from genesis by the rules",
                               "cairn chain verify --dir ~/guild", run_chain_verify);
    verify.add_option("--to", request->to, "Stop at this height")
        .check(range(std::uint64_t{1}, std::uint64_t{0xFFFFFFFF}));
    const Command check = add(
        "check",
        "Judge the blocks of a file of lines `block HEX` (it becomes the tip, if it is valid) and "
        "`try HEX` (judged only), beginning at genesis",
        "cairn chain check guild.blocks --dir ~/guild", run_chain_check);
    check.add_option("file", request->which, "Blocks; \"-\": standard input").required();
    check
        .add_option("--now-ms", request->now_ms,
                    "Judge as at this time, in milliseconds since 1970 (default: now)")
        .check(range(std::uint64_t{1}, kMaxTimeMs));
    for (Command command : {verify, check}) add_threads_option(command, request->threads);
    add_chain_proofs(group, invocation);
}

}  // namespace cairn::cli
