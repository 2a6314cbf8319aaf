// What a receipt binds a server to: the rows that it was given, and what it made of the last of
// them (S27). Whoever judges an exhibit goes through here, and whoever makes or checks proofs about
// one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "serve/exhibit.h"

namespace cairn::serve {

/// The rows [n, dim] of all pushes, where the receipt binds the server to them: signed by it, in a
/// session about this model by these numerics, for these rows. Else kInvalid: why it binds nobody.
Result<std::vector<float>> signed_rows(const Exhibit& exhibit, const ModelSnapshot& snapshot);

/// Whether the receipt was signed for the last rows of these outputs [n, dim], which are those of
/// all rows behind the session's source (S54). How many, it does not say, and nobody else's word
/// counts.
bool is_signed_for(const SessionTerms& terms, const Receipt& receipt,
                   std::span<const float> outputs, std::uint32_t dim);

}  // namespace cairn::serve
