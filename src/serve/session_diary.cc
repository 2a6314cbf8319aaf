#include "serve/session_diary.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "audit/replay.h"
#include "base/uniform.h"

namespace cairn::serve {

namespace {

/// Sessions whose coin was tossed; the memory of more is not needed.
constexpr std::size_t kMaxSessions = 4096;

/// Rows of an entry that were not taken back.
std::size_t kept_rows(const SessionDiary& diary, std::size_t index) {
    const DiaryEntry& entry = diary.entries[index];
    const std::size_t rows = entry.rows.size() / diary.dim;
    if (index + 1 == diary.entries.size()) return rows;
    return std::min<std::size_t>(rows, diary.entries[index + 1].position - entry.position);
}

/// How many entries from the first on were answered.
std::size_t answered_entries(const SessionDiary& diary) {
    const auto open = std::ranges::find(diary.entries, false, &DiaryEntry::answered);
    return static_cast<std::size_t>(open - diary.entries.begin());
}

/// The first row of the entry, counted from its own first, that is not what it should be.
std::optional<std::size_t> wrong_row(const SessionDiary& diary, std::size_t index,
                                     std::span<const float> right) {
    const DiaryEntry& entry = diary.entries[index];
    const std::size_t source_rows = diary.terms.source_rows;
    if (entry.position < source_rows) return std::nullopt;  // of which nothing comes out
    const std::size_t rows = kept_rows(diary, index);
    const auto ours = right.subspan((entry.position - source_rows) * diary.dim, rows * diary.dim);
    if (entry.outputs.empty()) {
        // A quiet push has its receipt alone, for all of its rows.
        const bool is_whole = rows * diary.dim == entry.rows.size();
        if (!is_whole || entry.receipt.output == states_hash(entry.position, ours))
            return std::nullopt;
        return 0;
    }
    const auto theirs = std::span(entry.outputs).first(ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i)
        if (std::bit_cast<std::uint32_t>(ours[i]) != std::bit_cast<std::uint32_t>(theirs[i]))
            return i / diary.dim;
    return std::nullopt;
}

Exhibit exhibit_of(const SessionDiary& diary, std::size_t index) {
    Exhibit exhibit{diary.terms, diary.hop.key, diary.entries[index].receipt, {}};
    for (std::size_t i = 0; i < index; ++i) {
        const States& rows = diary.entries[i].rows;
        const std::size_t kept = kept_rows(diary, i) * diary.dim;
        if (kept > 0)
            exhibit.inputs.emplace_back(rows.begin(),
                                        rows.begin() + static_cast<std::ptrdiff_t>(kept));
    }
    exhibit.inputs.push_back(diary.entries[index].rows);
    return exhibit;
}

/// Bytes of the rows that are kept, as `bytes_` counts them.
std::uint64_t floats_of(const SessionDiary& diary) {
    std::uint64_t bytes = 0;
    for (const DiaryEntry& entry : diary.entries)
        bytes += (entry.rows.size() + entry.outputs.size()) * sizeof(float);
    return bytes;
}

}  // namespace

std::uint64_t SessionDiary::rows() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < answered_entries(*this); ++i) count += kept_rows(*this, i);
    return count;
}

std::uint64_t SessionDiary::bytes() const {
    std::uint64_t count = 0;
    for (const DiaryEntry& entry : entries)
        count += (entry.rows.size() + entry.outputs.size()) * sizeof(float) + kReceiptBytes;
    return count;
}

Examined examine(const SessionDiary& diary, const ModelSnapshot& snapshot,
                 const tensor::Compute& compute) {
    const std::size_t answered = answered_entries(diary);
    if (answered == 0) return {std::nullopt, "nothing was answered", std::nullopt};
    std::vector<float> inputs;
    for (std::size_t i = 0; i < answered; ++i) {
        const States& rows = diary.entries[i].rows;
        // Of the last one all rows: what took some of them back was not answered.
        const std::size_t kept = i + 1 == answered ? rows.size() : kept_rows(diary, i) * diary.dim;
        inputs.insert(inputs.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept));
    }
    const auto right =
        audit::recompute(snapshot.config, snapshot.weights, diary.hop.layers, inputs,
                         diary.terms.kv, compute, diary.terms.wire, diary.terms.source_rows);
    if (!right.ok()) return {std::nullopt, right.error().message, std::nullopt};
    for (std::size_t i = 0; i < answered; ++i)
        if (const auto row = wrong_row(diary, i, *right))
            return convict(exhibit_of(diary, i), diary.entries[i].position + *row, snapshot);
    return {trust::Finding::kRight,
            fmt::format("{} rows of {} are right to the bit",
                        diary.rows() - diary.terms.source_rows, describe(diary.hop.layers)),
            std::nullopt};
}

SessionDiaries::SessionDiaries(double chance, Random& random, std::uint64_t max_bytes)
    : chance_(chance), random_(random), max_bytes_(max_bytes) {}

void SessionDiaries::pushed(const SessionTerms& terms, const Hop& hop, std::uint32_t position,
                            std::span<const float> rows, std::size_t dim) {
    auto found = open_.find(terms.session);
    if (found == open_.end()) {
        if (open_.size() >= kMaxSessions) return;
        // Who was not heard from the first row on cannot be audited.
        const bool kept = position == 0 && uniform(random_) < chance_;
        found = open_.emplace(terms.session, kept ? std::make_unique<Open>() : nullptr).first;
        if (kept) found->second->diary = {terms, hop, dim, {}, false};
    }
    if (found->second == nullptr) return;
    Open& open = *found->second;
    std::vector<DiaryEntry>& entries = open.diary.entries;
    if (position == 0 && !entries.empty()) {
        SessionDiary ended = std::exchange(open.diary, SessionDiary{terms, hop, dim, {}, false});
        if (std::exchange(open.has_news, false))
            ended_.push_back(std::move(ended));
        else
            bytes_ -= floats_of(ended);  // so_far() gave all of it, or nothing was answered
    }
    while (!entries.empty() && entries.back().position >= position) {
        bytes_ -= (entries.back().rows.size() + entries.back().outputs.size()) * sizeof(float);
        entries.pop_back();
    }
    entries.push_back({.serial = open.next,
                       .position = position,
                       .rows = {rows.begin(), rows.end()},
                       .outputs = {}});
    open.asked.push_back(open.next++);
    bytes_ += rows.size() * sizeof(float);
    if (bytes_ > max_bytes_) drop(terms.session);
}

void SessionDiaries::answered(const SessionTerms& terms, const Receipt& receipt,
                              std::span<const float> outputs) {
    const auto found = open_.find(terms.session);
    if (found == open_.end() || found->second == nullptr) return;
    Open& open = *found->second;
    if (open.asked.empty()) return;
    const std::uint64_t serial = open.asked.front();
    open.asked.pop_front();
    const auto entry = std::ranges::find(open.diary.entries, serial, &DiaryEntry::serial);
    if (entry == open.diary.entries.end()) return;  // it was taken back meanwhile
    entry->answered = true;
    open.has_news = true;
    entry->receipt = receipt;
    entry->outputs.assign(outputs.begin(), outputs.end());
    bytes_ += outputs.size() * sizeof(float);
    if (bytes_ > max_bytes_) drop(terms.session);
}

void SessionDiaries::drop(const Hash256& session) {
    std::unique_ptr<Open>& open = open_.at(session);
    bytes_ -= floats_of(open->diary);
    open.reset();
}

std::vector<SessionDiary> SessionDiaries::so_far() {
    std::vector<SessionDiary> all = std::exchange(ended_, {});
    for (const SessionDiary& diary : all) bytes_ -= floats_of(diary);
    for (const auto& [session, open] : open_) {
        if (open == nullptr || !std::exchange(open->has_news, false)) continue;
        all.push_back(open->diary);
        open->diary.again = true;
    }
    return all;
}

std::vector<SessionDiary> SessionDiaries::take() {
    std::vector<SessionDiary> all = std::exchange(ended_, {});
    for (auto& [session, open] : open_)
        if (open != nullptr && !open->diary.entries.empty()) all.push_back(std::move(open->diary));
    open_.clear();
    bytes_ = 0;
    return all;
}

}  // namespace cairn::serve
