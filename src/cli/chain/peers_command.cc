// `cairn peers`: who the running node is linked to, or, without one, whom it has known.
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/node_answer.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

Status print_linked(const api::Client& client, const Json& status, bool json, std::ostream& out) {
    const auto peers = status.find("peers");
    if (peers == status.end() || !peers->is_array()) return client.no_node();
    std::string lines;
    for (const Json& peer : *peers) {
        std::string address, key;
        bool outbound = false;
        std::uint64_t height = 0;
        if (!api::read(peer, "address", address) || !api::read(peer, "key", key) ||
            !api::read(peer, "outbound", outbound) || !api::read(peer, "height", height))
            return client.no_node();
        lines += fmt::format("{:<24} {}  {}  at height {}\n",
                             address.empty() ? "does not listen" : address, key.substr(0, 12),
                             outbound ? "we called   " : "it called us", height);
    }
    if (json)
        out << console::json_line(Json{{"running", true}, {"peers", *peers}});
    else if (peers->empty())
        out << "The node runs and is linked to nobody: start it with --connect HOST:PORT.\n";
    else
        out << lines;
    return ok_status();
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
    const auto client = api::Client::of_directory(directory);
    if (client.ok()) {
        const auto status = api::ask_node(*client, "/v1/cairn/status");
        if (status.ok()) return print_linked(*client, *status, json, out);
        // kRefused: the api.json was left behind by a node that was killed.
        if (status.error().code != ErrorCode::kRefused) return status.error();
    } else if (client.error().code != ErrorCode::kNotFound) {
        return client.error();
    }
    return print_known(directory, json, out);
}

}  // namespace

void add_peers(CLI::App& app, Invocation& invocation) {
    CLI::App* command = add_command(app, invocation, "peers", "Who this node is linked to",
                                    "cairn peers --dir ~/guild");
    auto directory = std::make_shared<std::string>(default_directory());
    named_folder(command->add_option("--dir", *directory, "The node's data directory"))
        ->capture_default_str();
    command->callback([directory, &invocation] {
        invocation.run = [directory, json = invocation.json](std::ostream& out) {
            return run_peers(*directory, json, out);
        };
    });
}

}  // namespace cairn::cli
