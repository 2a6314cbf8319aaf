#include "host/yielding.h"

#include <algorithm>

namespace cairn::host {

namespace {

constexpr unsigned kMostDoublings = 24;  // half a year

std::uint64_t doubled(std::uint64_t turn_us, unsigned times) {
    return turn_us << std::min(times, kMostDoublings);
}

}  // namespace

bool yields_place(std::size_t holds, std::size_t waiter_holds, std::uint64_t worked_us) {
    if (holds >= waiter_holds + 2) return worked_us >= kPlaceTurn_us;
    return waiter_holds == 0 && worked_us >= kLongTurn_us;
}

bool yields_memory(const MemoryHeld& held, std::uint64_t waiter_bytes, std::uint64_t wanted) {
    const bool more = held.client_bytes - held.bytes >= waiter_bytes + wanted;
    if (more) return held.worked_us >= doubled(kPlaceTurn_us, held.evictions);
    return waiter_bytes == 0 && yields_to_model(held);
}

bool yields_to_model(const MemoryHeld& held) {
    return held.worked_us >= doubled(kLongTurn_us, held.evictions);
}

}  // namespace cairn::host
