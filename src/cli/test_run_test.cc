// Defines what test_run.h declares, for this room's tests; proves nothing by itself.
#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/test_run.h"
#include "console/screen_text.h"

namespace cairn::cli {

nlohmann::json Outcome::json() const { return nlohmann::json::parse(out, nullptr, false); }

std::size_t Outcome::columns() const {
    std::size_t widest = 0;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);)
        widest = std::max(widest, console::columns_of(line));
    return widest;
}

Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "cairn");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream errors;
    const int code = run_command_line(static_cast<int>(argv.size()), argv.data(), out, errors);
    return {code, out.str(), errors.str()};
}

}  // namespace cairn::cli
