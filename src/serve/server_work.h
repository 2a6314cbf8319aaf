// What one server did for a client: how many rows through which layers, how long the client waited
// for them, what went over the line, and what it cost. For `cairn trace`.
#pragma once

#include <cstdint>
#include <string>

#include "crypto/keys.h"
#include "model/weights.h"

namespace cairn::serve {

struct ServerWork {
    crypto::PublicKey key;
    std::string address;
    model::LayerRange layers;
    std::uint64_t sessions = 0;  ///< opened, one after another
    std::uint64_t pushes = 0;    ///< answered, each by a receipt that was checked
    std::uint64_t rows = 0;  ///< in them: of prompt and text, guesses, and what was computed again
    std::uint64_t waited_us =
        0;  ///< while at least one push was under way: its computing and its line
    std::uint64_t longest_us = 0;  ///< of that, for one push
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t price = 0;  ///< of all rows, smallest units
    std::string ended;        ///< why the latest session ended, if not by the client
};

}  // namespace cairn::serve
