#include "cli/chain/verify_options.h"

#include "cli/chain/amount.h"
#include "cli/local_model.h"
#include "cli/options.h"

namespace cairn::cli {

void add_node_verify_options(const Command& command, NodeVerifyOptions& options) {
    const auto verify = command.add_flag(
        "--verify", options.verify,
        "Audit the layer servers that the node knows, as one of their clients: what is found goes "
        "into DIR/audits.book, by which routes are chosen, and a proof to all nodes");
    command
        .add_option("--verify-model", options.models,
                    "With --verify: model files whose servers are audited, too, besides those of "
                    "the chain's own model")
        .needs(verify)
        .check(existing_path());
    command
        .add_option("--verify-text", options.text,
                    "With --verify: text file that prompts are taken from, and that servers may "
                    "guess from what they are sent (default: the model writes them)")
        .needs(verify)
        .check(existing_file());
    command
        .add_option("--verify-interval", options.interval_s,
                    "With --verify: seconds between rounds")
        .needs(verify)
        .check(range(0.1, 86'400.0))
        .capture_default_str();
    command
        .add_option(
            "--rate", options.trust.audit_rate,
            "With --verify: chance that a server that is long trusted is audited in a round")
        .needs(verify)
        .check(range(0.0, 1.0))
        .capture_default_str();
    const auto spend = command.add_option(
        "--verify-spend", options.spend,
        "With --verify and --wallet: coins that audits may cost in all, from channels that the "
        "wallet has to servers with a price (default: those are not audited)");
    spend.needs(verify);
    command
        .add_option("--verify-price", options.max_price,
                    "With --verify-spend: audit no server that asks for more, in coins for 1,000 "
                    "tokens through one layer")
        .needs(spend);
    command.add_option("--theta", options.trust.theta, "With --verify: who scores less is not used")
        .needs(verify)
        .check(range(0.0, 1.0))
        .capture_default_str();
    command
        .add_option("--policy", options.trust.policy,
                    "With --verify, of the score: paper (small servers score less) or normalised")
        .needs(verify)
        .check(one_of({"paper", "normalised"}))
        .capture_default_str();
}

Result<std::optional<node::NodeVerifying>> node_verifying(const NodeVerifyOptions& options,
                                                          bool has_wallet) {
    if (!options.verify) return std::optional<node::NodeVerifying>();
    node::NodeVerifying verifying;
    verifying.model_files = options.models;
    verifying.text_file = options.text;
    verifying.rules = options.trust.rules();
    verifying.auditor.interval_ms = static_cast<std::uint64_t>(options.interval_s * 1000);
    if (!options.spend.empty()) {
        if (!has_wallet)
            return misused("--verify-spend pays from a wallet's payment channels: add --wallet");
        const auto spend = parse_amount(options.spend);
        if (!spend.ok()) return misused("--verify-spend: " + spend.error().message);
        verifying.auditor.spend = *spend;
    }
    if (!options.max_price.empty()) {
        const auto price = parse_amount(options.max_price);
        if (!price.ok()) return misused("--verify-price: " + price.error().message);
        verifying.auditor.max_price = *price;
    }
    return std::optional(std::move(verifying));
}

}  // namespace cairn::cli
