// Traces: for each text that servers helped to write, which of them ran it, where the time went,
// what was checked and what it cost. `cairn generate` and `cairn serve` over layer servers keep
// one, `cairn trace ID` shows it, and so does the chat page. Nothing of the text is in it. They are
// files under $XDG_STATE_HOME/cairn/traces, or ~/.local/state/cairn/traces, the newest 1,000.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "serve/server_work.h"

namespace cairn::gateway {

/// What computing a server's part again found.
struct TraceAudit {
    std::string server;  ///< "host:port"
    crypto::PublicKey key;
    model::LayerRange layers;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;  ///< that were kept for it
    bool convicted = false;
    std::string finding;  ///< "right", "convicted", ...
    std::string sentence;
    std::string exhibit;  ///< file of the proof; empty: there is none
};

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
    std::vector<TraceAudit> audits{};
};

/// As it is kept and shown: began_ms, model, tokens, seconds, first_token_seconds, failovers,
/// stall_seconds, spent, servers [server, key, layers, sessions, pushes, receipts_checked, rows,
/// seconds, longest_seconds, bytes_sent, bytes_received, price, ended], audits [server, key,
/// layers, rows, bytes_kept, finding, sentence, exhibit].
nlohmann::ordered_json json_of(const Trace& trace);
nlohmann::ordered_json json_of(const std::vector<TraceAudit>& audits);

/// Its id: 12 hexadecimal digits. Empty, and a line in the log, if it cannot be kept: the text
/// matters more.
std::string keep_trace(const Trace& trace);

struct KeptTrace {
    std::string id;
    std::string json;  ///< json_of()
};

/// Those whose id begins so, the newest first; those that cannot be read are left out.
Result<std::vector<KeptTrace>> read_traces(const std::string& id);

}  // namespace cairn::gateway
