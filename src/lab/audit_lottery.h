// `cairn lab audits`: how soon a server that cheats is found, played out and beside the formula
// 1 - (1 - q f)^n of a lottery in which each answer is audited with chance q and wrong with chance
// f. What an audit finds is decided by the rules of trust/score.h, so the same code that a Verifier
// runs says when a server is out. That an audit which looks at a wrong answer finds it is not
// simulated: audit/cheats_test.cc plays every cheat against the real replay.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "trust/score.h"

namespace cairn::lab {

/// The chance that a server has been found after n answers.
double found_by_formula(double audit_rate, double cheat_rate, std::uint64_t answers);

struct LotteryPoint {
    std::uint64_t answers = 0;
    double formula = 0;
    double played = 0;  ///< part of the servers that was found by then
};
/// Each of `servers` liars answers until it is found; points at each of `answers`, ascending.
/// `played` may be empty; it hears of each server.
std::vector<LotteryPoint> play_lottery(double audit_rate, double cheat_rate,
                                       const std::vector<std::uint64_t>& answers,
                                       std::uint64_t servers, Random& random,
                                       const std::function<void()>& played = {});

enum class Behaviour {
    kSteady,           ///< cheats with chance f from the beginning
    kRefusesEvidence,  ///< shows nothing of what it cheated on, and only it has the data
    kHonestUntilPaid,  ///< honest until it is trusted and paid for 200 answers, then always cheats
    kColludingHops,    ///< two hops of one route cheat together; an audit looks at one of them
    kKnowsVerifier,    ///< is honest to Verifiers, who are half of the auditors
};
/// "steady", "refuses evidence", ...
std::string_view behaviour_name(Behaviour behaviour);

struct ConvictionRounds {
    Behaviour behaviour = Behaviour::kSteady;
    double mean = 0;         ///< answers from the first one that may be wrong until it is out
    std::uint64_t p95 = 0;   ///< of all lives
    std::uint64_t most = 0;  ///< of all lives
    double sold = 0;         ///< wrong answers that were taken, on average
    double never = 0;        ///< part that was not out after kMaxLife answers
};
inline constexpr std::uint64_t kMaxLife = 20'000;
/// `lives` servers of one behaviour. With `probation` audits are drawn by trust::audit_chance():
/// all answers of a new key, then fewer. Without, each with the same chance. `played` as above.
ConvictionRounds play_behaviour(Behaviour behaviour, double audit_rate, double cheat_rate,
                                bool probation, std::uint64_t lives, Random& random,
                                const std::function<void()>& played = {});

/// Clients that share requests out among servers, all of the same speed.
struct MarketCase {
    std::uint32_t servers = 20;
    std::uint32_t liars = 4;
    double audit_rate = 0.05;
    double cheat_rate = 0.2;
    std::uint64_t requests = 2'000;
    std::uint64_t settled = 1'000;  ///< requests after which liars' part is counted
    double timeout_rate = 0.01;     ///< of honest servers, too
    /// Of the requests, for all keys on probation together while active ones have room. Requests
    /// come in waves of as many as there are servers; each takes two of a wave.
    double probation_part = 0.02;
    bool return_under_new_keys = false;
    /// Liars are honest until they are trusted.
    bool patient = false;
};
struct MarketOutcome {
    MarketCase given;
    double least_honest = 0;       ///< what the poorest honest server earned of a fair share
    double mean_honest = 0;        ///< and what they earned on average
    double liars_before = 0;       ///< part of the tokens that liars carried until `settled`
    double liars_after = 0;        ///< and from then on
    double wrong_after = 0;        ///< part of the tokens that was wrong, from then on
    std::uint32_t honest_out = 0;  ///< honest servers that were out at the end
    std::uint64_t keys = 0;        ///< that liars used up
};
MarketOutcome play_market(const MarketCase& given, Random& random);

}  // namespace cairn::lab
