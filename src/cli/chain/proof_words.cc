#include "cli/chain/proof_words.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/time_text.h"
#include "cli/chain/chain_model.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "consensus/header_rules.h"
#include "consensus/ledger.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

Status meet_network(const chain::NetworkDefinition& network, const ProofDemands& demands) {
    if (demands.network.empty()) return ok_status();
    ASSIGN_OR_RETURN(const Bytes json, read_file(demands.network, chain::kMaxNetworkJsonBytes));
    const auto wanted = chain::network_from_json(as_text(json));
    if (!wanted.ok()) return invalid(demands.network + ": " + wanted.error().message);
    const Hash256 id = chain::genesis_id(*wanted);
    const Hash256 named = chain::genesis_id(network);
    if (id == named) return ok_status();
    return refused("the proof is about another network: its genesis id is " + to_hex(named) +
                   ", that of " + demands.network + " is " + to_hex(id));
}

Status meet_through(const CheckedProof& checked, const ProofDemands& demands) {
    if (demands.through.empty()) return ok_status();
    const auto wanted = fixed_from_hex<32>(demands.through);
    if (!wanted.ok()) return misused("--through wants a block's hash: " + wanted.error().message);
    const auto& headers = checked.inclusion.headers;
    if (std::ranges::any_of(headers, [&](const chain::BlockHeader& header) {
            return chain::block_hash(header) == *wanted;
        }))
        return ok_status();
    return refused("block " + short_hex(*wanted) + " is not among the " +
                   std::to_string(headers.size()) + " headers of the proof");
}

Status meet(const CheckedProof& checked, const ProofDemands& demands) {
    RETURN_IF_ERROR(meet_through(checked, demands));
    const proof::Proven& proven = checked.proven;
    if (!demands.least_work.empty()) {
        ASSIGN_OR_RETURN(const consensus::ChainWork least, parse_work(demands.least_work));
        if (proven.work_on_it < least)
            return refused(
                fmt::format("the work on its block is {} hashes, less than the {} that "
                            "you ask for",
                            proof::work_text(proven.work_on_it), demands.least_work));
    }
    if (proven.confirmations < demands.confirmations)
        return refused(
            fmt::format("its block has {} confirmations, you ask for {}: get a newer "
                        "proof",
                        proven.confirmations, demands.confirmations));
    const std::uint64_t now = SystemClock().wall_ms();
    const std::uint64_t drift = consensus::allowed_drift_ms(checked.inclusion.network);
    if (proven.tip_time_ms > now && proven.tip_time_ms - now > drift)
        return refused("its last header is dated " + time_text(proven.tip_time_ms) +
                       ", which is still to come: no node would have taken it");
    return ok_status();
}

std::string network_words(const CheckedProof& checked) {
    return fmt::format("network {} (genesis id {})", checked.inclusion.network.name,
                       short_hex(checked.proven.genesis_id));
}

}  // namespace

void add_demands(const Command& command, ProofDemands& demands) {
    command
        .add_option("--network", demands.network,
                    "The network.json of the network that you mean: a proof of another one is "
                    "refused")
        .check(existing_file());
    command
        .add_option("--least-work", demands.least_work,
                    "Hashes that must lie on the block, its own among them: 2^40, or a number")
        .check(Check(
            [](const std::string& text) {
                const auto work = parse_work(text);
                return work.ok() ? std::string() : work.error().message;
            },
            ""));
    command
        .add_option("--through", demands.through,
                    "A block's hash that you trust, 64 digits: it must be among the headers")
        .check(Check(
            [](const std::string& text) {
                return fixed_from_hex<32>(text).ok()
                           ? std::string()
                           : std::string("a block's hash has 64 hexadecimal digits");
            },
            ""));
    command
        .add_option("--confirmations", demands.confirmations,
                    "Blocks that must lie on the item, its own counted")
        .check(range(std::uint64_t{1}, std::uint64_t{proof::kMaxInclusionHeaders}))
        .capture_default_str();
}

Result<consensus::ChainWork> parse_work(const std::string& text) {
    if (text.starts_with("2^")) {
        ASSIGN_OR_RETURN(const std::uint64_t power, parse_whole(text.substr(2), "the power"));
        if (power > 255) return misused("no chain has 2^" + std::to_string(power) + " hashes");
        return chain::U256::shifted(1, static_cast<int>(power)).big_endian();
    }
    const auto number = parse_whole(text, "the work");
    if (!number.ok()) return misused(number.error().message + " (2^40 is one, too)");
    return chain::U256(*number).big_endian();
}

Result<CheckedProof> check_proof_file(const std::string& path, const ProofDemands& demands) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, proof::kMaxInclusionBytes));
    auto inclusion = proof::decode_inclusion(bytes);
    if (!inclusion.ok()) return inclusion.error().with_prefix(path);
    // Before the work, whose function a stranger's definition chooses.
    RETURN_IF_ERROR(meet_network(inclusion->network, demands));
    const SystemClock clock;
    std::optional<Progress> bar;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        constexpr std::uint64_t kWorthABar = 2000;
        if (total < kWorthABar) return;
        if (!bar) bar.emplace(clock, "checking headers", total);
        bar->update(done);
    };
    const auto proven = proof::check(*inclusion, progress);
    if (!proven.ok())
        return Error{proven.error().code, path + " proves nothing: " + proven.error().message};
    CheckedProof checked{*std::move(inclusion), *proven};
    RETURN_IF_ERROR(meet(checked, demands));
    return checked;
}

Result<chain::BlockHeader> genesis_header(const std::string& directory,
                                          const chain::NetworkDefinition& network) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    ASSIGN_OR_RETURN(const auto model, make_chain_model(directory, network, machine->compute()));
    const consensus::Ledger ledger(network, *model);
    return ledger.genesis().header;
}

std::string what_it_proves(const CheckedProof& checked, const std::string& subject) {
    const proof::Proven& proven = checked.proven;
    return fmt::format(
        "{} is in block {} of {}, which its miner dates {}; up to block {} ({}) {} on it, and "
        "whoever makes such a file up computes about {} hashes for the blocks from it on ({} since "
        "{}).",
        subject, proven.height, network_words(checked), time_text(proven.time_ms),
        proven.tip_height, time_text(proven.tip_time_ms),
        proven.confirmations == 1 ? "no other block is"
                                  : fmt::format("{} more {}", proven.confirmations - 1,
                                                proven.confirmations == 2 ? "is" : "are"),
        proof::work_text(proven.work_on_it), proof::work_text(proven.work),
        proven.first_height == 0 ? "genesis" : fmt::format("block {}", proven.first_height));
}

std::string what_it_does_not_prove(const CheckedProof& checked, const ProofDemands& demands) {
    std::string text =
        "It does not prove that these blocks are valid, that no other chain has more work, nor "
        "that a miner's clock was right (a date lies between that of the block before and about "
        "the true time).";
    if (checked.proven.first_height != 0 && demands.through.empty())
        text += fmt::format(
            " Its headers begin at block {}, {}, which nothing ties to the network: trust it only "
            "if you know that hash (--through).",
            checked.proven.first_height, to_hex(checked.proven.first));
    if (demands.network.empty())
        text += " The file names its network itself: compare the genesis id, or give --network.";
    return text;
}

nlohmann::json proof_json(const CheckedProof& checked, const ProofDemands& demands,
                          const std::string& subject) {
    const proof::Proven& proven = checked.proven;
    return Json{{"kind", proof::kKindNames[static_cast<std::size_t>(proven.kind)]},
                {"id", to_hex(proven.id)},
                {"network", checked.inclusion.network.name},
                {"genesis_id", to_hex(proven.genesis_id)},
                {"height", proven.height},
                {"block", to_hex(proven.block)},
                {"time_ms", proven.time_ms},
                {"parent_time_ms", proven.parent_time_ms},
                {"first_height", proven.first_height},
                {"first", to_hex(proven.first)},
                {"tip_height", proven.tip_height},
                {"tip", to_hex(proven.tip)},
                {"tip_time_ms", proven.tip_time_ms},
                {"confirmations", proven.confirmations},
                {"work", to_hex(proven.work)},
                {"work_on_it", to_hex(proven.work_on_it)},
                {"work_on_it_hashes", proof::work_text(proven.work_on_it)},
                {"proves", what_it_proves(checked, subject)},
                {"does_not_prove", what_it_does_not_prove(checked, demands)}};
}

}  // namespace cairn::cli
