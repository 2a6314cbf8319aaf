// When an answer that is being written gives its place, or its memory, to somebody else's that
// waits, so that nobody holds either for as long as he likes to write. It goes on later where it
// stopped, with the same bits (paused.h).
//
// A turn is how long an answer may work undisturbed. Giving up a place costs nothing, so its turn
// is always the same. Giving up memory means that the text is read again, so that turn doubles each
// time: every answer ends, and most of the time goes into writing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::host {

/// Of a client who holds more than the one who waits would then have.
inline constexpr std::uint64_t kPlaceTurn_us = 2'000'000;
/// Of a client who holds no more than that, where the one who waits holds nothing at all.
inline constexpr std::uint64_t kLongTurn_us = 10'000'000;

/// Whether an answer that has worked for `worked_us` gives up its place. `holds`, `waiter_holds`:
/// places of its client, at least 1, and of the client who waits, in the same model.
bool yields_place(std::size_t holds, std::size_t waiter_holds, std::uint64_t worked_us);

/// An answer's memory, seen by somebody who wants some.
struct MemoryHeld {
    std::uint64_t bytes = 0;         ///< its own
    std::uint64_t client_bytes = 0;  ///< of all answers of its client
    std::uint64_t worked_us = 0;     ///< since it has that memory
    unsigned evictions = 0;          ///< times that it gave up its memory before
};
/// The same for memory. The waiter's client holds `waiter_bytes` and wants `wanted` more.
bool yields_memory(const MemoryHeld& held, std::uint64_t waiter_bytes, std::uint64_t wanted);
/// Whether it may be asked of an answer at all, whoever waits and for what: a turn of the longer
/// kind has passed.
bool yields_to_model(const MemoryHeld& held);

}  // namespace cairn::host
