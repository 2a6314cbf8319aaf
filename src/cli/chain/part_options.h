// The options of a layer server that several machines make together: --part, --part-key and
// --shares of the one that leads, --part-of of the others.
#pragma once

#include "base/result.h"
#include "cli/chain/serve_layers.h"

namespace cairn::cli {

class Command;
class Option;

/// They need `serve`.
void add_part_options(const Command& command, ServeLayersRequest& request, Option serve);

/// What is wrong with them, before anything is read.
Status check_parts(const ServeLayersRequest& request);

}  // namespace cairn::cli
