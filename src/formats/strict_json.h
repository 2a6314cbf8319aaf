// JSON of other programs, read so that nothing in it is passed over: a key that stands twice in one
// object has two meanings, and which of them counts differs from reader to reader.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace cairn::formats {

/// An object. kInvalid "NAME ..." with the place where it stops being JSON (NaN is none), or the
/// key that is there twice.
Result<nlohmann::json> parse_strict_json(std::string_view text, const std::string& name);

}  // namespace cairn::formats
