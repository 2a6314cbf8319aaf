// A command line run inside a test, and what it left behind.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace cairn::cli {

struct Outcome {
    int code = 0;
    std::string out;
    std::string errors;

    /// `out` as JSON; discarded if it is none.
    nlohmann::json json() const;
    /// Columns of the widest line of `out`.
    std::size_t columns() const;
};

/// `arguments` without the program's name.
Outcome run(std::vector<std::string> arguments);

}  // namespace cairn::cli
