#include "serve/output_marks.h"

namespace cairn::serve {

namespace {

constexpr std::size_t kBlocksKept = 2;  // as rows: guesses that are taken back are few

}  // namespace

void OutputMarks::forget_all(std::size_t length) {
    first_ = length;
    recent_.clear();
    blocks_.assign(length / kRows, std::nullopt);
}

void OutputMarks::put(std::span<const float> rows) {
    recent_.insert(recent_.end(), rows.begin(), rows.end());
    while ((blocks_.size() + 1) * kRows <= length()) {
        const std::size_t begin = blocks_.size() * kRows;
        // One that was begun before anything was known has no hash.
        blocks_.push_back(begin < first_
                              ? std::nullopt
                              : std::optional(states_hash(static_cast<std::uint32_t>(begin),
                                                          recent(begin, kRows))));
    }
    if (blocks_.size() <= kBlocksKept) return;
    const std::size_t keep = (blocks_.size() - kBlocksKept) * kRows;
    if (keep <= first_) return;
    recent_.erase(recent_.begin(),
                  recent_.begin() + static_cast<std::ptrdiff_t>((keep - first_) * dim_));
    first_ = keep;
}

void OutputMarks::truncate(std::size_t length) {
    if (length >= this->length()) return;
    blocks_.resize(length / kRows);
    if (length >= first_) {
        recent_.resize((length - first_) * dim_);
    } else {
        recent_.clear();
        first_ = length;
    }
}

std::optional<Hash256> OutputMarks::of(std::size_t position, std::size_t count) const {
    if (position + count > length()) return std::nullopt;
    if (position >= first_)
        return states_hash(static_cast<std::uint32_t>(position), recent(position, count));
    if (count != kRows || position % kRows != 0) return std::nullopt;
    return blocks_.at(position / kRows);
}

}  // namespace cairn::serve
