// `cairn doctor`: whether this machine is fit for Cairn: processor, arithmetic, memory, disk,
// clock, data directory. Every finding says what to do next; a problem makes the exit code 1.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct DoctorRequest {
    std::string directory;  ///< of a node; empty: none
    std::size_t threads = 0;
    bool json = false;
};

/// `healthy` becomes false if there is a problem. JSON: {healthy, checks: [{name, health, found,
/// advice}]}.
Status run_doctor(const DoctorRequest& request, std::ostream& out, bool& healthy);

}  // namespace cairn::cli
