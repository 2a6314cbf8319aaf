// Which heads' attention is meant, as people write it: "all", a number of heads to draw by chance,
// or LAYER:HEAD, with commas between several.
#pragma once

#include <string>
#include <vector>

#include "audit/proved_heads.h"
#include "base/random.h"

namespace cairn::cli {

inline constexpr const char* kHeadsHelp =
    "all, a number of heads to draw by chance, or LAYER:HEAD,LAYER:HEAD";

/// Heads of layers with so many each, ascending. kMisused for other words, and for heads that are
/// not among them.
Result<std::vector<audit::HeadPlace>> heads_of(const std::string& option, const std::string& words,
                                               model::LayerRange layers, std::uint32_t heads,
                                               Random& random);

/// As heads_of(), of a server that went through `layers` alone; the layers of named heads need not
/// be among them, and those that are not are left out. May be empty.
Result<std::vector<audit::HeadPlace>> heads_among(const std::string& option,
                                                  const std::string& words,
                                                  model::LayerRange layers,
                                                  const model::ModelConfig& config, Random& random);

/// "2/4": the second of four shares. kMisused for anything else.
Result<audit::ShareOf> parse_share(const std::string& words);

}  // namespace cairn::cli
