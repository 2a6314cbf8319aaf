// The fields of what a node shows, listed once for both directions: a visitor that writes JSON
// calls fields() with a const struct, one that reads it with a struct to fill. The structured
// bindings stop the build when a struct gets a field that is not considered here. Internal to api/.
//
// A visitor has: (name, value) for a value or another struct or a list of either,
// hash_or_null(name, Hash256), where zero means that there is none, only_if(known, name, value),
// where null says that it is not known, object(name, fill), for an object within, and
// made(name, make), for text that follows from other fields and is not read back.
#pragma once

#include <concepts>
#include <type_traits>

#include "api/explain.h"
#include "node/node_api.h"

namespace cairn::api {

template <typename T, typename Struct>
concept ConstOrNot = std::same_as<std::remove_const_t<T>, Struct>;

template <typename Visitor, ConstOrNot<node::PeerView> View>
void fields(Visitor& visit, View& view) {
    auto& [id, address, key, outbound, height] = view;
    visit("id", id);
    visit("address", address);
    visit("key", key);
    visit("outbound", outbound);
    visit("height", height);
}

template <typename Visitor, ConstOrNot<node::MiningView> View>
void fields(Visitor& visit, View& view) {
    auto& [enabled, searching, height, hashes, hashes_per_s, blocks] = view;
    visit("enabled", enabled);
    visit("searching", searching);
    visit("height", height);
    visit("hashes_since_start", hashes);
    visit("hashes_per_s", hashes_per_s);
    visit("blocks_since_start", blocks);
}

template <typename Visitor, ConstOrNot<node::TrainingView> View>
void fields(Visitor& visit, View& view) {
    auto& [enabled, stage, round, steps, steps_wanted, local_loss, merged] = view;
    visit("enabled", enabled);
    visit("stage", stage);
    visit("round", round);
    visit("steps", steps);
    visit("steps_wanted", steps_wanted);
    visit("local_loss", local_loss);
    visit("merged", merged);
}

template <typename Visitor, ConstOrNot<node::ServingView> View>
void fields(Visitor& visit, View& view) {
    auto& [address, model, first_layer, end_layer, sessions, rows, price, earned] = view;
    visit("address", address);
    visit.hash_or_null("model", model);
    visit("first_layer", first_layer);
    visit("end_layer", end_layer);
    visit("sessions", sessions);
    visit("rows", rows);
    visit("price", price);
    visit("earned", earned);
}

template <typename Visitor, ConstOrNot<node::VerifyingView> View>
void fields(Visitor& visit, View& view) {
    auto& [rounds, right, wrong, unanswered, convicted, rows, bytes, spent, last] = view;
    visit("rounds", rounds);
    visit("right", right);
    visit("wrong", wrong);
    visit("unanswered", unanswered);
    visit("convicted", convicted);
    visit("rows", rows);
    visit("bytes", bytes);
    visit("spent", spent);
    visit("last", last);
}

template <typename Visitor, ConstOrNot<node::EvidenceView> View>
void fields(Visitor& visit, View& view) {
    auto& [judged, convicting, in_vain, kept, unchecked] = view;
    visit("judged", judged);
    visit("convicting", convicting);
    visit("in_vain", in_vain);
    visit("kept", kept);
    visit("unchecked", unchecked);
}

template <typename Visitor, ConstOrNot<node::StandingView> View>
void fields(Visitor& visit, View& view) {
    auto& [audits, accuracy, score, status, why] = view;
    visit("audits", audits);
    visit("acc", accuracy);
    visit("score", score);
    visit("status", status);
    visit("why", why);
}

template <typename Visitor, ConstOrNot<node::UpgradeView> View>
void fields(Visitor& visit, View& view) {
    auto& [height, numerics_version, rules_version, known] = view;
    visit("height", height);
    visit("numerics_version", numerics_version);
    visit("rules_version", rules_version);
    visit("known", known);
}

template <typename Visitor, ConstOrNot<node::ConditionView> View>
void fields(Visitor& visit, View& view) {
    auto& [name, trouble, since_ms, message, advice] = view;
    visit("name", name);
    visit("trouble", trouble);
    visit("since_ms", since_ms);
    visit("message", message);
    visit("advice", advice);
}

template <typename Visitor, ConstOrNot<node::RoundView> View>
void fields(Visitor& visit, View& view) {
    auto& [number, block, length] = view;
    visit("number", number);
    visit("block", block);
    visit("length", length);
}

template <typename Visitor, ConstOrNot<node::SourceLossView> View>
void fields(Visitor& visit, View& view) {
    auto& [name, report] = view;
    visit("name", name);
    visit("report", report);
}

template <typename Visitor, ConstOrNot<node::LossView> View>
void fields(Visitor& visit, View& view) {
    auto& [height, report, report_before, sources] = view;
    visit("height", height);
    visit("report", report);
    visit("report_before", report_before);
    visit("sources", sources);
}

template <typename Visitor, ConstOrNot<node::NodeStatus> View>
void fields(Visitor& visit, View& view) {
    auto& [state, conditions, genesis_id, network_name, node_key, miner_key, listen_address, height,
           tip, state_root, tip_time_ms, headers_height, supply, round, loss, earned, payments,
           commitments, contributions, fee_rate, reorganisations, missing_assets, peers, mining,
           training, serving, verifying, evidence, upgrades] = view;
    visit("state", state);
    visit("conditions", conditions);
    visit("network", network_name);
    visit("genesis_id", genesis_id);
    visit("node_key", node_key);
    visit("miner_key", miner_key);
    visit("listen", listen_address);
    visit("missing_assets", missing_assets);
    visit("peers", peers);
    const bool runs = state == node::state::kRunning;
    visit.only_if(runs, "height", height);
    visit.only_if(runs, "tip", tip);
    visit.only_if(runs, "state_root", state_root);
    visit.only_if(runs, "tip_time_ms", tip_time_ms);
    visit.only_if(runs, "headers_height", headers_height);
    visit.only_if(runs, "supply", supply);
    visit.only_if(runs, "round", round);
    visit.only_if(runs, "loss", loss);
    visit.only_if(runs, "earned", earned);
    visit.object("mempool", [&view, runs](Visitor& mempool) {
        mempool.only_if(runs, "payments", view.mempool_payments);
        mempool.only_if(runs, "commitments", view.mempool_commitments);
        mempool.only_if(runs, "contributions", view.mempool_contributions);
        mempool.only_if(runs, "fee_rate", view.mempool_fee_rate);
    });
    visit("reorganisations_since_start", reorganisations);
    visit.only_if(runs, "mining", mining);
    visit.only_if(runs, "training", training);
    visit("serving", serving);
    visit("verifying", verifying);
    visit("evidence", evidence);
    visit.only_if(runs, "upgrades", upgrades);
}

template <typename Visitor, ConstOrNot<store::ContributionRecord> View>
void fields(Visitor& visit, View& view) {
    auto& [commitment_id, contributor, round, height, block, merged, reason, score, norm, worth,
           worth_reference, reward] = view;
    visit("commitment", commitment_id);
    visit("contributor", contributor);
    visit("round", round);
    visit("height", height);
    visit.hash_or_null("block", block);
    visit("merged", merged);
    visit("reason", reason);
    visit("score", score);
    visit("norm", norm);
    visit("worth", worth);
    visit("worth_reference", worth_reference);
    visit("reward", reward);
    visit.made("sentence", [&view] { return explain(view); });
}

template <typename Visitor, ConstOrNot<node::MergeView> View>
void fields(Visitor& visit, View& view) {
    auto& [merge, details] = view;
    auto& [height, block, time_ms, report_loss, source_losses, judge_loss_before, judge_loss_after,
           contributions, minted, state_root, sample] = merge;
    visit("height", height);
    visit("block", block);
    visit("time_ms", time_ms);
    visit("state_root", state_root);
    visit("report_loss", report_loss);
    visit("source_losses", source_losses);
    visit("judge_loss", judge_loss_after);
    visit("judge_loss_before", judge_loss_before);
    visit("contributions", contributions);
    visit("reward", minted);
    visit("details", details);
}

template <typename Visitor, ConstOrNot<node::CoinView> View>
void fields(Visitor& visit, View& view) {
    auto& [txid, index, amount, height, coinbase, mature, key, spent, pending, channel, payee,
           expiry] = view;
    visit("txid", txid);
    visit("index", index);
    visit("amount", amount);
    visit("height", height);
    visit("coinbase", coinbase);
    visit("mature", mature);
    visit("key", key);
    visit("spent", spent);
    visit("pending", pending);
    visit("channel", channel);
    visit.hash_or_null("payee", payee);
    visit("expiry", expiry);
}

template <typename Visitor, ConstOrNot<node::PooledView> View>
void fields(Visitor& visit, View& view) {
    auto& [payment, fee] = view;
    visit("payment", payment);
    visit("fee", fee);
}

template <typename Visitor, ConstOrNot<node::ServerView> View>
void fields(Visitor& visit, View& view) {
    auto& [record, age_ms, own, chain_height, standing, accused] = view;
    auto& [key, address, model, layers, serve_version, numerics, genesis, price, rows_per_s, load,
           capacity, issued_ms, expires_ms, signature] = record;
    visit("key", key);
    visit("address", address);
    visit("model", model);
    visit("height", chain_height);
    visit("first_layer", layers.begin);
    visit("end_layer", layers.end);
    visit("serve_version", serve_version);
    visit("numerics", numerics);
    visit.hash_or_null("genesis_id", genesis);
    visit("price", price);
    visit("rows_per_s", rows_per_s);
    visit("load", load);
    visit("capacity", capacity);
    visit("issued_ms", issued_ms);
    visit("expires_ms", expires_ms);
    visit("signature", signature);
    visit("age_ms", age_ms);
    visit("own", own);
    visit("standing", standing);
    visit("accused", accused);
}

}  // namespace cairn::api
