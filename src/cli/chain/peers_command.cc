// `cairn peers`: who the running node is linked to, or, without one, whom it has known.
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/time_text.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

void print_linked(const std::vector<node::PeerView>& peers, bool json, std::ostream& out) {
    if (json) {
        Json list = Json::array();
        for (const node::PeerView& peer : peers)
            list.push_back({{"id", peer.id},
                            {"address", peer.address},
                            {"key", to_hex(peer.key)},
                            {"outbound", peer.outbound},
                            {"height", peer.height}});
        out << console::json_line(Json{{"running", true}, {"peers", list}});
        return;
    }
    if (peers.empty())
        out << "The node runs and is linked to nobody: start it with --connect HOST:PORT.\n";
    for (const node::PeerView& peer : peers)
        out << fmt::format("{:<24} {}  {}  at height {}\n",
                           peer.address.empty() ? "does not listen" : peer.address,
                           short_hex(peer.key), peer.outbound ? "we called   " : "it called us",
                           peer.height);
}

Status print_known(const std::string& directory, bool json, std::ostream& out) {
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(directory));
    ASSIGN_OR_RETURN(const auto peers, chain.store->peers());
    if (json) {
        Json list = Json::array();
        for (const store::PeerRecord& peer : peers)
            list.push_back({{"address", peer.address},
                            {"key", to_hex(peer.key)},
                            {"last_seen_ms", peer.last_seen_ms},
                            {"failures", peer.failures}});
        out << console::json_line(Json{{"running", false}, {"peers", list}});
        return ok_status();
    }
    out << fmt::format("No node is running on {}; it has known {} peers.\n", directory,
                       peers.size());
    for (const store::PeerRecord& peer : peers)
        out << fmt::format("{:<24} last seen {}\n", peer.address, time_text(peer.last_seen_ms));
    return ok_status();
}

Status run_peers(const std::string& directory, bool json, std::ostream& out) {
    const auto node = api::RemoteNode::of_directory(directory);
    if (node.ok()) {
        const auto status = node->status();
        if (status.ok()) {
            print_linked(status->peers, json, out);
            return ok_status();
        }
        // kRefused: the api.json was left behind by a node that was killed.
        if (status.error().code != ErrorCode::kRefused) return status.error();
    } else if (node.error().code != ErrorCode::kNotFound) {
        return node.error();
    }
    return print_known(directory, json, out);
}

}  // namespace

void add_peers(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "peers", "The nodes that a running node is linked with",
                    "cairn peers --dir ~/guild");
    auto directory = std::make_shared<std::string>(default_directory());
    named_folder(command.add_option("--dir", *directory, "The node's data directory"))
        .capture_default_str();
    command.callback([directory, &invocation] {
        invocation.run = [directory, json = invocation.json](std::ostream& out) {
            return run_peers(*directory, json, out);
        };
    });
}

}  // namespace cairn::cli
