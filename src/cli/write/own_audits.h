// The option --audit of commands that write over layer servers: sessions of the text itself are
// drawn by chance, and what their servers signed for is computed again with the layers of the
// model file (serve/session_diary.h).
#pragma once

#include <string>
#include <vector>

#include "cli/write/layer_servers.h"
#include "gateway/trace.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

struct OwnAudit {
    serve::Hop hop;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  ///< that were kept for it
    serve::Examined examined;
    std::string exhibit;  ///< file; empty: nobody is convicted, or it could not be written
    bool again = false;   ///< more of a session that was audited before
};

/// Audits these diaries, of NetworkLayers. Exhibits go into the folder of the node that
/// --servers-of names, which then tells the network, or else into the working directory; what was
/// found goes into --book, which a node's own is not, once for each session; beside a node
/// convictions alone, which it may lack the model to judge. What cannot be written down is logged:
/// it was found all the same. Nothing without --audit.
std::vector<OwnAudit> audit_own(const LayerServerOptions& options, const AuditedModel& model,
                                const std::vector<serve::SessionDiary>& diaries,
                                const tensor::Compute& compute);

/// A sentence for each, on standard error.
void tell_audits(const std::vector<OwnAudit>& audits, const std::string& model_file);
/// As a trace has them.
std::vector<gateway::TraceAudit> for_trace(const std::vector<OwnAudit>& audits);
/// Whether somebody lied: then the text is not the model's, and the exit code 1.
bool anybody_lied(const std::vector<OwnAudit>& audits);

}  // namespace cairn::cli
