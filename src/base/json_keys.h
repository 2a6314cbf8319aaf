// What a parser does not tell of a JSON text: a key that stands twice in one object, how many parts
// there are, how deep they lie. The text passes without being kept.
//
// The parser could ask a callback about each key, but with one it looks through all that a list
// holds at the end of each object in it: a list of a million objects would take hours.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cairn {

struct JsonKeys {
    std::optional<std::string> repeated;  ///< the first key that stands twice in one object
    bool too_many = false;                ///< parts; nothing was looked at behind them
    std::size_t depth = 0;                ///< objects and lists around the value that lies deepest
};

inline constexpr std::size_t kAnyJsonParts = static_cast<std::size_t>(-1);

/// In a time that grows with the length. Parts are objects, lists and keys, together. Of what is no
/// JSON: what comes before the place where it stops to be.
JsonKeys json_keys(std::string_view text, std::size_t most_parts = kAnyJsonParts);

}  // namespace cairn
