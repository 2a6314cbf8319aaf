// Two branches that race (papers A: Lemma 9), judged by the program's own fork choice: the
// payee waits for Z blocks, the attacker mines in secret from the block before the payment on and
// shows his branch once the payee's chain gives way to it. And who finds blocks, by the program's
// own search for nonces. `cairn lab race` and `cairn lab winner`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/random.h"

namespace cairn::lab {

/// Fork choice keeps the branch that was seen first where both have the same work, so the attacker
/// must be one block ahead; who may win a tie needs one block less.
struct RaceOdds {
    double exact = 0;     ///< under this program's rule, for any number of runs
    double ties_win = 0;  ///< if equal work were enough (Rosenfeld 2012: one block mined before)
    double nakamoto = 0;  ///< the white paper's approximation, by which a tie is enough
};
/// `share` of the hash power (0 to 1) is the attacker's. 1 from a half on.
RaceOdds race_odds(double share, unsigned confirmations);

struct RaceRuns {
    double won = 0;   ///< part of the runs in which the fork choice took the attacker's branch
    double tied = 0;  ///< part in which both had the same work at some time after Z blocks
};
/// `share` below a half. `played` may be empty; it hears of each race.
RaceRuns play_races(double share, unsigned confirmations, std::uint64_t runs, Random& random,
                    const std::function<void()>& played = {});

/// Blocks found by each of some miners in `blocks` searches by node::search_nonce, in which each
/// nonce is tried by one of them, drawn by their shares. `found` may be empty; it hears of each.
std::vector<std::uint64_t> count_winners(const std::vector<double>& shares, std::uint64_t blocks,
                                         Random& random, const std::function<void()>& found = {});

}  // namespace cairn::lab
