// `cairn servers`: the layer servers that a node knows by gossip, beside what this machine's own
// audits have found about them; or, without a node, all that was ever audited. With --place MODEL:
// which of its layers this machine should hold (place_command.cc).
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/serve/trust_options.h"
#include "node/node_api.h"

namespace cairn::cli {

struct ServersRequest {
    std::string
        node;  ///< of which servers: a data directory or HOST:PORT of its API; empty: audited
    std::string book = kAuditBook;
    TrustOptions trust;
    std::string place;          ///< model file of which this machine would hold layers
    std::uint32_t most = 0;     ///< of its layers, at most; 0: all
    double least_tokens = 0.5;  ///< a second through the layers that it would hold
    std::size_t threads = 0;    ///< 0: one per processor
    bool json = false;
};
Status run_servers(const ServersRequest& request, std::ostream& out);

/// Measures this machine with the model and says which layers it should hold, given those whom the
/// node knows, and whether servers of the node's own should move. kRefused, with the figures, where
/// it is too slow to be of use.
Status run_place(const ServersRequest& request, std::ostream& out);

/// What is known of a server here: by the book, or where that has nothing (or nothing as bad) by
/// the audits and exhibits of the node itself.
std::optional<trust::Standing> standing_here(const node::ServerView& server,
                                             const std::optional<trust::Standing>& by_book);

/// What the node knows that runs on a data directory, or whose API listens at HOST:PORT.
Result<std::vector<node::ServerView>> known_servers(const std::string& directory_or_address);

/// The servers of a book, as `cairn verify` ends with: a list of objects, or lines for people.
std::string audited_json(const trust::AuditBook& book, const trust::TrustRules& rules,
                         std::uint64_t now_ms);
void print_audited(const trust::AuditBook& book, const trust::TrustRules& rules,
                   std::uint64_t now_ms, std::ostream& out);

}  // namespace cairn::cli
