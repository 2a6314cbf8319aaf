#include "sim/world.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "node/invariants.h"
#include "node/kept_payments.h"

namespace cairn::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kProbeMs = 60;

/// Where the nodes' folders are: in memory, where the system has such a place.
std::string fresh_directory() {
    static std::atomic<int> count{0};
    std::error_code failure;
    const fs::path root =
        fs::exists("/dev/shm", failure) ? fs::path("/dev/shm") : fs::temp_directory_path(failure);
    const fs::path directory =
        root / ("cairn-sim-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    fs::remove_all(directory, failure);
    fs::create_directories(directory, failure);
    return directory.string();
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    if (text == nullptr) return otherwise;
    const auto value = parse_whole(text, name);
    CHECK(value.ok());
    return *value;
}

/// Asked over links of its own, so the answer comes a little later.
node::AskServer ask_in(Loop& loop,
                       std::function<Result<serve::Announce>(const std::string&)> server_at) {
    if (!server_at) return {};
    return [&loop, server_at = std::move(server_at)](const std::string& address, auto answer) {
        loop.call_after(kProbeMs, [server_at, address, answer] { answer(server_at(address)); });
    };
}

chain::Block genesis_of(const chain::NetworkDefinition& network, ModelKit& kit) {
    const auto model = kit.make_model();
    return consensus::Ledger(network, *model).genesis();
}

}  // namespace

std::vector<std::uint64_t> seeds() {
    if (const std::uint64_t one = number_from_environment("CAIRN_SIM_SEED", 0)) return {one};
    std::vector<std::uint64_t> all(number_from_environment("CAIRN_SIM_SEEDS", 15));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i + 1;
    return all;
}

World::World(std::uint64_t seed, std::string scenario, ModelKit& kit, WorldOptions options)
    : seed_(seed),
      scenario_(std::move(scenario)),
      kit_(kit),
      options_(options),
      network_(kit.network()),
      genesis_(genesis_of(network_, kit)),
      random_(seed),
      scheduler_(network_.genesis_time_ms + 1'000),
      fabric_(scheduler_, random_.u64(), options.links),
      directory_(fresh_directory()) {}

World::~World() {
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (slots_[i]->node) kill(static_cast<int>(i));
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

std::string World::address(int number) const {
    return "10.0.0." + std::to_string(number + 1) + ":7000";
}

node::Node& World::node(int number) {
    CHECK(alive(number));
    return *slots_[index(number)]->node;
}

int World::add_node(const NodeSpec& spec) {
    const int number = static_cast<int>(slots_.size());
    slots_.push_back(std::make_unique<Slot>(spec, crypto::SecretKey::generate(random_)));
    slots_.back()->directory = directory_ + "/node" + std::to_string(number);
    start(number);
    return number;
}

void World::start(int number) {
    Slot& slot = *slots_.at(index(number));
    CHECK(!slot.node);
    const std::uint64_t seed = random_.u64();
    slot.clock = std::make_unique<SimClock>(scheduler_, slot.spec.clock_skew_ms);
    slot.random = std::make_unique<SeededRandom>(seed);
    slot.loop = std::make_unique<SimLoop>(scheduler_, seed + 1);
    slot.loop->set_lane_time(Lane::kChain, options_.chain_lane);
    slot.loop->set_lane_time(Lane::kTrain, options_.train_lane);
    slot.loop->set_lane_time(Lane::kServe, options_.chain_lane);
    slot.loop->set_lane_time(Lane::kRead, options_.read_lane);
    slot.loop->set_lane_time(Lane::kReference, options_.reference_lane);
    slot.network = std::make_unique<SimNetwork>(fabric_, *slot.loop, address(number),
                                                crypto::public_key(slot.key));
    if (!slot.disk) slot.disk = std::make_unique<FaultyDisk>(slot.directory, seed + 2);
    auto opened =
        store::Store::open_on(slot.directory, *slot.disk, {.durable = false, .busy_timeout_ms = 0});
    if (!opened.ok()) return fail(number, "its store does not open: " + opened.error().message);
    slot.store = std::move(*opened);
    slot.model = kit_.make_model();
    slot.reader = kit_.make_reader(*slot.model);
    if (slot.spec.train)
        slot.source =
            slot.spec.source ? slot.spec.source() : kit_.make_trainer(number, seed_ + slot.starts);
    ++slot.starts;

    node::NodeConfig config{network_, slot.key, {}, 8, {}, {}, {}, {}, {}, {}};
    if (slot.spec.upgrades) config.network.upgrades = *slot.spec.upgrades;
    config.connect = slot.spec.connect_addresses;
    for (const int peer : slot.spec.connect) config.connect.push_back(address(peer));
    config.chain.state.snapshot_interval = slot.spec.snapshot_interval;
    config.chain.state.max_undo = slot.spec.max_undo;
    config.chain.state.rules = slot.spec.rules;
    config.miner.enabled = slot.spec.mine;
    config.miner.hashes_per_slice = slot.spec.hashes_per_slice;
    config.miner.slice_pause_ms = slot.spec.slice_pause_ms;
    config.miner.own_work_part = slot.spec.own_work_part;
    config.reporter.sample_tokens = 0;
    config.evidence.models = slot.spec.models;
    slot.node = std::make_unique<node::Node>(
        std::move(config), node::LedgerSeams{*slot.store, *slot.model},
        node::NodeSeams{*slot.clock, *slot.random, *slot.loop, *slot.network, slot.reader.get(),
                        slot.source.get(), slot.spec.assets,
                        [disk = slot.disk.get()](const std::vector<chain::Payment>& own) {
                            return node::keep_payments(*disk, own);
                        },
                        slot.spec.channels ? slot.disk.get() : nullptr, nullptr,
                        ask_in(*slot.loop, slot.spec.server_at)});
    slot.network->set_dial_failed([node = slot.node.get()](const std::string& to) {
        node->on_dial_failed(to, io_error("nothing listens there"));
    });
    const Status started = slot.node->start([node = slot.node.get(), disk = slot.disk.get()] {
        node->take_up_payments(node::kept_payments(*disk));
    });
    if (!started.ok()) fail(number, "it does not start: " + started.error().message);
}

void World::kill(int number) {
    Slot& slot = *slots_.at(index(number));
    CHECK(slot.node != nullptr);
    slot.network.reset();
    slot.loop.reset();
    slot.node.reset();
    slot.source.reset();
    slot.reader.reset();
    slot.model.reset();
    slot.store.reset();
    slot.checked = nullptr;
}

void World::tear_and_kill(int number) {
    kill(number);
    slots_.at(index(number))->disk->tear_latest();
}

void World::set_disk_faults(int number, const DiskFaults& faults) {
    slots_.at(index(number))->disk->set_faults(faults);
}

void World::lock_database(int number) {
    Slot& slot = *slots_.at(index(number));
    auto database = store::Database::open(slot.directory + "/chain.sqlite", {.durable = false});
    CHECK(database.ok() && (*database)->exec("BEGIN IMMEDIATE;").ok());
    slot.foreign_lock = std::move(*database);
}

void World::partition(const std::vector<int>& side) {
    std::map<std::string, int> groups;
    for (const int number : side) groups[address(number)] = 1;
    fabric_.partition(groups);
}

void World::run_ms(std::uint64_t ms) {
    let_pass(ms);
    if (failure_.empty()) check_invariants();
}

void World::let_pass(std::uint64_t ms) {
    const std::uint64_t end_us = scheduler_.now_us() + ms * 1000;
    while (failure_.empty() && scheduler_.next_us() <= end_us) {
        scheduler_.step();
        if (scheduler_.steps() % options_.check_every == 0) check_invariants();
        for (std::size_t i = 0; i < slots_.size(); ++i)
            if (slots_[i]->node) check_node_quickly(static_cast<int>(i));
    }
    if (failure_.empty()) scheduler_.advance_to(end_us);
}

bool World::run_until(const std::function<bool()>& condition, std::uint64_t max_ms) {
    const std::uint64_t end_us = scheduler_.now_us() + max_ms * 1000;
    while (failure_.empty()) {
        if (condition()) return true;
        if (scheduler_.now_us() >= end_us) return false;
        let_pass(100);
    }
    return false;
}

Result<chain::Block> World::block_at(int number, std::uint64_t height) {
    ASSIGN_OR_RETURN(const Hash256 hash, store(number).active_block(height));
    ASSIGN_OR_RETURN(const Bytes bytes, store(number).body(hash));
    return chain::decode_block(bytes);
}

std::uint32_t World::height(int number) { return node(number).chain().tip()->node->height; }

Hash256 World::tip(int number) { return node(number).chain().tip()->node->hash; }

bool World::agreed(std::uint32_t min_height) {
    const Hash256* first = nullptr;
    for (const auto& slot : slots_) {
        if (!slot->node) continue;
        const auto& tip = slot->node->chain().tip();
        if (tip->node->height < min_height) return false;
        if (first && *first != tip->node->hash) return false;
        first = &tip->node->hash;
    }
    return first != nullptr;
}

void World::fail(int number, const std::string& what) {
    if (failure_.empty())
        failure_ = "node " + std::to_string(number) + " at " + std::to_string(scheduler_.now_ms()) +
                   " ms: " + what;
}

void World::check_node_quickly(int number) {
    Slot& slot = *slots_[index(number)];
    const Status quick = node::check_loop_quickly(slot.node->loop_view());
    if (!quick.ok()) return fail(number, quick.error().message);
    if (!slot.node->chain().is_ready()) return;
    const node::BlockNode* stands = slot.node->chain().lane().inspect(
        [](const node::ChainState& state) { return state.tip(); });
    if (stands == slot.checked) return;
    const Status pool = node::check_pool(slot.node->loop_view());
    if (!pool.ok()) return fail(number, pool.error().message);
    check_ledger(number, false);
}

void World::check_ledger(int number, bool with_coins_root) {
    Slot& slot = *slots_[index(number)];
    const Status held = slot.node->chain().lane().inspect([&](const node::ChainState& state) {
        slot.checked = state.tip();
        return node::check_ledger(state, with_coins_root);
    });
    if (!held.ok()) fail(number, held.error().message);
}

void World::check_node(int number) {
    Slot& slot = *slots_[index(number)];
    if (!slot.node->chain().is_ready()) return;
    const Status loop = node::check_loop(slot.node->loop_view());
    if (!loop.ok()) return fail(number, loop.error().message);
    check_ledger(number, true);
}

void World::check_invariants() {
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (slots_[i]->node) check_node(static_cast<int>(i));
}

std::string World::replay_line() const {
    return "replay: CAIRN_SIM_SEED=" + std::to_string(seed_) +
           " sim_test --gtest_filter=" + scenario_ +
           (failure_.empty() ? "" : "   (" + failure_ + ")");
}

}  // namespace cairn::sim
