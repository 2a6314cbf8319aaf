// OutputMarks: what a stage's results were, without keeping them: a hash for each 16 rows, as a
// receipt says it. So the result of a push that is computed again, whose states are not sent
// (a quiet push), can be compared with what was computed before: who is paid for it must have
// computed it (S42).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "serve/session_payment.h"

namespace cairn::serve {

class OutputMarks {
  public:
    /// Of rows of `dim` values; those of the first `unknown` positions are not known.
    OutputMarks(std::size_t dim, std::size_t unknown) : dim_(dim) { forget_all(unknown); }

    /// Positions so far, those that are not known included.
    std::size_t length() const { return first_ + recent_.size() / dim_; }
    /// Results [n, dim] of the next positions.
    void put(std::span<const float> rows);
    /// Forgets the positions from `length` on.
    void truncate(std::size_t length);
    /// states_hash() of the results of `count` positions: of 16 from a multiple of 16 on, or of any
    /// of the last 32. Nothing where it is not known.
    std::optional<Hash256> of(std::size_t position, std::size_t count) const;

  private:
    static constexpr std::size_t kRows = kMaxPaidRows;

    void forget_all(std::size_t length);
    std::span<const float> recent(std::size_t position, std::size_t count) const {
        return std::span(recent_).subspan((position - first_) * dim_, count * dim_);
    }

    std::size_t dim_;
    std::vector<std::optional<Hash256>> blocks_;  // of 16 positions each, whole ones
    std::vector<float> recent_;                   // rows from position first_ on
    std::size_t first_ = 0;
};

}  // namespace cairn::serve
