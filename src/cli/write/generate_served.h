// `cairn generate --dir` or `--node`: a node writes text with its chain's model.
#pragma once

#include <iosfwd>

#include "cli/write/generate_command.h"

namespace cairn::cli {

/// Writes the text as it comes, or one JSON object: prompt, text, model (with the height of its
/// merge block), tokens, stop ("stop", "length") and tokens_per_second.
Status run_generate_served(const GenerateRequest& request, std::ostream& out);

}  // namespace cairn::cli
