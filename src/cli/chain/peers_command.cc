// `cairn peers`: who the running node is linked to, or, without one, whom it has known.
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

Status print_linked(const std::string& status, bool json, std::ostream& out) {
    const Json parsed = Json::parse(status, nullptr, false);
    if (!parsed.is_object()) return invalid("the node's answer is not JSON");
    const Json peers = parsed.value("peers", Json::array());
    if (json) {
        out << json_line(Json{{"running", true}, {"peers", peers}});
        return ok_status();
    }
    if (peers.empty())
        out << "The node runs and is linked to nobody: start it with --connect HOST:PORT.\n";
    for (const Json& peer : peers)
        out << fmt::format(
            "{:<24} {}  {}  at height {}\n",
            peer.value("address", "").empty() ? "does not listen" : peer.value("address", ""),
            peer.value("key", "").substr(0, 12),
            peer.value("outbound", false) ? "we called   " : "it called us",
            peer.value("height", 0));
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
        out << json_line(Json{{"running", false}, {"peers", list}});
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
        const auto status = client->get("/v1/cairn/status");
        if (status.ok()) return print_linked(*status, json, out);
        // An api.json that a killed node left behind.
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
