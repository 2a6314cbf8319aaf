// MemoryBudget: what a host's models may take, and what they take. Bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace cairn::host {

struct MemoryBudget {
    std::uint64_t limit = 0;
    std::uint64_t weights = 0;  ///< of models in memory, with what their batches compute in
    std::uint64_t kv = 0;       ///< reserved for texts being written
    std::uint64_t prefix = 0;   ///< of prompts computed before

    std::uint64_t used() const { return weights + kv + prefix; }
    std::uint64_t free() const { return limit - std::min(limit, used()); }
};

/// What one text holds of MemoryBudget::kv, until this ends. The budget outlives it.
class KvReservation {
  public:
    KvReservation(MemoryBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {
        budget.kv += bytes;
    }
    ~KvReservation() {
        if (budget_ != nullptr) budget_->kv -= bytes_;
    }
    KvReservation(KvReservation&& from) noexcept
        : budget_(std::exchange(from.budget_, nullptr)), bytes_(from.bytes_) {}
    KvReservation(const KvReservation&) = delete;
    KvReservation& operator=(KvReservation&&) = delete;
    KvReservation& operator=(const KvReservation&) = delete;

    std::uint64_t bytes() const { return bytes_; }

  private:
    MemoryBudget* budget_;
    std::uint64_t bytes_;
};

}  // namespace cairn::host
