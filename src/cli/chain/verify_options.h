// The options of `cairn node` that have it audit others' layer servers: --verify, --rate, and how.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve/trust_options.h"
#include "node/run_node.h"

namespace cairn::cli {

class Command;

struct NodeVerifyOptions {
    bool verify = false;
    std::vector<std::string> models;  ///< files
    std::string text;                 ///< file; empty: the models write the prompts
    double interval_s = 30;
    std::string spend, max_price;  ///< coins; empty: servers with a price are not audited, any
    TrustOptions trust;
};

void add_node_verify_options(const Command& command, NodeVerifyOptions& options);

/// What the node is to do; nothing without --verify. kMisused, naming the option.
Result<std::optional<node::NodeVerifying>> node_verifying(const NodeVerifyOptions& options,
                                                          bool has_wallet);

}  // namespace cairn::cli
