#include "serve/exhibit.h"

#include "audit/replay.h"
#include "serve/signed_rows.h"

namespace cairn::serve {

Verdict judge(const Exhibit& exhibit, const ModelSnapshot& snapshot,
              const tensor::Compute& compute) {
    const auto inputs = signed_rows(exhibit, snapshot);
    if (!inputs.ok()) return Verdict::undecided(inputs.error().message);
    const SessionTerms& terms = exhibit.terms;
    const auto outputs =
        audit::recompute(snapshot.config, snapshot.weights, exhibit.receipt.layers, *inputs,
                         terms.kv, compute, terms.wire, terms.source_rows);
    // A server refuses inputs that are too long or not finite, so no result is right for them and
    // none is wrong.
    if (!outputs.ok()) return Verdict::undecided(outputs.error().message);
    if (is_signed_for(terms, exhibit.receipt, *outputs, snapshot.config.dim))
        return Verdict::valid();
    return Verdict::invalid("the server signed for an output that its layers do not give");
}

}  // namespace cairn::serve
