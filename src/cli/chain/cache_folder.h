// Where what was fetched of models and networks is kept.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::cli {

/// `named`, else $XDG_CACHE_HOME/cairn or ~/.cache/cairn, with `part` behind it. kMisused where
/// there is no home.
Result<std::string> cache_folder(const std::string& named, const std::string& part = "");

}  // namespace cairn::cli
