// Traces: for each text that servers helped to write, which of them ran it, where the time went,
// what was checked and what it cost. `cairn generate --server` keeps one, `cairn trace ID` shows
// it. Nothing of the text is in it. They are files under $XDG_STATE_HOME/cairn/traces, or
// ~/.local/state/cairn/traces, the newest 200.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/server_work.h"

namespace cairn::cli {

struct Trace {
    std::uint64_t began_ms = 0;  ///< Unix time
    std::string model;           ///< as it was named
    std::uint64_t tokens = 0;
    std::uint64_t elapsed_us = 0;
    std::uint64_t first_us = 0;  ///< of these, until the first token
    std::uint64_t failovers = 0;
    std::uint64_t stall_ms = 0;
    std::uint64_t spent = 0;  ///< by vouchers, smallest units
    std::vector<serve::ServerWork> servers;
};

/// Its id: 12 hexadecimal digits. Empty, and a line in the log, if it cannot be kept: the text
/// matters more.
std::string keep_trace(const Trace& trace);

}  // namespace cairn::cli
