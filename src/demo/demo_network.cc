#include "demo/demo_network.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "node/assets.h"
#include "node/create_network.h"
#include "node/network_presets.h"
#include "tensor/compute.h"

namespace cairn::demo {

Result<DemoNetwork> create_demo_network(const std::string& folder, const DemoTexts& texts,
                                        std::uint64_t seed, const std::string& work) {
    node::NewNetwork wanted{folder, {}, {texts.judge_file}, {texts.report_file}, {}};
    ASSIGN_OR_RETURN(wanted.definition, node::network_preset("demo"));
    for (std::size_t i = 0; i < std::size(chain::kWorkNames); ++i)
        if (work == chain::kWorkNames[i])
            node::set_work(wanted.definition, static_cast<chain::WorkFunction>(i));
    wanted.definition.name = "cairn-demo";
    wanted.definition.weights_seed = seed;
    wanted.definition.genesis_time_ms = SystemClock().wall_ms();
    ASSIGN_OR_RETURN(const tensor::Kernels* const kernels, tensor::kernels_from_environment());
    ASSIGN_OR_RETURN(const node::CreatedNetwork created, node::create_network(wanted, kernels, 0));
    const chain::NetworkDefinition& network = created.definition;
    DemoNetwork made;
    made.file = folder + "/" + std::string(node::kNetworkFile);
    made.genesis_id = to_hex(chain::genesis_id(network));
    made.layers = network.architecture.layers;
    made.summary = {fmt::format("{}: {} parameters in {} layers,", made.genesis_id.substr(0, 12),
                                created.parameters, made.layers),
                    fmt::format("{} tokens in the vocabulary, a round is {} blocks of {} s",
                                network.architecture.vocab, network.round_length,
                                static_cast<double>(network.spacing_ms) / 1000.0)};
    if (!work.empty()) made.summary.push_back("miners compute " + work);
    return made;
}

}  // namespace cairn::demo
