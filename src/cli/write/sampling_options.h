// The options of every command that writes text: how the next token is chosen, where a text ends,
// and how keys and values are kept.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/kv_type.h"
#include "tensor/sample.h"
#include "tensor/state_type.h"

namespace cairn::cli {

class Command;
class Option;

struct SamplingOptions {
    tensor::SampleSettings settings{};
    tensor::KvType kv = tensor::KvType::kF32;            ///< narrower: half the memory, other bits
    tensor::StateType states = tensor::StateType::kF32;  ///< rounded to, layer by layer: other bits
    std::vector<std::string> stops;      ///< the text ends before the first of these
    std::vector<std::string> no_effect;  ///< given options that do nothing at temperature 0
};

/// --temperature, --top-k, --top-p, --min-p, the penalties, --seed, --stop, --kv. The memory behind
/// `options` must outlive parsing.
void add_sampling_options(const Command& command, SamplingOptions& options);

/// --kv.
Option add_kv_option(const Command& command, tensor::KvType& type);
/// --wire, for commands that may have layers computed elsewhere.
Option add_wire_option(const Command& command, tensor::StateType& states);

/// Checks that need no model: kMisused if an option would have no effect, or --stop is not valid.
Status check_sampling(const SamplingOptions& options);

}  // namespace cairn::cli
