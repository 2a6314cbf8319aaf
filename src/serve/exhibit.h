// An exhibit: a server's signed receipt and the inputs that it was given, shown to anyone who holds
// the layers. The receipt binds both what went in (rolling hash) and what came out (output hash),
// so recomputing settles the case: either the server was right to the bit, or its own signature
// convicts it (S32).
#pragma once

#include <vector>

#include "base/verdict.h"
#include "serve/model_snapshot.h"
#include "serve/receipt.h"
#include "tensor/compute.h"

namespace cairn::serve {

struct Exhibit {
    SessionTerms terms;
    crypto::PublicKey server;
    Receipt receipt;  ///< of the last push below
    /// The states of every position up to the receipt's last, each [n, dim], those of a source
    /// first; the last of these is the push that the receipt answers. Rows that were taken back are
    /// not among them.
    std::vector<std::vector<float>> inputs;
};

/// Valid: the server computed what it should. Invalid: it signed for something else, and anyone can
/// see that. Undecided: the exhibit proves nothing (the signature is not the server's, the inputs
/// are not those that it signed for, the model is another), or `snapshot` lacks the layers.
Verdict judge(const Exhibit& exhibit, const ModelSnapshot& snapshot,
              const tensor::Compute& compute);

}  // namespace cairn::serve
