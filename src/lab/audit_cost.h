// `cairn lab freivalds`: what an audit of one W8A8-row layer costs beside computing the layer
// again, measured on this machine with random weights of a Llama's shape.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "tensor/compute.h"

namespace cairn::lab {

struct AuditCostCase {
    std::uint32_t width = 2048;
    std::uint32_t hidden = 5632;
    std::uint32_t heads = 32;
    std::uint32_t kv_heads = 4;
    std::uint32_t tokens = 512;  ///< of one sequence
};

/// Seconds, the least of some runs.
struct AuditCost {
    AuditCostCase given;
    double products_computed = 0;  ///< the seven products of the layer
    double products_checked = 0;   ///< two dot products for each row of them
    double layer_computed = 0;     ///< all of it, as a replay does
    double layer_audited = 0;      ///< evidence read and checked, everything else computed
    double evidence_made = 0;      ///< by the server
    double secrets_drawn = 0;      ///< by the auditor, once an epoch
    std::uint64_t evidence_bytes = 0;
    std::uint64_t secret_bytes = 0;
    std::uint64_t weight_bytes = 0;  ///< what an auditor without the check needs instead
};

/// kInvalid for a shape that is no model. Fails a CHECK if the audit finds honest evidence wrong.
Result<AuditCost> measure_audit_cost(const AuditCostCase& given, std::uint32_t repeats,
                                     const tensor::Compute& compute, const Clock& clock);

}  // namespace cairn::lab
