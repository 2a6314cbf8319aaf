// Attention that is proved instead of computed again (papers B: 4.4; S56). A Server that computed
// layers with attention by digits (N49) can be asked, of any head of any of these layers, for what
// it claims of that head and for a proof (room argument). A Verifier then goes through the layers
// as a replay does, but takes the outputs of these heads from the claims, and has the proofs
// checked: for those heads it computes no pair of a query and a key. What comes out at the end must
// be what the Server signed for.
//
//   auto claims = prove_heads(config, weights, session, {{3, 0}, {3, 1}}, compute);   // a Server
//   auto checked = check_heads(config, weights, session, *claims, {0, 1}, compute, clock);
//
// A proof holds for one session, layer and head alone (`about`). How sure it is, and what it does
// not say, stands in argument/argument.h.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "argument/argument.h"
#include "base/clock.h"
#include "model/weights.h"
#include "tensor/compute.h"
#include "tensor/state_type.h"

namespace cairn::audit {

/// A query head of one layer of the model.
struct HeadPlace {
    std::uint32_t layer = 0;
    std::uint32_t head = 0;

    auto operator<=>(const HeadPlace&) const = default;
};

/// What is claimed of a head for all rows of a session (N49), and why that is right.
struct HeadClaim {
    HeadPlace place;
    std::vector<std::int64_t> shifts;  ///< [rows]
    std::vector<std::int64_t> sums;    ///< [rows, head_dim], in units of 2^-40 of an output
    Bytes proof;                       ///< argument::prove

    bool operator==(const HeadClaim&) const = default;
};

/// Rows that went through layers, with attention by digits.
struct HeadSession {
    model::LayerRange layers;
    std::span<const float> inputs;  ///< [rows, dim], from position 0 on
    tensor::StateType states = tensor::StateType::kF32;
    Hash256 name;  ///< stands for the session, as whoever signed for it; zeros: none
};

/// What the proof of a head is bound to: H("cairn/attention/1", name || u32 layer || u32 head).
Hash256 proof_is_about(const Hash256& session, HeadPlace place);

/// Whether anything can be proved of the session, whatever is claimed: kInvalid for rows that no
/// honest Server computes with, kNotFound if `weights` lacks a layer, kUnsupported for an encoder,
/// for cross attention and for too many rows.
Status check_session(const model::ModelConfig& config, const model::Weights& weights,
                     const HeadSession& session);

/// Claims and proofs of these heads, which ascend. Takes memory as argument::prove() does, for one
/// head at a time. Errors as of check_session(); kInvalid for heads that are not the session's.
/// `cancelled` is asked before each layer and each proof; once it is true: kCancelled.
Result<std::vector<HeadClaim>> prove_heads(const model::ModelConfig& config,
                                           const model::Weights& weights,
                                           const HeadSession& session,
                                           std::span<const HeadPlace> heads,
                                           const tensor::Compute& compute,
                                           const std::function<bool()>& cancelled = {});

/// One Verifier's share of all proofs.
struct ShareOf {
    std::size_t share = 0, shares = 1;
};

struct CheckedHead {
    HeadPlace place;
    argument::Sizes sizes;
    argument::SharePart part;
    std::uint64_t check_us = 0;  ///< that checking the share took
};

struct CheckedLayers {
    std::vector<float> outputs;  ///< [rows, dim], of the layers with these claims
    std::vector<CheckedHead> heads;
};

/// The layers with the claims in place of these heads' attention, and the share of each proof.
/// Heads ascend. Errors as of prove_heads(); kInvalid also for a claim of another shape. What is
/// wrong with a proof stands in its part.
Result<CheckedLayers> check_heads(const model::ModelConfig& config, const model::Weights& weights,
                                  const HeadSession& session, std::span<const HeadClaim> claims,
                                  ShareOf share, const tensor::Compute& compute,
                                  const Clock& clock);

}  // namespace cairn::audit
