// `cairn lab trust`: the papers' trust scores under both policies (trust/score.h). `cairn lab
// audits`: how soon servers that cheat are found (lab/audit_lottery.h). Both print a table, or one
// JSON object {"name", "rows", "found"} of which `found` says it in one sentence, and draw it with
// --out.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace cairn::cli {

struct Invocation;

struct LabTrustRequest {
    std::string layers = "1,2,5";  ///< of each server, with commas
    double theta = 0.3;
    double accuracy = 1;
    std::string out;  ///< a folder for trust.csv and trust.svg; empty: none
    bool json = false;
};
Status run_lab_trust(const LabTrustRequest& request, std::ostream& out);

struct LabAuditsRequest {
    double audit_rate = 0.05;
    double cheat_rate = 0.2;
    std::uint64_t servers = 20'000;  ///< liars that are played, for each point and behaviour
    std::uint64_t seed = 1;
    std::string out;  ///< a folder for audits.csv and audits.svg; empty: none
    bool json = false;
};
Status run_lab_audits(const LabAuditsRequest& request, std::ostream& out);

void add_lab_trust(CLI::App& group, Invocation& invocation);

}  // namespace cairn::cli
