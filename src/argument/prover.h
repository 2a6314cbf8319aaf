// The prover's half of the conversation, on any witness: tests build cheats with it. prove()
// (argument.h) gives it the true one.
#pragma once

#include <functional>

#include "argument/proof.h"
#include "argument/statement.h"
#include "argument/witness.h"
#include "base/bytes.h"

namespace cairn::argument {

/// Where a cheat says something else than what follows from the witness. Null: nowhere.
struct Lies {
    const Witness* committed = nullptr;  ///< whose columns are committed to
    const Witness* looked_up = nullptr;  ///< whose digits are in the trees of fractions
    const Witness* told = nullptr;       ///< whose columns have the values at the lookup's point
    std::function<void(Proof&)> before_queries = {};  ///< may change the sums of the matrix's rows
};

/// Says what follows from the witness, right or wrong.
Bytes prove_with(const Statement& statement, const Witness& witness, const Lies& lies = {});

}  // namespace cairn::argument
