// `cairn lab attacks`: what contributions that do not play fair earn.
#pragma once

namespace CLI {
class App;
}

namespace cairn::cli {

struct Invocation;

void add_lab_attacks(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
