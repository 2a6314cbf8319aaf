// `cairn explain ID|HEIGHT`: why contributions, blocks and payments are what they are, in
// sentences.
#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "api/json_views.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxRecords = 1000;

struct ExplainRequest {
    std::string directory = default_directory();
    std::string what;
    std::size_t max = 20;
    bool json = false;
};

/// What was found, as sentences for people and as records for scripts.
struct Explanation {
    std::vector<std::string> sentences;
    std::vector<store::ContributionRecord> records;
};

void add_records(const std::vector<store::ContributionRecord>& records, std::size_t max,
                 Explanation& found) {
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (i < max) found.sentences.push_back(api::explain(records[i]));
        found.records.push_back(records[i]);
    }
    if (records.size() > max)
        found.sentences.push_back(
            fmt::format("And {} more: ask with --max.", records.size() - max));
}

Status explain_height(const ChainReader& chain, std::uint64_t height, std::size_t max,
                      Explanation& found) {
    ASSIGN_OR_RETURN(const auto merges, chain.store->merges(height, 1));
    ASSIGN_OR_RETURN(const auto records, chain.store->contributions_at(height, kMaxRecords));
    if (!merges.empty() && merges[0].height == height) {
        found.sentences.push_back(api::explain(merges[0]));
    } else {
        if (height > 0) RETURN_IF_ERROR(chain.store->active_block(height));
        const auto at = static_cast<std::uint32_t>(height);
        found.sentences.push_back(
            height == 0 ? "Block 0 is the genesis block: it fixes the network and the first model."
                        : fmt::format("Block {} merges nothing: it carries the commitments of "
                                      "round {}, whose merge block is {}.",
                                      height, chain.network.round_of(at),
                                      chain.network.merge_height(chain.network.round_of(at))));
    }
    add_records(records, max, found);
    return ok_status();
}

Status explain_block(const ChainReader& chain, const store::HeaderRecord& header, std::size_t max,
                     Explanation& found) {
    const auto active = chain.store->active_block(header.height);
    if (active.ok() && *active == header.hash)
        return explain_height(chain, header.height, max, found);
    found.sentences.push_back(
        header.status == store::BlockStatus::kInvalid
            ? fmt::format("Block {} at height {} is invalid: {}.", short_hex(header.hash),
                          header.height, header.reason)
            : fmt::format("Block {} at height {} is on a branch with less work than the active "
                          "chain, or has not been judged yet.",
                          short_hex(header.hash), header.height));
    return ok_status();
}

Status explain_payment(const Hash256& id, const store::PaymentPlace& place, std::uint64_t tip,
                       Explanation& found) {
    found.sentences.push_back(
        fmt::format("Payment {} is in block {} ({}) and has {} confirmations.", short_hex(id),
                    place.height, short_hex(place.block), tip - place.height + 1));
    return ok_status();
}

Status explain_name(const ChainReader& chain, const Hash256& id, std::size_t max,
                    Explanation& found) {
    if (const auto header = chain.store->header(id); header.ok())
        return explain_block(chain, *header, max, found);
    if (const auto place = chain.store->payment(id); place.ok()) {
        ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
        return explain_payment(id, *place, tip ? tip->height : place->height, found);
    }
    ASSIGN_OR_RETURN(const auto records, chain.store->contributions(id, kMaxRecords));
    if (records.empty()) return not_found("nothing is known about " + to_hex(id));
    if (records[0].contributor == id) {
        std::uint64_t reward = 0;
        const auto merged = std::count_if(records.begin(), records.end(),
                                          [](const auto& record) { return record.merged; });
        for (const auto& record : records) reward += record.reward;
        found.sentences.push_back(
            fmt::format("Contributor {}: {} of {} known contributions were merged and earned {} "
                        "coins.",
                        short_hex(id), merged, records.size(), api::amount_text(reward)));
    }
    add_records(records, max, found);
    return ok_status();
}

Status explain_prefix(const ChainReader& chain, const std::string& prefix, std::size_t max,
                      Explanation& found) {
    ASSIGN_OR_RETURN(const std::vector<Hash256> names, chain.store->find_by_prefix(prefix, 8));
    if (names.empty())
        return not_found("no block, commitment, contributor or payment begins with " + prefix);
    if (names.size() == 1) return explain_name(chain, names[0], max, found);
    std::string list;
    for (const Hash256& name : names) list += "\n  " + to_hex(name);
    return invalid(prefix + " is the beginning of several names: give more digits of" + list);
}

Status run_explain(const ExplainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    Explanation found;
    ASSIGN_OR_RETURN(const auto height, height_in(request.what));
    if (height) {
        RETURN_IF_ERROR(explain_height(chain, *height, request.max, found));
    } else {
        RETURN_IF_ERROR(explain_prefix(chain, request.what, request.max, found));
    }
    if (request.json) {
        nlohmann::json json = nlohmann::json::parse(api::records_json(found.records));
        json["sentences"] = found.sentences;
        out << console::json_line(json);
        return ok_status();
    }
    for (const std::string& sentence : found.sentences) out << sentence << '\n';
    return ok_status();
}

}  // namespace

void add_explain(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "explain",
                    "Say why a contribution was merged, refused or paid, and where a payment is",
                    "cairn explain 40            every contribution of merge block 40\n"
                    "  cairn explain 3fa97c21      a commitment, contributor, block or payment");
    auto request = std::make_shared<ExplainRequest>();
    command.add_option("what", request->what, "A height, or at least 4 digits of a name")
        .required();
    named_folder(command.add_option("--dir", request->directory, "The node's data directory"))
        .capture_default_str();
    command.add_option("--max", request->max, "Sentences about contributions, at most")
        .check(range(std::size_t{1}, kMaxRecords))
        .capture_default_str();
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_explain(*request, out); };
    });
}

}  // namespace cairn::cli
