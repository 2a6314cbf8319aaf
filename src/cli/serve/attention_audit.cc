#include "cli/serve/attention_audit.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes_text.h"
#include "base/files.h"
#include "cli/serve/attention_command.h"
#include "cli/serve/attention_heads.h"
#include "serve/exhibit_file.h"
#include "serve/route.h"

namespace cairn::cli {

namespace {

double seconds(std::uint64_t from_us, std::uint64_t to_us) {
    return static_cast<double>(to_us - from_us) * 1e-6;
}

std::string sentence_of(const AttentionFound& found, const Verdict& verdict, double replay_s) {
    const std::string cost = fmt::format(
        "{} of proofs, asked for {:.0f} ms, checked in {:.1f} ms ({:.1f} ms of it the proofs; "
        "replay took {:.1f} ms)",
        bytes_text(found.proof_bytes), found.asked_s * 1e3, found.checked_s * 1e3,
        found.proofs_s * 1e3, replay_s * 1e3);
    if (verdict.is_valid())
        return fmt::format("accepted: {} of {} heads over {} rows, {}", found.heads, found.of,
                           found.rows, cost);
    return fmt::format(
        "refused: {} ({}). That accuses nobody: what replay found above is what counts",
        verdict.reason(), cost);
}

Status keep(const AttentionAudit& wanted, const serve::Exhibit& session, AttentionFound& found) {
    if (wanted.folder.empty()) return ok_status();
    ASSIGN_OR_RETURN(found.session_file, serve::write_exhibit(wanted.folder, session));
    return ok_status();
}

}  // namespace

Result<AttentionFound> audit_attention(const AttentionAudit& wanted,
                                       const serve::AuditReport& report,
                                       const serve::ModelSnapshot& model,
                                       const tensor::Compute& compute,
                                       const std::function<bool()>& cancelled) {
    AttentionFound found;
    if (!report.session) {
        found.sentence = "not asked for: the session has no answers";
        return found;
    }
    const serve::Exhibit& session = *report.session;
    RETURN_IF_ERROR(keep(wanted, session, found));
    if (wanted.heads.empty()) return found;
    SystemRandom random;
    const SystemClock clock;
    const model::LayerRange layers = session.receipt.layers;
    ASSIGN_OR_RETURN(const std::vector<audit::HeadPlace> heads,
                     heads_among("--attention", wanted.heads, layers, model.config, random));
    found.of = layers.size() * model.config.heads;
    if (heads.empty()) {
        found.sentence = fmt::format("not asked for: the server has {}, and none of these heads",
                                     serve::describe(layers));
        return found;
    }
    const std::uint64_t began = clock.monotonic_us();
    serve::AskOptions options;
    options.cancelled = cancelled;
    const auto proof = serve::ask_attention(report.address, session, model.config, heads, options);
    const std::uint64_t answered = clock.monotonic_us();
    if (!proof.ok()) {
        found.sentence =
            "not proved: " + proof.error().message + ". What replay found above is what counts";
        return found;
    }
    const Bytes bytes = serve::encode(*proof);
    const Hash256 id = serve::attention_proof_id(bytes);
    if (!wanted.folder.empty()) {
        found.proof_file = wanted.folder + "/" + proof_file_name(id);
        RETURN_IF_ERROR(write_file(found.proof_file, bytes));
    }
    const std::uint64_t checks = clock.monotonic_us();
    const auto share = serve::check_attention(*proof, id, session, model, {0, 1}, compute, clock);
    if (!share.ok()) {
        found.sentence = "not proved: of this session nothing is: " + share.error().message;
        return found;
    }
    const Verdict verdict = serve::combine_attention(*proof, id, std::span(&*share, 1));
    found.heads = proof->claims.size();
    found.rows = proof->claims.front().shifts.size();
    found.proof_bytes = bytes.size();
    found.asked_s = seconds(began, answered);
    found.checked_s = seconds(checks, clock.monotonic_us());
    found.proofs_s = proofs_seconds(*share);
    found.refused = !verdict.is_valid();
    found.sentence = sentence_of(found, verdict, static_cast<double>(report.replay_us) * 1e-6);
    return found;
}

nlohmann::ordered_json attention_json(const AttentionFound& found) {
    return {{"verdict", found.refused     ? "refused"
                        : found.heads > 0 ? "accepted"
                                          : "not proved"},
            {"sentence", found.sentence},
            {"heads", found.heads},
            {"of_heads", found.of},
            {"rows", found.rows},
            {"proof_bytes", found.proof_bytes},
            {"asked_seconds", found.asked_s},
            {"checked_seconds", found.checked_s},
            {"proofs_seconds", found.proofs_s},
            {"session", found.session_file},
            {"proof", found.proof_file}};
}

}  // namespace cairn::cli
