// `cairn eval --node`: the report loss of a chain's model as a node published it, for who has
// neither the chain nor the node's folder.
#pragma once

#include <iosfwd>

#include "cli/train/eval_command.h"

namespace cairn::cli {

/// JSON: network, height, loss (nats per token on the network's report text), perplexity, and
/// measured_by, "node". kNotFound where the node has published no loss of that model.
Status run_eval_node(const EvalRequest& request, std::ostream& out);

}  // namespace cairn::cli
