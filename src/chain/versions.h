// Which arithmetic and which rules a block follows. Every header names both, a network definition
// says from which height on which hold, and a program knows all up to its own: kNumericsVersion
// (base/numerics_version.h) and kRulesVersion. What differs between versions of the rules is in
// consensus/rules.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/numerics_version.h"

namespace cairn::chain {

/// The newest version of the rules (docs/spec/chain.md) that this program follows.
inline constexpr std::uint16_t kRulesVersion = 1;

struct Versions {
    std::uint16_t numerics = kNumericsVersion;
    std::uint16_t rules = kRulesVersion;
    bool operator==(const Versions&) const = default;
    /// Whether a program that knows all up to `newest` knows these.
    bool known_to(const Versions& newest) const {
        return numerics <= newest.numerics && rules <= newest.rules;
    }
};

inline std::string to_string(const Versions& versions) {
    return "numerics version " + std::to_string(versions.numerics) + " and rules version " +
           std::to_string(versions.rules);
}

}  // namespace cairn::chain
