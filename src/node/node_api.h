// What a node shows to those who look at it (api/, the command line, the demo) and the few things
// they may ask it to do. Everything here is a plain value: no caller sees the ledger, the store or
// the loop. All calls are made on the node's Loop (another thread posts to it). What the loop knows
// is answered at once; what needs the disk or a lane comes by a callback on the Loop, later or at
// once. A node that ends first does not answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"
#include "node/conditions.h"
#include "node/served_model.h"
#include "proof/coin_trace.h"
#include "proof/make.h"
#include "serve/announce.h"
#include "store/records.h"

namespace cairn::node {

template <typename T>
using Callback = std::function<void(Result<T>)>;

struct PeerView {
    std::uint64_t id = 0;
    std::string address;
    crypto::PublicKey key;
    bool outbound = false;
    std::uint64_t height = 0;  ///< of its tip, as it last said
};

struct MiningView {
    bool enabled = false;
    bool searching = false;    ///< a template exists and nonces are being tried
    std::uint64_t height = 0;  ///< of the block being searched
    std::uint64_t hashes = 0;  ///< tried since start
    double hashes_per_s = 0;   ///< over the last few slices
    std::uint64_t blocks = 0;  ///< found since start
};

struct TrainingView {
    bool enabled = false;
    std::string stage = "off";  ///< in words (round_plan.h); off: does not train
    std::uint64_t round = 0;
    std::uint32_t steps = 0;         ///< local steps done this round
    std::uint32_t steps_wanted = 0;  ///< K
    /// Nats per token on private data, latest step; none before this round's first.
    std::optional<double> local_loss;
    std::uint64_t merged = 0;  ///< own contributions merged on the active chain
};

/// Layers that the node computes for others.
struct ServingView {
    std::string address;  ///< where it listens for clients
    Hash256 model;        ///< its content hash; zero: none yet
    std::uint32_t first_layer = 0;
    std::uint32_t end_layer = 0;  ///< the layer behind its last
    std::uint64_t sessions = 0;   ///< open now
    std::uint64_t rows = 0;       ///< computed since it was started
    std::uint64_t price = 0;      ///< of 1,000 rows through one layer, smallest units; 0: free
    std::uint64_t earned = 0;     ///< by vouchers since it was started, smallest units
};

/// Audits of others' layers that the node makes (auditor.h), since it was started.
struct VerifyingView {
    std::uint64_t rounds = 0;
    std::uint64_t right = 0;       ///< audits that found the same bits
    std::uint64_t wrong = 0;       ///< an answer of no layers, but no proof
    std::uint64_t unanswered = 0;  ///< time-outs and refusals
    std::uint64_t convicted = 0;   ///< with a proof
    std::uint64_t rows = 0;        ///< that were computed again
    std::uint64_t bytes = 0;       ///< of states and receipts, both ways
    std::uint64_t spent = 0;       ///< by vouchers, smallest units
    std::string last{};            ///< what the latest audit found, a sentence
};

/// Exhibits against layer servers, the node's own and others' (evidence_gossip.h).
struct EvidenceView {
    std::uint64_t judged = 0;      ///< computed again here since the start
    std::uint64_t convicting = 0;  ///< of those
    std::uint64_t in_vain = 0;     ///< of those, proved nothing
    std::uint64_t kept = 0;        ///< that convict, in the folder exhibits
    std::uint64_t unchecked = 0;   ///< accusations whose layers are not here
};

/// From this height on blocks follow these versions.
struct UpgradeView {
    std::uint64_t height = 0;
    std::uint16_t numerics_version = 0;
    std::uint16_t rules_version = 0;
    bool known = true;  ///< to the node's program; if not, it stops before
};

/// Where the next block stands in its round.
struct RoundView {
    std::uint64_t number = 0;
    std::uint32_t block = 0;   ///< 1 is the first
    std::uint32_t length = 0;  ///< blocks in a round; the last one merges
};

/// The published loss on one of the texts that the report text is made of.
struct SourceLossView {
    std::string name;
    double report = 0;
};

/// The published loss, nats per token, at the latest merge block for which it is known.
struct LossView {
    std::uint64_t height = 0;
    std::optional<double> report;         ///< none: no merge block yet, or not computed yet
    std::optional<double> report_before;  ///< at the merge block before that one
    std::vector<SourceLossView> sources;  ///< whose mean `report` is; empty where there is one text
};

/// How far a node has come since it was started.
namespace state {
inline constexpr std::string_view kFetching = "fetching";  ///< files that network.json names
inline constexpr std::string_view kLoading = "loading";    ///< the model, and the chain on disk
inline constexpr std::string_view kRunning = "running";
}  // namespace state

/// One look at the whole node.
struct NodeStatus {
    /// Unless it is kRunning, what the chain, the pool, the miner and the trainer would tell is not
    /// known yet, and those fields are as they are here.
    std::string state{state::kRunning};
    std::vector<ConditionView> conditions;
    Hash256 genesis_id;
    std::string network_name;
    crypto::PublicKey node_key;
    crypto::PublicKey miner_key;  ///< whom the next block here would pay
    std::string listen_address;
    std::uint64_t height = 0;
    Hash256 tip;
    Hash256 state_root;
    std::uint64_t tip_time_ms = 0;
    std::uint64_t headers_height = 0;  ///< best header known; above `height` while syncing
    std::uint64_t supply = 0;          ///< coins in existence, smallest units
    RoundView round;
    LossView loss;
    std::uint64_t earned = 0;  ///< minted to this node's keys on the active chain, smallest units
    std::size_t mempool_payments = 0;
    std::size_t mempool_commitments = 0;
    std::size_t mempool_contributions = 0;
    /// What a payment must pay for each byte to be in the next block, as far as the pool tells.
    std::uint64_t mempool_fee_rate = 0;
    std::uint64_t reorganisations = 0;        ///< since start
    std::vector<std::string> missing_assets;  ///< being fetched from peers
    std::vector<PeerView> peers;
    MiningView mining;
    TrainingView training;
    std::optional<ServingView> serving;      ///< none: it does not serve layers
    std::optional<VerifyingView> verifying;  ///< none: it does not audit servers
    EvidenceView evidence;
    std::vector<UpgradeView> upgrades;  ///< above the tip, lowest first
};

/// What is wrong, of all that NodeStatus::conditions lists: for logs and tests.
std::string troubles_text(const NodeStatus& status);

/// One merge block: the model before and after, and why each contribution earned what it earned.
struct MergeView {
    store::MergeRecord merge;
    std::vector<store::ContributionRecord> contributions;
};

struct CoinView {
    Hash256 txid;  ///< with `index` the outpoint
    std::uint32_t index = 0;
    std::uint64_t amount = 0;
    std::uint64_t height = 0;
    bool coinbase = false;
    bool mature = true;
    crypto::PublicKey key;      ///< its owner
    bool spent = false;         ///< by a payment that waits in the node's pool
    bool pending = false;       ///< made by such a payment: in no block yet, height 0
    bool channel = false;       ///< a payment channel: `key` is its payer
    crypto::PublicKey payee{};  ///< of a channel
    std::uint64_t expiry = 0;   ///< of a channel: the height from which on its payer may spend it
};

/// A payment that waits in the node's pool.
struct PooledView {
    Bytes payment;  ///< canonical
    std::uint64_t fee = 0;
};

/// What the node's own audits and the exhibits that it has judged say of a server.
struct StandingView {
    std::uint64_t audits = 0;
    double accuracy = 0;
    double score = 0;
    std::string status;  ///< as trust::status_name()
    std::string why;     ///< a sentence
};

/// A layer server that the node has heard of, and that answered it (server_table.h).
struct ServerView {
    serve::Announce record;    ///< its own words
    std::uint64_t age_ms = 0;  ///< since the record came
    bool own = false;          ///< of the node's own machine
    /// Of the merge block whose model it holds; none if that is not the chain's, or not known to
    /// be.
    std::optional<std::uint64_t> height;
    std::optional<StandingView> standing{};  ///< none: nothing is known of it here
    std::string accused{};  ///< of an exhibit that cannot be judged here, in words; mostly empty
};

/// Keys that coins_of is asked about at once, at most.
inline constexpr std::size_t kMaxCoinKeys = 128;

class NodeApi {
  public:
    virtual ~NodeApi() = default;

    virtual NodeStatus status() const = 0;
    /// Ascending by key, at most some thousand.
    virtual std::vector<ServerView> servers() const = 0;
    /// Merge blocks of the active chain from `from_height` on, ascending, at most `max`.
    virtual void merges(std::uint64_t from_height, std::size_t max,
                        Callback<std::vector<MergeView>> answer) = 0;
    /// Records about one commitment, or of all commitments of a key, or in a block: whichever the
    /// 32 bytes name. Newest first, at most `max`.
    virtual void explain(const Hash256& id, std::size_t max,
                         Callback<std::vector<store::ContributionRecord>> answer) = 0;

    /// A canonical chain::Payment: checked, pooled, relayed. Answers with its id.
    virtual void submit_payment(Bytes payment, Callback<Hash256> answer) = 0;
    /// The payment with this id, if it waits in the pool; kNotFound otherwise.
    virtual void pooled_payment(const Hash256& id, Callback<PooledView> answer) = 0;
    /// Unspent outputs of the keys at the tip, the largest (largest_coins.h) if there are too many,
    /// and what payments in the pool would change about them: both as of one moment. kInvalid for
    /// more than kMaxCoinKeys.
    virtual void coins_of(std::vector<crypto::PublicKey> keys,
                          Callback<std::vector<CoinView>> answer) = 0;

    /// A file that proves something to those who have no node, as bytes (proof/inclusion.h). Errors
    /// as proof::prove.
    virtual void prove(const proof::Question& question, Callback<Bytes> answer) = 0;
    /// Where a coin comes from. Errors as proof::trace_coin.
    virtual void trace_coin(const chain::OutPoint& coin, std::size_t max_steps,
                            std::uint64_t max_bytes, Callback<proof::CoinTrace> answer) = 0;

    /// What the model of the tip writes after `prompt`; kUnsupported where the node has no
    /// tokenizer. Runs beside the chain, on a copy of the weights.
    virtual void generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t seed,
                          Callback<std::string> answer) = 0;
    /// The model of the newest settled merge block, nothing if that is `known` (zero: none is) or
    /// one below it, or cannot be read yet after a start. A node that is far behind its peers tells
    /// of no newer one.
    virtual void served_model(const Hash256& known,
                              Callback<std::optional<ServedModel>> answer) = 0;
    /// Writes the tip's model with its tokenizer to one file (own checkpoint format), so that it
    /// can be served or taken elsewhere. Answers with the state root that it belongs to.
    virtual void export_model(std::string path, Callback<Hash256> answer) = 0;
};

}  // namespace cairn::node
