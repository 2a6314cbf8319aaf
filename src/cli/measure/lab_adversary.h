// `cairn lab adversary`: looks for the attacker that earns or harms most.
#pragma once

namespace cairn::cli {

class Command;

struct Invocation;

void add_lab_adversary(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
