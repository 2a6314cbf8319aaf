// A strict parser for other programs' JSON. It refuses a key that occurs twice in one object,
// because readers differ in which of the two values they take.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/json_keys.h"
#include "base/result.h"

namespace cairn::formats {

/// An object with at most `most_parts` objects, lists and keys, together. kInvalid "NAME ..." with
/// the place where it stops being JSON (NaN is none), or the key that is there twice.
Result<nlohmann::json> parse_strict_json(std::string_view text, const std::string& name,
                                         std::size_t most_parts = kAnyJsonParts);

}  // namespace cairn::formats
