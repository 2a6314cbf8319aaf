#include "serve/signed_rows.h"

#include <algorithm>

#include "serve/messages.h"

namespace cairn::serve {

Result<std::vector<float>> signed_rows(const Exhibit& exhibit, const ModelSnapshot& snapshot) {
    const SessionTerms& terms = exhibit.terms;
    const Receipt& receipt = exhibit.receipt;
    if (!crypto::verify(exhibit.server, receipt_message(terms, receipt), receipt.signature))
        return invalid("the receipt is not signed by this server");
    if (!snapshot.is_called(terms.model)) return invalid("the session was about another model");
    if (terms.numerics != kNumericsVersion)
        return invalid("the session was under another version of the numerics");

    const std::size_t dim = snapshot.config.dim;
    InputChain chain;
    std::vector<float> inputs;
    for (const std::vector<float>& push : exhibit.inputs) {
        if (push.empty() || push.size() % dim != 0)
            return invalid("the inputs are not rows of this model");
        chain.put(static_cast<std::uint32_t>(inputs.size() / dim), push, dim);
        inputs.insert(inputs.end(), push.begin(), push.end());
    }
    if (inputs.empty() || chain.end() != receipt.inputs)
        return invalid("these are not the inputs that the receipt was signed for");
    return inputs;
}

// The receipt does not say where its push began, so the accuser's word for it counts for nothing:
// an honest receipt of four rows would convict as one of the last row alone.
bool is_signed_for(const SessionTerms& terms, const Receipt& receipt,
                   std::span<const float> outputs, std::uint32_t dim) {
    const std::size_t rows = outputs.size() / dim;
    const std::size_t most = std::min(rows, max_push_tokens(dim));
    for (std::size_t n = 1; n <= most; ++n)
        if (states_hash(static_cast<std::uint32_t>(terms.source_rows + rows - n),
                        outputs.subspan((rows - n) * dim)) == receipt.output)
            return true;
    return false;
}

}  // namespace cairn::serve
