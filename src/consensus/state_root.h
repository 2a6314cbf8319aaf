// What a header's state root is made of, for those who know only parts of the state.
#pragma once

#include "base/bytes.h"

namespace cairn::consensus {

/// Section 6 of docs/spec/chain.md.
Hash256 state_root(const Hash256& model_root, const Hash256& coins_root, const Hash256& rules_root);

}  // namespace cairn::consensus
