// How deep JSON from outside may nest. A parser reads any depth, but copying or printing what it
// read goes down one call for every level, so that a file of brackets alone would end the program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn {

/// Far more than any file of a model has.
constexpr std::size_t kMaxJsonDepth = 100;

/// kInvalid "NAME nests ..." if objects and lists of `text` lie deeper in one another. It need not
/// be JSON: that is the parser's to say.
Status check_json_depth(std::string_view text, const std::string& name);

}  // namespace cairn
