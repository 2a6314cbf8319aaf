// Proves that a network drawn by chance, with everything going wrong that can, keeps its promises:
// no invariant of any node breaks after any event; once the trouble ends, all honest nodes agree
// and go on, although hostile peers stay; what a restarted node finds is consistent; the loss
// falls. A failure prints the line that replays it.
#include <set>

#include "sim/paying.h"
#include "sim/scenario.h"
#include "sim/sim_hostile_peer.h"
#include "sim/tiny_model.h"

namespace cairn::sim {
namespace {

constexpr std::uint64_t kTroubleMs = 60'000;
constexpr std::uint64_t kCalmMs = 240'000;
constexpr std::uint32_t kBlocksInCalm = 8;  // two rounds

/// A network, its trouble and its hostile peers, all from one seed.
class Swarm {
  public:
    Swarm(std::uint64_t seed, ModelKit& kit)
        : world_(seed, scenario_name(), kit, options(seed)), random_(seed + 1'000'000) {}

    void run() {
        add_nodes();
        add_hostile_peers();
        while (world_.failure().empty() && world_.scheduler().now_ms() < kTroubleMs) {
            world_.run_ms(500 + random_.below(6'000));
            for (std::uint64_t i = random_.below(4); i > 0; --i) pay();
            trouble();
        }
        calm_down();
        const std::uint32_t from = highest();
        const bool agreed =
            world_.run_until([&] { return world_.agreed(from + kBlocksInCalm); }, kCalmMs);
        EXPECT_EQ(world_.failure(), "") << describe();
        EXPECT_TRUE(agreed) << "no agreement: " << heights() << describe();
    }

    World& world() { return world_; }
    std::uint64_t payments() const { return payments_; }
    std::string describe() const { return "\n" + world_.replay_line() + "\n" + story_; }

  private:
    static WorldOptions options(std::uint64_t seed) {
        SeededRandom random(seed + 2'000'000);
        WorldOptions options;
        options.links.max_delay_us = 10'000 + random.below(400'000);
        if (random.below(2) == 0)
            options.links.break_per_million = static_cast<std::uint32_t>(random.below(8'000));
        if (random.below(3) == 0) options.links.bytes_per_s = 20'000 + random.below(200'000);
        // A job is a block or a payment's check alike, so a lane much slower than this cannot
        // follow what item spam gives it to check.
        options.chain_lane.max_us = 5'000 + random.below(40'000);
        options.read_lane.max_us = 1'000 + random.below(100'000);
        return options;
    }

    void tell(const std::string& what) {
        story_ += "  " + std::to_string(world_.scheduler().now_ms()) + " ms: " + what + "\n";
    }

    int any_node() { return static_cast<int>(random_.below(world_.size())); }

    void add_nodes() {
        const int count = 3 + static_cast<int>(random_.below(3));
        for (int i = 0; i < count; ++i) {
            NodeSpec spec;
            for (int other = 0; other < i; ++other)
                if (random_.below(2) == 0 || other == i - 1) spec.connect.push_back(other);
            spec.mine = i < 2 || random_.below(3) != 0;
            spec.train = i < 2 || random_.below(3) != 0;
            spec.clock_skew_ms = static_cast<std::int64_t>(random_.below(1'600)) - 800;
            spec.snapshot_interval = 2 + static_cast<std::uint32_t>(random_.below(12));
            if (world_.network().work == chain::WorkFunction::kArgon2id)
                spec.slice_pause_ms = kSlowWorkPauseMs;
            spec.max_undo = 1 + static_cast<std::uint32_t>(random_.below(20));
            world_.add_node(spec);
        }
        tell(std::to_string(count) + " nodes");
    }

    void add_hostile_peers() {
        const std::uint64_t count = random_.below(4);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto malice = static_cast<Malice>(random_.below(kMalices));
            std::set<int> victims{any_node(), any_node()};
            hostile_.push_back(
                std::make_unique<SimHostilePeer>(world_, static_cast<int>(i) + 1, malice,
                                                 std::vector<int>(victims.begin(), victims.end())));
            tell(std::string("a hostile peer: ") + name_of(malice));
        }
    }

    void pay() {
        const int from = any_node();
        if (!world_.alive(from) || !world_.node(from).chain().is_ready()) return;
        const auto payment =
            make_payment(world_, from, crypto::public_key(world_.key(any_node())),
                         1'000'000 + random_.u64() % 1'000, 150 + random_.below(1'000));
        if (!payment) return;
        ++payments_;
        world_.node(from).submit_payment(chain::encode(*payment), [](const Result<Hash256>&) {});
    }

    void trouble() {
        const int number = any_node();
        const std::string who = "node " + std::to_string(number);
        switch (random_.below(9)) {
            case 0:
                if (!world_.alive(number)) return;
                tell(who + " is killed");
                return world_.kill(number);
            case 1:
                if (!world_.alive(number)) return;
                tell(who + " loses power while it writes");
                return world_.tear_and_kill(number);
            case 2:
            case 3:
                return start_all();
            case 4: {
                std::vector<int> side;
                for (int i = 0; i < static_cast<int>(world_.size()); ++i)
                    if (random_.below(2) == 0) side.push_back(i);
                tell("the network is cut");
                return world_.partition(side);
            }
            case 5:
                tell("the network is whole");
                return world_.heal();
            case 6:
                tell(who + "'s disk is full, or is not any more");
                return world_.set_disk_faults(number, {.full = random_.below(2) == 0});
            case 7:
                tell(who + "'s disk refuses some writes");
                return world_.set_disk_faults(number, {.failing_per_million = 200'000});
            default:
                toggle_lock(number);
        }
    }

    void toggle_lock(int number) {
        const bool locks = locked_.insert(number).second;
        tell("node " + std::to_string(number) + "'s database is " + (locks ? "locked" : "free"));
        if (locks) return world_.lock_database(number);
        world_.unlock_database(number);
        locked_.erase(number);
    }

    void start_all() {
        for (int i = 0; i < static_cast<int>(world_.size()); ++i) {
            if (world_.alive(i) || locked_.contains(i)) continue;
            world_.set_disk_faults(i, {});
            tell("node " + std::to_string(i) + " is started");
            world_.start(i);
        }
    }

    void calm_down() {
        world_.heal();
        for (const int number : locked_) world_.unlock_database(number);
        locked_.clear();
        for (int i = 0; i < static_cast<int>(world_.size()); ++i) world_.set_disk_faults(i, {});
        start_all();
        LinkOptions links;
        world_.fabric().set_options(links);
        tell("calm");
    }

    std::uint32_t highest() {
        std::uint32_t height = 0;
        for (int i = 0; i < static_cast<int>(world_.size()); ++i)
            height = std::max(height, world_.height(i));
        return height;
    }

    /// Where everybody stands, and with whom they are linked.
    std::string heights() {
        std::string text;
        for (int i = 0; i < static_cast<int>(world_.size()); ++i) {
            const node::NodeStatus status = world_.node(i).status();
            text += "\n  node " + std::to_string(i) + ": height " + std::to_string(status.height) +
                    " " + short_hex(status.tip) + " (headers " +
                    std::to_string(status.headers_height) + "), peers";
            for (const auto& peer : status.peers)
                text += " " + peer.address + (peer.outbound ? "" : " (in)");
            if (const std::string troubles = node::troubles_text(status); !troubles.empty())
                text += "; " + troubles;
        }
        return text;
    }

    World world_;
    SeededRandom random_;
    std::vector<std::unique_ptr<SimHostilePeer>> hostile_;
    std::set<int> locked_;
    std::uint64_t payments_ = 0;
    std::string story_;
};

/// In the slow tier all seeds, else a few.
std::vector<std::uint64_t> swarm_seeds() {
    std::vector<std::uint64_t> all = seeds();
    if (all.size() == 15) all.resize(5);
    return all;
}

TEST(Swarm, KeepsItsPromises) {
    std::uint64_t payments = 0;
    for (const std::uint64_t seed : swarm_seeds()) {
        const bool slow_work = seed % 8 == 4;
        FakeModelKit kit(slow_work ? slow_work_definition() : sim_network_definition());
        Swarm swarm(seed, kit);
        swarm.run();
        payments += swarm.payments();
        if (HasFailure()) return;
    }
    EXPECT_TRUE(payments > 0 || swarm_seeds().size() == 1) << "nobody ever paid";
}

/// The real model is slower than the fake: one seed of eight.
TEST(Swarm, LearnsAllTheSame) {
    for (const std::uint64_t seed : swarm_seeds()) {
        if (seed % 8 != 1 && swarm_seeds().size() > 1) continue;
        static TinyModelKit kit;
        Swarm swarm(seed, kit);
        swarm.run();
        if (HasFailure()) return;
        const auto merges = swarm.world().store(0).merges(0, 1'000).value();
        std::vector<double> losses;
        for (const store::MergeRecord& merge : merges)
            if (merge.report_loss) losses.push_back(*merge.report_loss);
        ASSERT_GE(losses.size(), 2U) << swarm.describe();
        EXPECT_LT(losses.back(), losses.front()) << swarm.describe();
    }
}

}  // namespace
}  // namespace cairn::sim
