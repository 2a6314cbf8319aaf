// The chain's model for a client that has nothing but a node's address: what light_client.h finds,
// over real links, and as a model whose layers are empty, since servers have them.
#pragma once

#include "model/weights.h"
#include "node/light_client.h"

namespace cairn::node {

struct LightModel {
    LightChain chain;
    Hash256 name;        ///< of the model, for servers (S19: the chain's kind of name)
    model::Model model;  ///< embedding, norm and head as f32; layers without weights
};

/// On the calling thread, until it is done or a signal, or LightOptions::should_stop, stops it.
/// Errors say what to do.
Result<LightModel> fetch_light_model(LightOptions options);

/// The tensors that a client computes with, from what was kept: kInvalid for what is damaged.
Result<model::Model> client_model(const fetch::KeptWeights& kept);

}  // namespace cairn::node
