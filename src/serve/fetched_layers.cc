#include "serve/fetched_layers.h"

#include "base/files.h"
#include "serve/run_server.h"
#include "tensor/elementwise.h"

namespace cairn::serve {

namespace {

Result<std::vector<std::size_t>> tensors_of(const model::ModelConfig& config,
                                            const std::string& layers) {
    if (!config.causal)
        return Error{ErrorCode::kUnsupported,
                     "the model is an encoder; layers are served of models that write text"};
    ASSIGN_OR_RETURN(const model::LayerRange range, parse_layers(layers, config.layers));
    std::vector<std::size_t> numbers;
    const model::ParameterLayout layout(config);
    for (std::size_t i = 0; i < layout.tensors().size(); ++i)
        if (model::is_in(layout.tensors()[i], range)) numbers.push_back(i);
    return numbers;
}

/// The tensors in memory, as a model of which all others are empty.
Result<ModelSnapshot> load(const fetch::KeptWeights& kept,
                           const std::vector<std::size_t>& tensors) {
    const fetch::Manifest& manifest = kept.manifest();
    const model::ParameterLayout layout(manifest.config);
    auto storage = std::make_shared<std::vector<Bytes>>();
    ModelSnapshot snapshot;
    snapshot.config = manifest.config;
    snapshot.hash = kept.name();
    snapshot.weights.layers.resize(manifest.config.layers);
    for (const std::size_t number : tensors) {
        ASSIGN_OR_RETURN(Bytes bytes, kept.load(number));
        const model::TensorInfo& info = layout.tensors()[number];
        storage->push_back(std::move(bytes));
        const tensor::Weight weight(manifest.types[number], info.rows, info.cols,
                                    storage->back().data());
        if (weight.is_dense_f32() &&
            !tensor::all_finite(info.size(), static_cast<const float*>(weight.data)))
            return invalid("tensor " + info.name + " has a NaN or infinity");
        model::tensor_at(snapshot.weights, info.kind, info.layer) = weight;
    }
    snapshot.storage = std::move(storage);
    return snapshot;
}

}  // namespace

std::optional<Hash256> model_name_in(const std::string& text) {
    if (exists(text)) return std::nullopt;
    const auto name = fixed_from_hex<32>(text);
    return name.ok() ? std::optional(*name) : std::nullopt;
}

Result<FetchedLayers> fetch_layers(const tensor::Compute& compute,
                                   const FetchLayersOptions& options) {
    fetch::FetchOptions fetching;
    fetching.folder = options.folder;
    fetching.name = options.model;
    fetching.sources = options.sources;
    fetching.progress = options.progress;
    fetching.note = options.note;
    fetching.should_stop = options.should_stop;
    fetching.wanted = [&](const fetch::Manifest& manifest) -> Result<std::vector<std::size_t>> {
        if (manifest.form != fetch::Form::kFile)
            return Error{ErrorCode::kUnsupported,
                         "that is a chain's model: a node of the chain serves it without --model"};
        return tensors_of(manifest.config, options.layers);
    };
    ASSIGN_OR_RETURN(const fetch::KeptWeights kept, fetch::fetch_weights(fetching));
    const model::ModelConfig& config = kept.manifest().config;
    FetchedLayers fetched;
    ASSIGN_OR_RETURN(fetched.layers, parse_layers(options.layers, config.layers));
    ASSIGN_OR_RETURN(const std::vector<std::size_t> tensors, tensors_of(config, options.layers));
    for (const std::size_t tensor : tensors) fetched.bytes += kept.plan().tensor(tensor).bytes;
    ASSIGN_OR_RETURN(const ModelSnapshot loaded, load(kept, tensors));
    fetched.snapshot = keep_layers(compute, loaded, fetched.layers);
    fetched.source = kept.source();
    return fetched;
}

}  // namespace cairn::serve
