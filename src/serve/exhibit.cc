#include "serve/exhibit.h"

#include "audit/replay.h"
#include "serve/messages.h"

namespace cairn::serve {

Verdict judge(const Exhibit& exhibit, const ModelSnapshot& snapshot,
              const tensor::Compute& compute) {
    const SessionTerms& terms = exhibit.terms;
    const Receipt& receipt = exhibit.receipt;
    if (!crypto::verify(exhibit.server, receipt_message(terms, receipt), receipt.signature))
        return Verdict::undecided("the receipt is not signed by the accused");
    if (!snapshot.is_called(terms.model))
        return Verdict::undecided("the session was about another model");
    if (terms.numerics != kNumericsVersion)
        return Verdict::undecided("the session was under another version of the numerics");

    const std::size_t dim = snapshot.config.dim;
    InputChain chain;
    std::vector<float> inputs;
    for (const std::vector<float>& push : exhibit.inputs) {
        if (push.empty() || push.size() % dim != 0)
            return Verdict::undecided("the inputs are not rows of this model");
        chain.put(static_cast<std::uint32_t>(inputs.size() / dim), push, dim);
        inputs.insert(inputs.end(), push.begin(), push.end());
    }
    if (inputs.empty() || chain.end() != receipt.inputs)
        return Verdict::undecided("these are not the inputs that the receipt was signed for");

    const auto outputs = audit::recompute(snapshot.config, snapshot.weights, receipt.layers, inputs,
                                          terms.kv, compute, terms.wire, terms.source_rows);
    // A server refuses inputs that are too long or not finite, so no result is right for them and
    // none is wrong.
    if (!outputs.ok()) return Verdict::undecided(outputs.error().message);
    // The receipt does not say where its push began, so the accuser's word for it counts for
    // nothing: an honest receipt of four rows would convict as one of the last row alone.
    const std::size_t rows = outputs->size() / dim;
    const std::size_t most = std::min(rows, max_push_tokens(snapshot.config.dim));
    for (std::size_t n = 1; n <= most; ++n)
        if (states_hash(static_cast<std::uint32_t>(terms.source_rows + rows - n),
                        std::span(*outputs).subspan((rows - n) * dim)) == receipt.output)
            return Verdict::valid();
    return Verdict::invalid("the server signed for an output that its layers do not give");
}

}  // namespace cairn::serve
