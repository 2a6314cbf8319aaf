// A model as a server or client holds it: shape, weights, whoever owns their memory, and the
// content hash that names it (S19). Two files with the same tensors have the same name, whatever
// their format. Immutable, so sessions keep the snapshot that they were opened on while the server
// moves on to a newer one.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "fetch/manifest.h"
#include "model/weights.h"

namespace cairn::serve {

struct SourceReader;  // source_reader.h

struct ModelSnapshot {
    model::ModelConfig config;
    model::Weights weights;
    std::shared_ptr<const void> storage;  ///< keeps the weights' memory alive
    Hash256 hash;                         ///< content_hash of the whole model
    Hash256 chain_name{};                 ///< if it is a chain's, its other name (S19); else zeros
    /// Of an encoder-decoder's decoder, which this is: the rest of it, where it is here.
    std::shared_ptr<const SourceReader> encoder{};

    bool is_called(const Hash256& name) const {
        return name == hash || (!chain_name.is_zero() && name == chain_name);
    }
};

/// Names a model by its shape and the leaves of its tensors (fetch/manifest.h). The tokenizer is
/// not part of it. All tensors must be present and not packed.
Hash256 content_hash(const model::ModelConfig& config, const model::Weights& weights);

/// The whole model, sharing `model`'s memory. kInvalid if a parameter is NaN or infinite. `named`
/// (may be null) gets what the name was made of.
Result<ModelSnapshot> snapshot_of(std::shared_ptr<const model::Model> model,
                                  fetch::NamedModel* named = nullptr);

/// A copy that holds the layers of `range` alone, packed for fast products, under the whole model's
/// name: what a server keeps so that it needs memory for its own share only. `whole` may be packed
/// or not; CHECKs that it has the layers.
ModelSnapshot keep_layers(const tensor::Compute& compute, const ModelSnapshot& whole,
                          model::LayerRange range);

/// Whether the snapshot has the weights of every layer in `range`.
bool has_layers(const ModelSnapshot& snapshot, model::LayerRange range);

}  // namespace cairn::serve
