// Freivalds' check of served layers: R. Freivalds, "Probabilistic machines can use less running
// time" (1977). A Server claims that S = Q W^T, for activations Q that the Verifier has and weights
// W. For a secret vector r the Verifier keeps v = W^T r; then S r = Q v if the claim holds, and if
// one number of a row of S is wrong that row's two sides agree with a chance of 1/p only, over
// p = 2^61 - 1. Two dot products for each row replace the matrix product.
//
// What is between the products (norms, positions, attention, activations, quantising) is computed
// from the checked sums, so a session that passes has the outputs that the layers give, to the bit.
// A failed check convicts nobody: it says "look here", and replay decides.
//
// The Verifier needs the matrices only to make v: afterwards their outputs' scales are enough.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "audit/evidence.h"
#include "audit/field_kernels.h"
#include "base/random.h"
#include "base/verdict.h"

namespace cairn::audit {

/// What a Verifier keeps of one matrix W [out, in].
struct MatrixSecret {
    std::string name;           ///< "layer 3, w_down"
    SumsFactor r;               ///< [out], uniform in the field, drawn once
    QuantsFactor projection;    ///< [in], W^T r
    std::vector<float> scales;  ///< [out], of W's rows
    std::size_t in = 0;
};

/// The secrets for a range of layers. They are worth something only while no Server knows them:
/// whoever uses them for long draws new ones after a mismatch, which tells the Server one bit about
/// them, and after some 2^20 rows.
class FreivaldsSecrets {
  public:
    /// Costs about as much as a few rows of the layers. Errors as can_show_evidence(), kNotFound
    /// for layers that `weights` lacks. `random` must be one for secrets.
    static Result<FreivaldsSecrets> draw(const model::ModelConfig& config,
                                         const model::Weights& weights, model::LayerRange layers,
                                         Random& random);

    model::LayerRange layers() const { return layers_; }
    /// Of the matrix that these weights are.
    const MatrixSecret& of(const tensor::Weight& w) const;
    std::uint64_t bytes() const;

  private:
    model::LayerRange layers_;
    std::map<const void*, MatrixSecret> secrets_;
};

struct FreivaldsResult {
    /// Empty: the evidence is that of an honest session with these `outputs`. Else where it is not.
    std::string suspicion;
    std::vector<float> outputs;  ///< [n, dim], what the layers give if nothing is suspicious
};

/// Checks evidence for a session with these inputs. A result's outputs are to be compared with
/// those that the Server signed for. kInvalid for inputs that are no session (as recompute());
/// evidence that is cut short, too long or not in its form is suspicious.
Result<FreivaldsResult> check_evidence(const model::ModelConfig& config,
                                       const model::Weights& weights,
                                       const FreivaldsSecrets& secrets,
                                       std::span<const float> inputs, model::KvType kv,
                                       ByteView evidence, const tensor::Compute& compute);

}  // namespace cairn::audit
