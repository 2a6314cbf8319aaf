#include "cli/measure/lab_hash_power.h"

#include <array>
#include <cmath>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "lab/hash_power.h"
#include "node/miner.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

// A GeForce RTX 3090, by figures that others published: docs/security.md has the sources.
constexpr double kCardSha256d = 3.3e9;
constexpr double kCardArgon2id = 450e3;

constexpr std::array kShares = {0.1, 0.2, 0.3, 0.4, 0.45};
constexpr std::array kDepths = {1U, 2U, 4U, 6U, 10U, 24U};
constexpr std::array kHeaders = {20U, 60U, 114U, 133U};
constexpr unsigned kRecoveries = 100;
constexpr unsigned kUndone = 6;

std::string percent(double part) {
    if (part > 0.001 && part < 0.999) return fmt::format("{:.1f} %", 100 * part);
    if (part > 0.5) return fmt::format("{:.4g} %", 100 * part);
    return fmt::format("{:.2g} %", 100 * part);
}

std::string duration(double seconds) {
    if (seconds < 120) return fmt::format("{:.3g} s", seconds);
    if (seconds < 7'200) return fmt::format("{:.3g} min", seconds / 60);
    if (seconds < 172'800) return fmt::format("{:.3g} h", seconds / 3'600);
    return fmt::format("{:.3g} days", seconds / 86'400);
}

class Tables {
  public:
    Tables(const HashPowerRequest& request, std::ostream& out)
        : request_(request), random_(request.seed), out_(out) {
        network_.round_length = request.round_length;
        network_.spacing_ms = request.spacing_ms;
        network_.halflife_ms = request.halflife_ms;
        const bool fast = request.work == chain::kWorkNames[0];
        const auto work = fast ? chain::WorkFunction::kSha256d : chain::WorkFunction::kArgon2id;
        attacker_ = request.attacker.value_or(fast ? kCardSha256d : kCardArgon2id);
        laptop_ =
            request.laptop.value_or(static_cast<double>(node::kHashRate / chain::cost_of(work)));
    }

    Status run() {
        RETURN_IF_ERROR(chain::validate(network_));
        line(
            fmt::format("One miner of {:.3g} hashes/s among laptops of {:.3g} each ({}); rounds of "
                        "{} blocks of {:.3g} s, halflife {:.3g} s\n\n",
                        attacker_, laptop_, request_.work, network_.round_length, spacing_s(),
                        static_cast<double>(network_.halflife_ms) / 1000));
        shares();
        overtaking();
        headers();
        if (request_.json) out_ << console::json_line(json_);
        return ok_status();
    }

  private:
    double spacing_s() const { return static_cast<double>(network_.spacing_ms) / 1000; }
    void line(const std::string& text) {
        if (!request_.json) out_ << text;
    }

    void shares() {
        line(fmt::format("{:>9} {:>10} {:>13} {:>16}   {}\n", "laptops", "share", "whole rounds",
                         fmt::format("undoes {} blocks", kUndone),
                         "when it leaves: next block, and until blocks come in time again"));
        for (const std::uint64_t laptops : request_.laptops) {
            const double others = static_cast<double>(laptops) * laptop_;
            const double share = attacker_ / (attacker_ + others);
            const double rounds = std::pow(share, network_.round_length);
            const double undoes = lab::rosenfeld_overtakes(share, kUndone);
            const lab::Recovery after =
                lab::recovery(network_, attacker_ + others, others, kRecoveries, random_);
            const std::string slow =
                after.blocks == 0
                    ? "in time all along"
                    : fmt::format("{}, {} ({:.0f} blocks)", duration(after.first_block_s),
                                  duration(after.seconds), after.blocks);
            line(fmt::format("{:>9} {:>10} {:>13} {:>16}   {}\n", laptops, percent(share),
                             percent(rounds), percent(undoes), slow));
            json_["shares"].push_back({{"laptops", laptops},
                                       {"share", share},
                                       {"whole_rounds", rounds},
                                       {"undoes", undoes},
                                       {"first_block_s", after.first_block_s},
                                       {"recovery_s", after.seconds},
                                       {"recovery_blocks", after.blocks}});
        }
    }

    void overtaking() {
        line("\nOvertaking k blocks, by share: Nakamoto's formula, Rosenfeld's, and played out\n");
        line(fmt::format("{:>9}", "k"));
        for (const double share : kShares) line(fmt::format("{:>27}", percent(share)));
        line("\n");
        for (const unsigned blocks : kDepths) {
            line(fmt::format("{:>9}", blocks));
            for (const double share : kShares) {
                const double nakamoto = lab::nakamoto_overtakes(share, blocks);
                const double rosenfeld = lab::rosenfeld_overtakes(share, blocks);
                const double played =
                    lab::played_overtakes(share, blocks, request_.trials, random_);
                line(fmt::format("   {:.5f} {:.5f} {:.4f}", nakamoto, rosenfeld, played));
                json_["overtakes"].push_back({{"blocks", blocks},
                                              {"share", share},
                                              {"nakamoto", nakamoto},
                                              {"rosenfeld", rosenfeld},
                                              {"played", played}});
            }
            line("\n");
        }
    }

    void headers() {
        const double block = 0x1p20;
        line("\nHeaders on an old branch, ten spacings apart, where a block takes 2^20 hashes\n");
        line(fmt::format("{:>9} {:>20} {:>15} {:>15} {:>12} {:>12}\n", "headers", "blocks' worth",
                         "the miner", "one laptop", "one more", "left ago"));
        for (const unsigned count : kHeaders) {
            const lab::CheapBranch branch = lab::cheap_branch(network_, block, count);
            line(fmt::format("{:>9} {:>20.2f} {:>15} {:>15} {:>12.3g} {:>12}\n", count,
                             branch.hashes / block, duration(branch.hashes / attacker_),
                             duration(branch.hashes / laptop_), branch.next_hashes,
                             duration(branch.age_s)));
            json_["headers"].push_back({{"headers", count},
                                        {"hashes", branch.hashes},
                                        {"block_hashes", block},
                                        {"next_hashes", branch.next_hashes},
                                        {"age_s", branch.age_s}});
        }
    }

    const HashPowerRequest& request_;
    chain::NetworkDefinition network_;
    double attacker_ = 0;
    double laptop_ = 0;
    SeededRandom random_;
    std::ostream& out_;
    Json json_ = Json::object();
};

}  // namespace

Status run_lab_hash_power(const HashPowerRequest& request, std::ostream& out) {
    return Tables(request, out).run();
}

void add_lab_hash_power(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "hashpower",
        "What one fast miner does to a network of laptops: share, undoing, leaving",
        "cairn lab hashpower\n  cairn lab hashpower --work argon2id --laptops 10 --laptops 1000");
    auto request = std::make_shared<HashPowerRequest>();
    command.add_option("--work", request->work, "What the network's miners compute")
        .check(one_of(
            std::vector<std::string>(std::begin(chain::kWorkNames), std::end(chain::kWorkNames))))
        .capture_default_str();
    command
        .add_option("--attacker", request->attacker,
                    "Its hashes a second (default: a GeForce RTX 3090's)")
        .check(range(1.0, 1e18));
    command
        .add_option("--laptop", request->laptop,
                    "A laptop's hashes a second (default: what `cairn node --mine` takes)")
        .check(range(1.0, 1e18));
    command.add_option("--laptops", request->laptops, "How many; again for each number")
        .check(range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    command.add_option("--round", request->round_length, "Blocks of a round")
        .check(range(2, 16))
        .capture_default_str();
    command.add_option("--spacing-ms", request->spacing_ms, "Between blocks")
        .check(range(100, 86'400'000))
        .capture_default_str();
    command.add_option("--halflife-ms", request->halflife_ms, "Of the difficulty rule")
        .check(range(std::uint64_t{1'000}, std::uint64_t{1} << 40))
        .capture_default_str();
    command.add_option("--trials", request->trials, "Times that each attack is played")
        .check(range(1, 10'000'000))
        .capture_default_str();
    command.add_option("--seed", request->seed, "Of the trials")
        .check(any_seed())
        .capture_default_str();
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_lab_hash_power(*request, out); };
    });
}

}  // namespace cairn::cli
