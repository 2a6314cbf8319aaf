// `cairn lab attacks`: what contributions that do not play fair earn.
#pragma once

namespace cairn::cli {

class Command;

struct Invocation;

void add_lab_attacks(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
