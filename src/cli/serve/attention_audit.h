// `cairn verify --attention`: asks an audited server to prove the attention of some heads of the
// session that was just audited, and checks that.
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "serve/attention_ask.h"
#include "serve/verifier.h"

namespace cairn::cli {

struct AttentionAudit {
    std::string heads;   ///< attention_heads.h
    std::string folder;  ///< where session and proof are kept; empty: nowhere
};

struct AttentionFound {
    bool refused = false;  ///< a proof came, and does not hold
    std::string sentence;  ///< for people
    std::string session_file, proof_file;
    std::size_t heads = 0;  ///< that were proved
    std::size_t of = 0;     ///< so many there are in the session's layers
    std::uint64_t rows = 0, proof_bytes = 0;
    double asked_s = 0;    ///< until all answers were there
    double checked_s = 0;  ///< the layers with what was claimed, the proofs included
    double proofs_s = 0;   ///< the proofs alone
};

/// Keeps the session of `report` where that is wanted and, if heads are named, has those proved
/// that the server holds. An error is this side's: a file that cannot be written, heads that the
/// model has not. Nothing that a server says, holds or answers is one: others are to be audited
/// after it.
Result<AttentionFound> audit_attention(const AttentionAudit& wanted,
                                       const serve::AuditReport& report,
                                       const serve::ModelSnapshot& model,
                                       const tensor::Compute& compute,
                                       const std::function<bool()>& cancelled);

nlohmann::ordered_json attention_json(const AttentionFound& found);

}  // namespace cairn::cli
