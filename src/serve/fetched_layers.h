// Layers of a model that this machine never had: fetched from those who have it, by its name alone,
// each leaf checked, and kept on disk for the next time (fetch/fetch_weights.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fetch/fetch_weights.h"
#include "serve/model_snapshot.h"

namespace cairn::serve {

struct FetchLayersOptions {
    Hash256 model;
    std::string layers;                ///< see parse_layers
    std::vector<std::string> sources;  ///< "host:port" of servers that may give it
    std::string folder;                ///< where it is kept
    std::function<void(const fetch::LeafFetcher::Progress&)> progress{};
    std::function<void(const std::string&)> note{};
    std::function<bool()> should_stop{};
};

struct FetchedLayers {
    ModelSnapshot snapshot;  ///< of these layers alone, packed
    model::LayerRange layers;
    std::uint64_t bytes = 0;                          ///< of their tensors as they travel
    std::shared_ptr<const fetch::LeafSource> source;  ///< for others who lack them
};

/// On the calling thread. Errors of fetch_weights(); kUnsupported for an encoder; kInvalid for
/// layers that the model does not have, and for numbers that are none.
Result<FetchedLayers> fetch_layers(const tensor::Compute& compute,
                                   const FetchLayersOptions& options);

/// A model's name, where `text` is one (64 hexadecimal digits) and no file is called so.
std::optional<Hash256> model_name_in(const std::string& text);

}  // namespace cairn::serve
