// `cairn lab trust`: the papers' trust scores under both policies (trust/score.h). `cairn lab
// audits`: how soon servers that cheat are found (lab/audit_lottery.h).
#pragma once

#include "cli/papers/lab_pages.h"

namespace cairn::cli {

class Command;

struct Invocation;

void add_lab_trust(const Command& group, Invocation& invocation, LabPages& pages);

}  // namespace cairn::cli
