// `cairn lab freivalds`: what checking a W8A8-row layer costs beside computing it again
// (lab/audit_cost.h), as a table, or as one JSON object {"name", "rows", "found"}.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

class Command;

struct Invocation;

struct LabFreivaldsRequest {
    std::uint32_t width = 0;  ///< 768, 2048 or 4096; 0: all three
    std::uint32_t tokens = 512;
    std::uint32_t repeats = 3;
    std::size_t threads = 1;
    bool json = false;
};
Status run_lab_freivalds(const LabFreivaldsRequest& request, std::ostream& out);

void add_lab_freivalds(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
