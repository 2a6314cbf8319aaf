// `cairn lab trust`: the papers' trust scores under both policies (trust/score.h). `cairn lab
// audits`: how soon servers that cheat are found (lab/audit_lottery.h).
#pragma once

namespace CLI {
class App;
}

namespace cairn::cli {

struct Invocation;

void add_lab_trust(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
