#include "lab/attacks.h"

#include <optional>
#include <set>

#include "base/disk.h"
#include "base/files.h"
#include "sim/attackers.h"
#include "sim/theft.h"
#include "sim/tiny_model.h"
#include "sim/world.h"
#include "worth/network_rules.h"

namespace cairn::lab {

namespace {

constexpr int kAttacker = 3;
constexpr std::uint64_t kMaxVirtualMs = 600'000;
constexpr int kTheftTries = 20;
constexpr std::size_t kMaxRecords = 1'000;

struct Attack {
    const char* name;
    sim::Spoil spoil;       // null: copies instead
    std::uint32_t lag = 0;  // copies so many rounds late; 0: at once
};

std::vector<Attack> all_attacks(std::uint64_t seed) {
    return {
        {"sign-flipped", sim::sign_flipped()},
        {"scaled-by-10", sim::scaled_by_10()},
        {"scaled-by-1.4", sim::scaled_by_1_4()},
        {"random", sim::random_signs(seed)},
        {"zero", sim::all_zero()},
        {"copied-1-late", nullptr, 1},
        {"copied-2-late", nullptr, 2},
        {"copied-at-once", nullptr, 0},
    };
}

/// The attacker's node: it trains by `attack` and does not mine. `world` may be set later.
sim::NodeSpec attacker_spec(const Attack& attack, sim::TinyModelKit& kit, std::uint64_t seed,
                            const std::shared_ptr<sim::World*>& world) {
    sim::NodeSpec spec;
    spec.connect = {0, 1, 2};
    spec.mine = false;
    spec.train = attack.spoil != nullptr || attack.lag > 0;
    const chain::CodecSpec codec = kit.network().codec;
    if (attack.spoil) {
        spec.source = [&kit, seed, codec, spoil = attack.spoil] {
            return std::make_unique<sim::SpoilingTrainer>(kit.make_trainer(kAttacker, seed), codec,
                                                          spoil);
        };
    } else if (attack.lag > 0) {
        spec.source = [&kit, codec, world, lag = attack.lag] {
            const auto block_at = [world](std::uint32_t height) -> Result<chain::Block> {
                return (*world)->block_at(kAttacker, height);
            };
            const model::ParameterLayout layout(worth::model_config(kit.network()), codec::kTile);
            return std::make_unique<sim::LateCopier>(kit.network(), codec, layout.size(), block_at,
                                                     lag);
        };
    }
    return spec;
}

Status read_outcome(sim::World& world, int reader, AttackOutcome& outcome) {
    std::set<std::string> reasons;
    const store::Store& store = world.store(reader);
    for (int i = 0; i < kAttacker; ++i) {
        ASSIGN_OR_RETURN(const auto records,
                         store.contributions(crypto::public_key(world.key(i)), kMaxRecords));
        for (const auto& record : records) outcome.honest_reward += record.reward;
    }
    outcome.honest_reward /= kAttacker;
    outcome.attacker = crypto::public_key(world.key(kAttacker));
    ASSIGN_OR_RETURN(const auto records, store.contributions(outcome.attacker, kMaxRecords));
    for (const auto& record : records) {
        ++outcome.tried;
        outcome.merged += record.merged;
        outcome.reward += record.reward;
        if (!record.merged) reasons.insert(record.reason);
    }
    outcome.reasons.assign(reasons.begin(), reasons.end());
    return ok_status();
}

/// What `cairn explain --dir` needs: the store and network.json.
Status keep_directory(sim::World& world, int reader, const std::string& directory) {
    RETURN_IF_ERROR(make_folders(directory));
    world.kill(reader);
    RETURN_IF_ERROR(copy_tree(world.directory(reader), directory));
    PosixDisk disk(directory);
    return disk.write_atomic("network.json", as_bytes(chain::to_json(world.network())));
}

Result<AttackOutcome> run_one(const Attack& attack, const AttackOptions& options) {
    sim::TinyModelKit kit;
    sim::World world(options.seed, std::string("lab attacks ") + attack.name, kit);
    const auto self = std::make_shared<sim::World*>(&world);
    world.add_node({});
    world.add_node({.connect = {0}});
    world.add_node({.connect = {0, 1}});
    world.add_node(attacker_spec(attack, kit, options.seed, self));
    const bool thief = !attack.spoil && attack.lag == 0;
    std::optional<sim::Theft> theft;
    for (int i = 0; thief && i < kTheftTries && !theft; ++i) theft = sim::steal(world, kAttacker);
    if (thief && !theft) return not_found("the thief never found an opportunity");
    const std::uint32_t end = options.rounds * world.network().round_length;
    if (!world.run_until([&] { return world.height(0) > end && world.agreed(end); }, kMaxVirtualMs))
        return Error{ErrorCode::kTimeout,
                     "the simulated network did not get far enough: " + world.replay_line()};
    if (!world.failure().empty()) return invalid(world.failure());
    AttackOutcome outcome;
    outcome.name = attack.name;
    outcome.directory = options.directory + "/" + attack.name;
    // What the thief's own node refuses is in that node's records alone.
    const int reader = thief ? kAttacker : 0;
    RETURN_IF_ERROR(read_outcome(world, reader, outcome));
    RETURN_IF_ERROR(keep_directory(world, reader, outcome.directory));
    return outcome;
}

}  // namespace

std::size_t attack_count() { return all_attacks(0).size(); }

Result<std::vector<AttackOutcome>> run_attacks(const AttackOptions& options,
                                               const std::function<void(std::size_t)>& progress) {
    std::vector<AttackOutcome> outcomes;
    for (const Attack& attack : all_attacks(options.seed)) {
        if (progress) progress(outcomes.size());
        ASSIGN_OR_RETURN(AttackOutcome outcome, run_one(attack, options));
        outcomes.push_back(std::move(outcome));
    }
    return outcomes;
}

}  // namespace cairn::lab
