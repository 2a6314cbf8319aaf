// A node: the chain it follows, the pool, the peers, the miner and the trainer, put together over
// the seams that it is given. The same class runs in `cairn node` (run_node.h) and, many at a
// time, in the simulator. Everything happens on the loop; computing is offloaded to its lanes.
//
// To end one: destroy the Network, then the Loop (which waits for work in its lanes), then the
// Node. The Node's destructor touches neither.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/peer_book.h"
#include "node/active_chain.h"
#include "node/channel_keeper.h"
#include "node/clock_watch.h"
#include "node/evidence_gossip.h"
#include "node/invariant_watch.h"
#include "node/merge_reporter.h"
#include "node/miner.h"
#include "node/node_api.h"
#include "node/own_keys.h"
#include "node/reach_watch.h"
#include "node/relay.h"
#include "node/round_trainer.h"
#include "node/server_gossip.h"
#include "node/sync.h"
#include "node/theta_giver.h"

namespace cairn::node {

/// What a node judges layer servers by.
struct EvidenceOptions {
    std::vector<serve::ModelSnapshot> models{};  ///< of files, besides the chain's
    trust::TrustRules rules{};
    serve::EvidenceLimits limits{};
    /// Copies of the chain's model are kept even while no server of layers is known.
    bool always = false;
};

struct NodeConfig {
    chain::NetworkDefinition network;
    /// Names the node to its peers. What it mines and contributes is paid to it too, unless `fresh`
    /// says otherwise.
    crypto::SecretKey key;
    std::vector<std::string> connect;
    std::size_t max_outbound = 8;
    ChainOptions chain;
    SyncOptions sync;
    MempoolLimits mempool;
    RelayOptions relay;
    MinerOptions miner;
    ReporterOptions reporter;
    InvariantOptions invariants = {};
    /// Instead of one key for all that is earned; not on private networks, whose members are keys.
    std::optional<FreshKeys> fresh = {};
    /// Secrets of payment channels besides `key`: of the wallet, if the node has one. May be empty.
    ChannelKeeper::SecretOf channel_secrets = {};
    channel::Policy channels = {};
    EvidenceOptions evidence = {};
};

/// What the node hands to its chain lane (ledger_lane.h), whose jobs alone write to the store and
/// use the model. The node itself keeps the store only for reading.
struct LedgerSeams {
    store::Store& store;
    consensus::ModelSeam& model;  ///< at theta^0
};

struct NodeSeams {
    const Clock& clock;
    Random& random;
    Loop& loop;
    net::Network& network;
    ModelReader* reader = nullptr;  ///< null: no losses, no samples
    DeltaSource* source = nullptr;  ///< null: does not train
    /// The bytes of an asset that the network names, for peers that ask: from memory, since it is
    /// called on the loop. May be empty.
    std::function<std::shared_ptr<const Bytes>(const Hash256&)> assets;
    /// Writes the payments that were submitted here (kept_payments.h), for take_up_payments() after
    /// the next start, however this one ends. Called on the chain lane. May be empty.
    std::function<Status(const std::vector<chain::Payment>&)> keep_payments = {};
    /// Where the records of its payment channels are, and what its trainer has committed to; null:
    /// it has no channels, and what it trained is lost with it.
    Disk* disk = nullptr;
    /// Where the node says what is wrong with it; null: it keeps a list of its own.
    Conditions* conditions = nullptr;
    /// Asks a layer server what it holds (serve/server_probe.h); empty: the node believes no
    /// announcement but its own.
    AskServer ask_server = {};
    /// The part of the network that a peer is in; empty: all are in one.
    std::function<std::string(net::PeerId)> group_of = {};
};

class Node final : public NodeApi, private net::NetworkHandler, private ActiveChain::Observer {
  public:
    /// The seams must outlive it, except as said above.
    Node(NodeConfig config, LedgerSeams ledger, NodeSeams seams);
    ~Node() override;

    /// Restores the chain, then links, mines and trains. `ready` is called once restored.
    Status start(std::function<void()> ready = {});
    /// Before the loop ends: makes long work finish early.
    void stop() { trainer_.stop(); }
    void set_mining(bool enabled) {
        mining_wanted_ = enabled;
        check_clock();
    }
    /// Hands it to the pool and to peers, as if a trainer here had made it: for scenarios.
    Mempool::Outcome submit(const chain::Commitment& commitment) {
        return relay_.submit(commitment);
    }
    Mempool::Outcome submit(const chain::Contribution& contribution) {
        return relay_.submit(contribution);
    }
    /// Payments that the node had when it ended, judged anew; `done` is told how many of them are
    /// new in the pool.
    void take_up_payments(std::vector<chain::Payment> payments,
                          std::function<void(std::size_t pooled)> done = {});
    /// The payments that should outlive a stop: the pool's, and those that are being judged again.
    std::vector<chain::Payment> payments_to_keep() const;
    /// Called after every change of the tip, from now on. May be empty.
    void watch_tip(std::function<void()> watch) { tip_watch_ = std::move(watch); }
    /// The outputs that the ledger has, unspent, one for each that is asked for; `answer` is called
    /// on the loop, later.
    void find_outputs(std::vector<chain::OutPoint> outpoints,
                      std::function<void(std::vector<std::optional<channel::OnChain>>)> answer);
    /// Tells all peers of a layer server of this machine, until the record expires. kInvalid for a
    /// record that others would not take. Call it again every 30 s or so.
    Status announce_server(const serve::Announce& record) { return servers_.announce_own(record); }
    /// Dialling the address failed.
    void on_dial_failed(const std::string& address, const Error& reason);

    /// Names it to its peers, and is the key of layers that it serves.
    const crypto::PublicKey& key() const { return key_; }
    const ActiveChain& chain() const { return chain_; }
    const Mempool& mempool() const { return mempool_; }
    const Sync& sync() const { return sync_; }
    /// What the loop owns, for invariants.h.
    LoopView loop_view() const {
        return {chain_, mempool_, peers_, reads_, config_.mempool, config_.sync};
    }

    const ServerGossip& server_gossip() const { return servers_; }
    const EvidenceGossip& evidence_gossip() const { return evidence_; }
    /// What is held against layer servers here: what the node's own audits find is entered there.
    serve::EvidenceDesk& evidence() { return desk_; }

    NodeStatus status() const override;
    std::vector<ServerView> servers() const override;
    void merges(std::uint64_t from_height, std::size_t max,
                Callback<std::vector<MergeView>> answer) override;
    void explain(const Hash256& id, std::size_t max,
                 Callback<std::vector<store::ContributionRecord>> answer) override;
    void submit_payment(Bytes payment, Callback<Hash256> answer) override;
    void pooled_payment(const Hash256& id, Callback<PooledView> answer) override;
    void coins_of(std::vector<crypto::PublicKey> keys,
                  Callback<std::vector<CoinView>> answer) override;
    void prove(const proof::Question& question, Callback<Bytes> answer) override;
    void trace_coin(const chain::OutPoint& coin, std::size_t max_steps, std::uint64_t max_bytes,
                    Callback<proof::CoinTrace> answer) override;
    void generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t seed,
                  Callback<std::string> answer) override;
    void served_model(const Hash256& known, Callback<std::optional<ServedModel>> answer) override;
    void export_model(std::string path, Callback<Hash256> answer) override;

  private:
    void on_peer_up(net::PeerId id, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId id, const std::string& reason) override;
    void on_message(net::PeerId id, std::uint16_t kind, Bytes body) override;
    void on_tip(const SwitchOutcome& outcome) override;
    void on_block_accepted(const BlockNode* node) override {
        if (speaking_ != 0) seams_.network.mark_useful(speaking_);
        sync_.announce(node);
    }
    void on_bodies_wanted() override { sync_.request_bodies(); }
    void on_fault(const std::string& sentence) override { on_breach(sentence); }

    void on_restored(const std::function<void()>& ready);
    /// Looks up which key the next block would pay, for status().
    void learn_miner_key(std::function<void()> then);
    void tick();
    /// Sets or clears the condition of an upgrade that this program does not know.
    void check_upgrades();
    /// Reads anew what the store knows and status() tells, and then calls `then`.
    void learn_figures(std::function<void()> then);
    void read_figures(std::vector<crypto::PublicKey> keys, std::function<void()> then);
    void on_breach(const std::string& breach);
    /// Looks at what speaks against this machine's clock, and stops or resumes mining by it.
    void check_clock();
    /// Sets and clears the conditions that are looked for, rather than met with.
    void check_conditions();
    void tell_clock();
    /// Whether we chose this peer, rather than it us.
    bool is_chosen(const Peer& peer) const;
    void dial();
    Status handle(Peer& peer, MessageKind kind, ByteView body);
    Status on_hello(Peer& peer, ByteView body);
    void make_ready(Peer& peer);
    Status on_get_asset(Peer& peer, ByteView body);
    Status on_addresses(Peer& peer, ByteView body);
    /// Drops peers that have not said hello in time.
    void drop_mute();
    /// Keeps the address over a restart, when we dialled it.
    void remember_peer(const Peer& peer);
    Bytes hello() const;
    void drop(Peer& peer, const std::string& reason);
    void on_found(const chain::Block& block);
    /// Judges payments that were pooled before by the present tip, and pools and offers those that
    /// are valid.
    void return_payments(std::vector<ItemPtr> payments,
                         std::function<void(std::size_t pooled)> done = {});
    void keep_payment(const ItemPtr& payment, std::function<void(const Status&)> done);

    /// Works out the content hash (S19) of a model that was asked for, so that servers() can say
    /// who holds it, and answers with it. The latest 16 are remembered.
    void name_model(ServedModel served, Callback<std::optional<ServedModel>> answer);

    /// Keeps copies of the chain's newest models, by which exhibits are judged.
    void look_for_model();

    void collect_coins(std::shared_ptr<const std::set<crypto::PublicKey>> keys, int tries,
                       Callback<std::vector<CoinView>> answer);

    void explain_template(const consensus::BlockReport& report);
    void explain_refusal(const chain::Contribution& contribution, const std::string& reason);
    void explain_left_out(const std::vector<ItemPtr>& left_out);
    void remember(std::vector<store::ContributionRecord> records);
    /// Computes beside the chain on a copy of the tip's weights. One copy at a time: whoever asks
    /// meanwhile waits for his turn, kFull where too many do.
    template <typename T>
    using WeightsWork =
        std::function<Result<T>(const std::vector<float>&, const Hash256& state_root)>;
    template <typename T>
    void with_weights(WeightsWork<T> work, Callback<T> answer);

    NodeConfig config_;
    NodeSeams seams_;
    const store::Store& store_;
    crypto::PublicKey key_;
    crypto::PublicKey miner_key_;
    OwnKeys own_keys_;  // used by jobs of the chain lane
    PeerTable peers_;
    net::PeerId speaking_ = 0;  ///< whose message is being handled; mostly nobody's
    PeerReads reads_;
    net::PeerBook book_;
    ActiveChain chain_;
    Mempool mempool_;
    Sync sync_;
    Relay relay_;
    Miner miner_;
    RoundTrainer trainer_;
    Conditions own_conditions_;
    Conditions& conditions_;
    ReachWatch reach_;
    ClockWatch clock_watch_;
    ClockWatch::Finding clock_;  ///< the latest
    bool mining_wanted_ = false;
    InvariantWatch invariants_;
    bool broken_ = false;  // a fault was found in this machine or program
    std::uint64_t ticks_ = 0;
    struct Figures {
        LossView loss;
        store::Earnings earned;
    } figures_;
    bool learning_figures_ = false, figures_changed_ = false;
    std::unique_ptr<MergeReporter> reporter_;
    bool weights_out_ = false;                        // a copy is being used
    std::deque<std::function<void()>> weights_next_;  // what waits for it
    SeenCache explained_{4'096};
    std::map<std::uint64_t, std::vector<ItemPtr>> returning_;  // being judged, by call
    std::uint64_t next_returning_ = 0;
    std::deque<ItemPtr> own_payments_;  // the latest; they outlive a kill
    ChannelKeeper channels_;
    std::function<void()> tip_watch_;
    ServerGossip servers_;
    ThetaGiver theta_giver_;
    serve::EvidenceDesk desk_;
    EvidenceGossip evidence_;
    Hash256 judged_by_;  ///< the block of the newest model that the desk has
    bool looking_for_model_ = false;
    std::deque<std::pair<Hash256, std::uint64_t>> model_names_;
    Alive alive_;
};

}  // namespace cairn::node
