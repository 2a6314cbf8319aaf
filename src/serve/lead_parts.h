// What a server that leads parts does before it serves: it divides the layers, dials its parts and
// has them join (S45).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "serve/divided_layers.h"

namespace cairn::serve {

struct LeadOptions {
    std::vector<std::string> parts{};  ///< "host:port" of each other machine
    std::string key_file{};            ///< see load_part_keys; made if it is not there
    /// How much of a layer each computes, the lead first, in proportion; empty: all alike.
    std::vector<std::uint32_t> sizes{};
    std::uint64_t wait_ms = 60'000;  ///< for all parts to be there
    /// As they were asked for: for telling people how to start a part.
    std::string layers{}, model_file{};
};

/// What is wrong with the options, said before anything is loaded.
Status check_lead(const LeadOptions& options);

/// On the calling thread, until all parts have joined. kTimeout says which one is not there, why,
/// and how to start it; kRefused what a part refused. `clock` outlives
/// what is made. `should_stop` may be empty; true is
/// kCancelled.
Result<std::shared_ptr<DividedLayers>> lead_parts(
    const LeadOptions& options, const ModelSnapshot& whole, model::LayerRange layers,
    const tensor::Compute& compute, const Clock& clock, const std::function<bool()>& should_stop);

/// Layer-rows a second, decoding one row at a time for about `budget_ms`; 0 if a part is lost.
double measure_divided(DividedLayers& divided, const model::ModelConfig& config,
                       model::LayerRange layers, const Clock& clock, std::uint64_t budget_ms);

}  // namespace cairn::serve
