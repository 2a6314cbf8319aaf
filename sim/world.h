// A whole network in one thread, from one seed: real nodes over the simulated clock, loop and
// wire. Tests add nodes, let time pass, cut and heal the network, kill nodes at any instant and
// start them again from what their disk has. Invariants are checked all the while. A world that
// fails prints one line that replays it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/node.h"
#include "sim/faulty_disk.h"
#include "sim/model_kit.h"
#include "sim/sim_network.h"
#include "store/sqlite.h"

namespace cairn::sim {

struct NodeSpec {
    std::vector<int> connect{};                    ///< nodes that it dials
    std::vector<std::string> connect_addresses{};  ///< and others
    bool mine = true;
    bool train = true;
    std::uint64_t hashes_per_slice = 2;
    std::uint64_t slice_pause_ms = 50;
    std::uint64_t own_work_part = node::kOwnWorkPart;  ///< MinerOptions
    std::int64_t clock_skew_ms = 0;
    std::uint32_t snapshot_interval = 8;
    std::uint32_t max_undo = 64;
    bool channels = false;  ///< it ends its payment channels by itself
    /// What its program knows.
    const consensus::RuleBook* rules = &consensus::own_rule_book();
    /// Instead of those of the network's definition.
    std::optional<std::vector<chain::Upgrade>> upgrades{};
    /// Instead of the kit's honest trainer.
    std::function<std::unique_ptr<node::DeltaSource>()> source{};
    /// NodeSeams::assets.
    std::function<std::shared_ptr<const Bytes>(const Hash256&)> assets{};
    /// What a layer server at an address answers when the node asks it; empty: it believes none.
    std::function<Result<serve::Announce>(const std::string& address)> server_at{};
    /// By which it judges exhibits, besides the chain's.
    std::vector<serve::ModelSnapshot> models{};
};

struct WorldOptions {
    LinkOptions links;
    LaneTime chain_lane{1'000, 20'000};
    LaneTime train_lane{200'000, 2'000'000};
    LaneTime read_lane{100, 2'000};
    LaneTime reference_lane{5'000'000, 20'000'000};
    /// Cheap invariants are asked after every event, those of pool and ledger when the chain has
    /// moved, all of them every so many events.
    std::uint64_t check_every = 500;
};

class World {
  public:
    /// `scenario` is the name of the test that replays it.
    World(std::uint64_t seed, std::string scenario, ModelKit& kit, WorldOptions options = {});
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    std::uint64_t seed() const { return seed_; }
    SeededRandom& random() { return random_; }
    Scheduler& scheduler() { return scheduler_; }
    Fabric& fabric() { return fabric_; }
    const chain::NetworkDefinition& network() const { return network_; }
    const chain::Block& genesis() const { return genesis_; }

    /// Adds a node and starts it. Gives its number, counted from 0.
    int add_node(const NodeSpec& spec);
    std::size_t size() const { return slots_.size(); }
    bool alive(int number) const { return slots_.at(index(number))->node != nullptr; }
    node::Node& node(int number);
    /// Until it is killed.
    SimLoop& loop(int number) { return *slots_.at(index(number))->loop; }
    /// What `look(ledger)` returns for a node's ledger, which may be ahead of the node's tip.
    template <typename Look>
    auto ledger(int number, Look look) {
        return node(number).chain().lane().inspect(
            [&look](const node::ChainState& state) { return look(state.ledger()); });
    }
    /// The whole state of the ledger.
    Bytes saved_ledger(int number) {
        return ledger(number, [](const consensus::Ledger& ledger) { return ledger.save(); });
    }
    store::Store& store(int number) { return *slots_.at(index(number))->store; }
    /// The block of the active chain at a height, as its store has it.
    Result<chain::Block> block_at(int number, std::uint64_t height);
    consensus::ModelSeam& model(int number) { return *slots_.at(index(number))->model; }
    const crypto::SecretKey& key(int number) const { return slots_.at(index(number))->key; }
    std::string address(int number) const;
    const std::string& directory(int number) const { return slots_.at(index(number))->directory; }

    /// kill -9: nothing is flushed, nobody is told.
    void kill(int number);
    /// From its disk, with a fresh model, an empty pool and no links.
    void start(int number);
    /// What the next start() uses; may be changed.
    NodeSpec& spec(int number) { return slots_.at(index(number))->spec; }

    /// What its disk does from now on, over restarts too.
    void set_disk_faults(int number, const DiskFaults& faults);
    /// Another program holds the node's database for writing, or lets it go.
    void lock_database(int number);
    void unlock_database(int number) { slots_.at(index(number))->foreign_lock.reset(); }
    /// kill(), and the power went: the file written last is cut short.
    void tear_and_kill(int number);

    /// The named nodes on one side, all others on the other.
    void partition(const std::vector<int>& side);
    void heal() { fabric_.heal(); }

    void run_ms(std::uint64_t ms);
    /// Lets time pass until `condition` holds (asked every 100 virtual ms); false if it does not
    /// hold after `max_ms`.
    bool run_until(const std::function<bool()>& condition, std::uint64_t max_ms);

    std::uint32_t height(int number);
    Hash256 tip(int number);
    /// Whether all living nodes have the same tip, at `min_height` or above.
    bool agreed(std::uint32_t min_height = 1);
    /// All invariants of all living nodes (node/invariants.h); the first breach is in failure(),
    /// and stays.
    void check_invariants();
    const std::string& failure() const { return failure_; }
    /// The command line that replays this world, and the failure if there is one.
    std::string replay_line() const;

  private:
    /// kill() destroys its members in the order that node.h asks for.
    struct Slot {
        Slot(NodeSpec given, crypto::SecretKey secret) : spec(std::move(given)), key(secret) {}
        NodeSpec spec;
        crypto::SecretKey key;
        std::string directory;
        std::uint64_t starts = 0;
        std::unique_ptr<SimClock> clock;
        std::unique_ptr<SeededRandom> random;
        std::unique_ptr<SimLoop> loop;
        std::unique_ptr<SimNetwork> network;
        std::unique_ptr<FaultyDisk> disk;
        DiskFaults faults;
        std::unique_ptr<store::Database> foreign_lock;
        std::unique_ptr<store::Store> store;
        std::unique_ptr<consensus::ModelSeam> model;
        std::unique_ptr<node::ModelReader> reader;
        std::unique_ptr<node::DeltaSource> source;
        std::unique_ptr<node::Node> node;
        const node::BlockNode* checked = nullptr;  // where its ledger stood when all was checked
    };

    static std::size_t index(int number) { return static_cast<std::size_t>(number); }
    void fail(int number, const std::string& what);
    void let_pass(std::uint64_t ms);
    void check_node_quickly(int number);
    void check_node(int number);
    void check_ledger(int number, bool with_coins_root);

    std::uint64_t seed_;
    std::string scenario_;
    ModelKit& kit_;
    WorldOptions options_;
    chain::NetworkDefinition network_;
    chain::Block genesis_;
    SeededRandom random_;
    Scheduler scheduler_;
    Fabric fabric_;
    std::string directory_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::string failure_;
};

/// The seeds of a test run: 15, or as many as CAIRN_SIM_SEEDS says, or the one in CAIRN_SIM_SEED.
std::vector<std::uint64_t> seeds();

}  // namespace cairn::sim
