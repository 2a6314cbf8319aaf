// CONSENSUS: changing a result here splits the network.
//
// The one list of a network definition's fields: name, order and bounds. Encoding, decoding, JSON
// and validation are visitors of this list, so none of them can miss a field. The table is closed:
// a field that comes later is an extension, at the end. Internal to chain/.
#pragma once

#include "chain/network.h"

namespace cairn::chain::fields {

inline constexpr std::size_t kMaxUpgrades = 64;
inline constexpr std::size_t kMaxMembers = 4096;
inline constexpr std::size_t kMaxSources = 16;
inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxExtensions = 256;
inline constexpr std::size_t kMaxExtensionBytes = 64 * 1024;
/// Entries of the sketching matrices that a merge block may ask for where the codec is gaussian or
/// ams: less than half a minute on one core.
inline constexpr std::uint64_t kMaxSketchEntries = std::uint64_t{1} << 34;

// A visitor has: number(name, uint, min, max), flag(name, bool), text(name, string), hash(name,
// Hash256), codec_kind(name, CodecKind), work(name, WorkFunction), optimiser(name, Optimiser),
// upgrades(name, vector), members(name, vector), sources(name, vector), begin(name), end(), and for
// the second list extension(id, network, fields), where fields(network, visitor) visits what the
// extension holds.

template <typename A, typename V>
void visit_architecture(A& a, V& v) {
    v.begin("architecture");
    v.number("dim", a.dim, 8, 16384);
    v.number("hidden_dim", a.hidden_dim, 8, 65536);
    v.number("layers", a.layers, 1, 256);
    v.number("heads", a.heads, 1, 256);
    v.number("kv_heads", a.kv_heads, 1, 256);
    v.number("vocab", a.vocab, 2, 1 << 20);
    v.number("context", a.context, 16, 65536);
    v.number("rope_theta", a.rope_theta, 1, 100'000'000);
    v.number("norm_eps_ppb", a.norm_eps_ppb, 1, 10'000'000);
    v.flag("tied_head", a.tied_head);
    v.flag("rope_interleaved", a.rope_interleaved);
    v.end();
}

template <typename C, typename V>
void visit_codec(C& c, V& v) {
    v.begin("codec");
    v.codec_kind("kind", c.kind);
    v.number("log2_ratio", c.log2_ratio, 0, kMaxLog2Ratio);
    v.number("bits", c.bits, 1, 16);
    v.end();
}

template <typename R, typename V>
void visit_recipe(R& r, V& v) {
    v.begin("recipe");
    v.number("version", r.version, 1, 1);
    v.number("local_steps", r.local_steps, 1, 100'000);
    v.number("batch_tokens", r.batch_tokens, 16, 1 << 24);
    v.number("learning_rate_ppb", r.learning_rate_ppb, 1, kPpb);
    v.number("warmup_rounds", r.warmup_rounds, 0, 1'000'000);
    v.number("decay_rounds", r.decay_rounds, 0, 100'000'000);
    v.number("floor_ppb", r.floor_ppb, 0, kPpb);
    v.number("weight_decay_ppb", r.weight_decay_ppb, 0, kPpb);
    v.number("beta1_ppb", r.beta1_ppb, 0, kPpb - 1);
    v.number("beta2_ppb", r.beta2_ppb, 0, kPpb - 1);
    v.number("adam_eps_ppb", r.adam_eps_ppb, 1, 1'000'000);
    v.number("clip_ppb", r.clip_ppb, 0, 4'000'000'000);
    v.end();
}

template <typename N, typename V>
void visit_network(N& n, V& v) {
    v.text("name", n.name);
    v.number("numerics_version", n.numerics_version, 1, 0xffff);
    v.number("rules_version", n.rules_version, 1, 0xffff);
    v.upgrades("upgrades", n.upgrades);
    visit_architecture(n.architecture, v);
    v.number("weights_seed", n.weights_seed, 0, ~std::uint64_t{0});
    v.hash("tokenizer_hash", n.tokenizer_hash);
    v.hash("judge_hash", n.judge_hash);
    v.hash("report_hash", n.report_hash);
    v.number("judge_leaf_tokens", n.judge_leaf_tokens, 1024, 1 << 20);
    visit_codec(n.codec, v);
    visit_recipe(n.recipe, v);
    v.number("round_length", n.round_length, 1, 16);
    v.number("reveal_depth", n.reveal_depth, 0, 14);
    v.number("norm_start", n.norm_start, 4, std::uint64_t{1} << 50);
    v.number("window_rounds", n.window_rounds, 1, 1024);
    v.number("novelty_rounds", n.novelty_rounds, 0, 16);
    v.number("max_contributions", n.max_contributions, 1, 1024);
    v.number("paid_contributions", n.paid_contributions, 1, 1024);
    v.number("genesis_time_ms", n.genesis_time_ms, 0, std::uint64_t{1} << 48);
    v.number("spacing_ms", n.spacing_ms, 100, 86'400'000);
    v.number("halflife_ms", n.halflife_ms, 1000, std::uint64_t{1} << 40);
    v.number("first_target", n.first_target, 0, 0xffffffff);
    v.number("pow_limit", n.pow_limit, 0, 0xffffffff);
    v.number("share_factor", n.share_factor, 1, 1 << 30);
    v.number("subsidy_unit", n.subsidy_unit, 0, std::uint64_t{1} << 48);
    v.number("halving_rounds", n.halving_rounds, 1, 1'000'000'000);
    v.number("carry_share", n.carry_share, 0, 65536);
    v.number("coinbase_maturity", n.coinbase_maturity, 0, 100'000);
    v.number("max_block_bytes", n.max_block_bytes, 4096, 16 << 20);  // kMaxBlockBytes
    v.number("max_payload_bytes", n.max_payload_bytes, 16, 32 << 20);
    v.number("max_payments", n.max_payments, 1, 65536);
    v.number("max_commitments", n.max_commitments, 1, 4096);
    v.members("members", n.members);
}

/// The fields that came after the table was closed: id, then one field or a group. One that has its
/// default is left out of bytes and JSON, so a definition without it keeps its genesis id, and a
/// program that does not know one that is there refuses the definition by its id. Ids ascend and
/// are never used twice (chain.md, section 2).
template <typename N, typename V>
void visit_extensions(N& n, V& v) {
    v.extension(1, n, [](auto& to, auto& visitor) { visitor.work("work", to.work); });
    v.extension(2, n, [](auto& to, auto& visitor) {
        visitor.number("public_share", to.public_share, 0, kMaxPublicShare);
    });
    v.extension(3, n, [](auto& to, auto& visitor) { visitor.sources("sources", to.sources); });
    v.extension(4, n,
                [](auto& to, auto& visitor) { visitor.optimiser("optimiser", to.optimiser); });
}

}  // namespace cairn::chain::fields
