// Paused: an answer that gave up its place, until it gets another one. It goes on where it stopped:
// with the rows that it holds, or, where it gave up its memory too, after its text has been read
// again. Both give the bits that it would have had without (numerics: batch invariance).
#pragma once

#include <memory>
#include <string>

#include "host/answer.h"
#include "host/memory_budget.h"

namespace cairn::host {

struct Paused {
    struct Rows {
        Answer answer;
        model::KvCache cache;
        std::size_t kept = 0;  ///< tokens whose blocks have been remembered
        KvReservation memory;
        std::shared_ptr<const char> in_use;  ///< the run is not idle while somebody holds this
    };

    text::Tokens text;            ///< the prompt and what was written
    std::uint64_t worked_us = 0;  ///< since it has had its memory
    unsigned evictions = 0;
    /// Of the run that it left, and of its model. Another version of the model cannot go on with
    /// it.
    std::shared_ptr<const char> run;
    std::string version;
    std::unique_ptr<Rows> rows;  ///< null: it gave up its memory, too

    void give_up_rows() {
        rows.reset();
        worked_us = 0;
        ++evictions;
    }
};

}  // namespace cairn::host
