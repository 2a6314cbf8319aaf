// The network definition: everything on which all nodes of one network must agree before the
// first block. Its canonical bytes hash to the genesis id; nodes with different ids refuse each
// other. Only the list of upgrades may grow later, so the id leaves it out. network.json is the
// form that people read and write. What each node may choose for itself (checkpoints, how long to
// keep bodies, how many threads) is never here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "chain/codec_spec.h"
#include "chain/versions.h"
#include "chain/work_function.h"
#include "crypto/keys.h"

namespace cairn::chain {

/// Fields that end in _ppb are in parts per billion.
inline constexpr std::uint32_t kPpb = 1'000'000'000;
/// Some of what a trainer reads stays its own: 15/16 of it may be public at most.
inline constexpr std::uint32_t kMaxPublicShare = 61440;
inline constexpr std::size_t kMaxNetworkBytes = 256 * 1024;
inline constexpr std::size_t kMaxNetworkJsonBytes = 1024 * 1024;

/// From this height on, blocks follow these versions; 0 leaves one as it was before.
struct Upgrade {
    std::uint32_t height = 0;
    std::uint16_t numerics_version = 0;
    std::uint16_t rules_version = 0;
    bool operator==(const Upgrade&) const = default;
};

/// One of several texts that the judge text, and the report text, are made of.
struct TextSource {
    std::string name;                 ///< for people: losses on its report text are told under it
    std::uint32_t judge_tokens = 0;   ///< above the context
    std::uint32_t report_tokens = 0;  ///< above the context, or 0 for every source: no report text
    bool operator==(const TextSource&) const = default;
};

/// A Llama-style transformer.
struct Architecture {
    std::uint32_t dim = 128;
    std::uint32_t hidden_dim = 352;
    std::uint32_t layers = 4;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 4;
    std::uint32_t vocab = 1024;
    std::uint32_t context = 128;  ///< a power of two that divides judge_leaf_tokens
    std::uint32_t rope_theta = 10000;
    std::uint32_t norm_eps_ppb = 10000;  ///< 10000 is 1e-5
    bool tied_head = true;
    bool rope_interleaved = true;
    bool operator==(const Architecture&) const = default;
};

/// How a trainer takes its local steps: AdamW, or plain gradient descent, theta - rate * gradient,
/// which has no moments and no decay (papers A: Alg 5).
enum class Optimiser : std::uint8_t { kAdamW = 0, kSgd = 1 };
inline constexpr const char* kOptimiserNames[] = {"adamw", "sgd"};

inline const char* name_of(Optimiser optimiser) {
    return kOptimiserNames[static_cast<std::size_t>(optimiser)];
}

/// What trainers should do; no rule reads it.
struct Recipe {
    std::uint32_t version = 1;
    std::uint32_t local_steps = 30;  ///< K
    std::uint32_t batch_tokens = 1024;
    std::uint32_t learning_rate_ppb = 3'000'000;
    std::uint32_t warmup_rounds = 0;
    std::uint32_t decay_rounds = 0;  ///< cosine down to the floor, over so many rounds; 0: constant
    std::uint32_t floor_ppb = 100'000'000;  ///< share of the learning rate that remains
    std::uint32_t weight_decay_ppb = 0;
    std::uint32_t beta1_ppb = 900'000'000;
    std::uint32_t beta2_ppb = 990'000'000;
    std::uint32_t adam_eps_ppb = 10;
    std::uint32_t clip_ppb = 1'000'000'000;  ///< largest gradient norm; 0: no clipping
    bool operator==(const Recipe&) const = default;
};

struct NetworkDefinition {
    std::string name = "cairn";
    std::uint16_t numerics_version = kNumericsVersion;  ///< of genesis
    std::uint16_t rules_version = kRulesVersion;        ///< of genesis
    /// The one field that the genesis id leaves out: a network that lives gets upgrades.
    std::vector<Upgrade> upgrades;

    Architecture architecture;
    std::uint64_t weights_seed = 1;
    Hash256 tokenizer_hash;
    Hash256 judge_hash;   ///< of the judge text (u32 token ids), on which rules measure worth
    Hash256 report_hash;  ///< of the report text, on which nodes publish losses; no rule reads it
    std::uint32_t judge_leaf_tokens = 4096;  ///< tokens of a judge batch, one leaf of the gradient
    CodecSpec codec;                         ///< how deltas become payloads
    Recipe recipe;

    std::uint32_t round_length = 4;        ///< M: every M-th height is a merge block
    std::uint32_t reveal_depth = 0;        ///< advice: blocks between commitment and payload
    std::uint64_t norm_start = 1 << 24;    ///< each of the 16 virtual norms, unit 2^-24
    std::uint32_t window_rounds = 16;      ///< whose norms, worths, payload hashes are recorded
    std::uint32_t novelty_rounds = 4;      ///< W: what so many merges brought counts as said; 0..16
    std::uint32_t max_contributions = 64;  ///< R_max, per merge block
    std::uint32_t paid_contributions =
        16;  ///< R_pay: if those that earn weigh more together, they share R_pay units

    std::uint64_t genesis_time_ms = 0;
    std::uint64_t spacing_ms = 2000;
    std::uint64_t halflife_ms = 120'000;
    std::uint32_t first_target = 0x1e0fffff;  ///< compact (chain/target.h)
    std::uint32_t pow_limit = 0x20ffffff;     ///< compact: no target is easier
    std::uint32_t share_factor = 64;  ///< F: a stamp is F times easier than a block, at most

    std::uint64_t subsidy_unit = 100'000'000;  ///< what a full contribution earns at first
    std::uint32_t halving_rounds = 100'000;    ///< rounds after which units halve
    std::uint32_t carry_share = 16384;         ///< part of a unit that its carriers get, over 2^16
    std::uint32_t coinbase_maturity = 8;       ///< blocks before a coinbase's coins can be spent

    std::uint32_t max_block_bytes = 8 << 20;
    std::uint32_t max_payload_bytes = 1 << 20;
    std::uint32_t max_payments = 2048;    ///< per block
    std::uint32_t max_commitments = 256;  ///< per block

    /// Private network: the sorted keys that may link, contribute and mine. Empty: public.
    std::vector<crypto::PublicKey> members;

    /// Extension 1: what must meet the targets.
    WorkFunction work = WorkFunction::kSha256d;
    /// Extension 2, advice to trainers: part of what they read, over 2^16, is the judge text.
    std::uint32_t public_share = 0;
    /// Extension 3: the texts, one behind the other, that the judge text and the report text are
    /// made of; windows are drawn evenly over them. Empty: one text each. Else 2 to 16.
    std::vector<TextSource> sources;
    /// Extension 4, part of the recipe: with sgd its betas, epsilon and decay are not read.
    Optimiser optimiser = Optimiser::kAdamW;

    /// Lengths in tokens of the judge text's parts, in their order; empty where it is one text
    /// (the report text also where sources give it no lengths).
    std::vector<std::uint64_t> judge_parts() const;
    std::vector<std::uint64_t> report_parts() const;

    /// M = 1: each block has at most one contribution, by who found it, which becomes part of the
    /// model as it is (papers A: Def 4 and 24; chain.md, section 7, "One winner a block").
    bool one_winner() const { return round_length == 1; }

    bool is_private() const { return !members.empty(); }
    bool is_member(const crypto::PublicKey& key) const;
    /// What a block of this height must follow and name.
    Versions versions_at(std::uint32_t height) const;

    /// Rounds count from 0: round r is blocks r*M+1 to r*M+M and trains on the model after block
    /// r*M; the last of them is its merge block. Height 0 (genesis) is in no round.
    std::uint32_t round_of(std::uint32_t height) const;
    bool is_first_of_round(std::uint32_t height) const;
    bool is_merge_height(std::uint32_t height) const;
    std::uint32_t merge_height(std::uint32_t round) const;

    bool operator==(const NetworkDefinition&) const = default;
};

Bytes encode(const NetworkDefinition& network);
/// Reads canonical bytes; also runs validate().
Result<NetworkDefinition> decode_network(ByteView bytes);

/// Tagged hash of the canonical bytes, with no upgrades in them.
Hash256 genesis_id(const NetworkDefinition& network);

/// Whether every field is within its bounds; the message names the field and what is allowed.
Status validate(const NetworkDefinition& network);

/// Indented JSON, every field written out.
std::string to_json(const NetworkDefinition& network);
/// A field that is missing keeps its default; one that is unknown, of the wrong type or out of
/// bounds is refused.
Result<NetworkDefinition> network_from_json(std::string_view json);

}  // namespace cairn::chain
