#include "cli/train/eval_node.h"

#include <cmath>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/text.h"
#include "cli/serve/serve_address.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMostMerges = 100'000;

/// Of the merge block that is meant; null if there is none with a loss.
Result<const store::MergeRecord*> choose(const std::vector<node::MergeView>& merges,
                                         const std::string& at) {
    const store::MergeRecord* found = nullptr;
    if (at.empty() || at == "best") {
        for (const node::MergeView& each : merges)
            if (each.merge.report_loss &&
                (found == nullptr || at.empty() || *each.merge.report_loss < *found->report_loss))
                found = &each.merge;
        return found;
    }
    ASSIGN_OR_RETURN(const std::uint64_t height, parse_whole(at, "--at"));
    // As for a chain on this disk: the model of the last merge block up to there.
    for (const node::MergeView& each : merges)
        if (each.merge.height <= height) found = &each.merge;
    return found != nullptr && found->report_loss ? found : nullptr;
}

}  // namespace

Status run_eval_node(const EvalRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const ServerAddress asked, server_address("", request.node, "", ""));
    const api::RemoteNode node{api::Client({asked.address, asked.token})};
    const auto status = node.status();
    if (!status.ok()) return nobody_answers(status.error(), asked);
    ASSIGN_OR_RETURN(const std::vector<node::MergeView> merges, node.merges(0, kMostMerges));
    ASSIGN_OR_RETURN(const store::MergeRecord* const merge, choose(merges, request.at));
    if (merge == nullptr)
        return not_found("this node has published no report loss" +
                         (request.at.empty() || request.at == "best"
                              ? std::string(" yet")
                              : " of the model at height " + request.at));
    const double loss = *merge->report_loss;
    if (request.json)
        out << console::json_line(nlohmann::json{{"network", status->network_name},
                                                 {"height", merge->height},
                                                 {"loss", loss},
                                                 {"perplexity", std::exp(loss)},
                                                 {"measured_by", "node"}});
    else
        out << fmt::format(
            "{}@{} on the network's report text: {:.4f} nats/token, perplexity {:.3f}, as the node "
            "has measured it\n",
            status->network_name, merge->height, loss, std::exp(loss));
    return ok_status();
}

}  // namespace cairn::cli
