// `cairn lab adversary`: looks for the attacker that earns or harms most.
#pragma once

namespace CLI {
class App;
}

namespace cairn::cli {

struct Invocation;

void add_lab_adversary(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
