#include "cli/write/own_audits.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/shell_word.h"
#include "cli/commands.h"
#include "serve/evidence_desk.h"
#include "serve/exhibit_file.h"
#include "serve/verifier.h"

namespace cairn::cli {

namespace {

/// A node's folder takes exhibits; an address of an API has none.
bool has_node_folder(const LayerServerOptions& options) { return is_folder(options.servers_of); }

Status enter_into_book(const LayerServerOptions& options, const Hash256& model,
                       const std::vector<OwnAudit>& audits) {
    const trust::TrustRules rules = options.trust.rules();
    RETURN_IF_ERROR(trust::AuditBook::change(options.book, [&](trust::AuditBook& book) {
        for (const OwnAudit& audit : audits) {
            const bool is_known = audit.again && audit.examined.finding == trust::Finding::kRight;
            if (!audit.examined.finding || is_known) continue;
            // A node counts what is right itself, but to judge a proof it needs the model.
            if (has_node_folder(options) && audit.examined.finding != trust::Finding::kConvicted)
                continue;
            book.enter(audit.hop.key, serve::page_of(audit.hop.address, model, audit.hop.layers),
                       *audit.examined.finding, audit.examined.sentence, SystemClock().wall_ms(),
                       rules);
        }
    }));
    return ok_status();
}

Result<std::string> keep_exhibit(const std::string& folder, const serve::Exhibit& exhibit) {
    RETURN_IF_ERROR(make_folders(folder));
    return serve::write_exhibit(folder, exhibit);
}

}  // namespace

std::vector<OwnAudit> audit_own(const LayerServerOptions& options, const AuditedModel& model,
                                const std::vector<serve::SessionDiary>& diaries,
                                const tensor::Compute& compute) {
    std::vector<OwnAudit> audits;
    if (options.audit <= 0) return audits;
    const std::string folder =
        has_node_folder(options) ? options.servers_of + "/" + serve::kExhibitFolder : ".";
    for (const serve::SessionDiary& diary : diaries) {
        OwnAudit audit{
            diary.hop, diary.rows(), diary.bytes(), serve::examine(diary, model.whole, compute),
            "",        diary.again};
        if (audit.examined.exhibit) {
            auto kept = keep_exhibit(folder, *audit.examined.exhibit);
            if (kept.ok())
                audit.exhibit = *std::move(kept);
            else
                log_warn("the proof against {} is lost: {}", audit.hop.address,
                         kept.error().message);
        }
        audits.push_back(std::move(audit));
    }
    if (audits.empty() || (has_node_folder(options) && !anybody_lied(audits))) return audits;
    if (const Status entered = enter_into_book(options, model.whole.hash, audits); !entered.ok())
        log_warn("what was found is not kept: {}", entered.error().message);
    return audits;
}

void tell_audits(const std::vector<OwnAudit>& audits, const std::string& model_file) {
    for (const OwnAudit& audit : audits) {
        say(fmt::format("audited {}: {}", audit.hop.address, audit.examined.sentence));
        if (!audit.exhibit.empty())
            say(fmt::format("anyone can judge it: cairn audit judge {} --model {}",
                            shell_word(audit.exhibit), shell_word(model_file)));
    }
    if (anybody_lied(audits))
        say("so this is not what the model writes: write it anew, that server is left out now");
}

std::vector<gateway::TraceAudit> for_trace(const std::vector<OwnAudit>& audits) {
    std::vector<gateway::TraceAudit> told;
    for (const OwnAudit& audit : audits)
        told.push_back({audit.hop.address, audit.hop.key, audit.hop.layers, audit.rows, audit.bytes,
                        audit.examined.finding == trust::Finding::kConvicted,
                        std::string(trust::finding_name(audit.examined.finding)),
                        audit.examined.sentence, audit.exhibit});
    return told;
}

bool anybody_lied(const std::vector<OwnAudit>& audits) {
    return std::ranges::any_of(audits, [](const OwnAudit& audit) {
        return audit.examined.finding == trust::Finding::kConvicted;
    });
}

}  // namespace cairn::cli
