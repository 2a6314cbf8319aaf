// Commands of this program that the demo runs as processes, and what they answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "demo/child_process.h"

namespace cairn::demo {

/// Runs `cairn ARGUMENTS`, which prints one JSON object as its last line, with its output in
/// `log`; kIo with the end of the log if it fails (but not by one of `allowed` exit codes).
Result<nlohmann::json> run_json(const std::vector<std::string>& arguments, const std::string& log,
                                const Stop& stop, const std::vector<int>& allowed = {0});
/// The last JSON object of its output; null if there is none.
nlohmann::json last_json(const std::string& output);

struct LayerProcess {
    ChildProcess process;
    std::string address;
    std::string key;  ///< as 64 hexadecimal digits
};

/// A process that serves layers [from, to) of a model file; `more` options besides.
Result<LayerProcess> serve_layers(const std::string& model, std::uint32_t from, std::uint32_t to,
                                  const std::string& log, const Stop& stop,
                                  const std::vector<std::string>& more = {});

}  // namespace cairn::demo
