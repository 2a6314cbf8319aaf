#include <cstring>

#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

constexpr std::string_view kColumns =
    "height, block, time_ms, report_loss, judge_loss_before, judge_loss_after, contributions, "
    "minted, state_root, sample, source_losses";

/// Doubles as they lie in memory.
Bytes pack(std::span<const double> losses) {
    Bytes bytes(losses.size_bytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), losses.data(), bytes.size());
    return bytes;
}

std::vector<double> unpack(ByteView bytes) {
    std::vector<double> losses(bytes.size() / sizeof(double));
    if (!losses.empty()) std::memcpy(losses.data(), bytes.data(), losses.size() * sizeof(double));
    return losses;
}

/// Of a row with kColumns.
MergeRecord merge_of(const Statement& row) {
    MergeRecord merge;
    merge.height = row.u64(0);
    merge.block = row.fixed<32>(1);
    merge.time_ms = row.u64(2);
    merge.report_loss = row.maybe_real(3);
    merge.judge_loss_before = row.maybe_real(4);
    merge.judge_loss_after = row.maybe_real(5);
    merge.contributions = row.u32(6);
    merge.minted = row.u64(7);
    merge.state_root = row.fixed<32>(8);
    merge.sample = row.text(9);
    merge.source_losses = unpack(row.blob(10));
    return merge;
}

}  // namespace

Status Store::insert_merge(const MergeRecord& merge) {
    const std::string insert = "INSERT INTO merges (" + std::string(kColumns) +
                               ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const Bytes source_losses = pack(merge.source_losses);
    return database_
        ->query(insert.c_str(), merge.height, merge.block, merge.time_ms, merge.report_loss,
                merge.judge_loss_before, merge.judge_loss_after, merge.contributions, merge.minted,
                merge.state_root, merge.sample, ByteView(source_losses))
        .run();
}

Result<std::vector<MergeRecord>> Store::merges(std::uint64_t from_height, std::size_t max) const {
    const std::string select = "SELECT " + std::string(kColumns) +
                               " FROM merges WHERE height >= ? ORDER BY height LIMIT ?";
    std::vector<MergeRecord> found;
    const MutexLock lock(mutex_);
    Statement all = database_->query(select.c_str(), from_height, max);
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, all.step());
        if (!row) return found;
        found.push_back(merge_of(all));
    }
}

Result<std::optional<MergeRecord>> Store::best_merge() const {
    const std::string select = "SELECT " + std::string(kColumns) +
                               " FROM merges WHERE report_loss IS NOT NULL "
                               "ORDER BY report_loss, height LIMIT 1";
    const MutexLock lock(mutex_);
    Statement best = database_->query(select.c_str());
    ASSIGN_OR_RETURN(const bool row, best.step());
    if (!row) return std::optional<MergeRecord>();
    return std::optional(merge_of(best));
}

Status Store::set_report_loss(const Hash256& block, double loss,
                              std::span<const double> by_source) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const Bytes source_losses = pack(by_source);
    const MutexLock lock(mutex_);
    return database_
        ->query("UPDATE merges SET report_loss = ?, source_losses = ? WHERE block = ?",
                std::optional<double>(loss), ByteView(source_losses), block)
        .run();
}

Status Store::set_sample(const Hash256& block, std::string_view text) {
    RETURN_IF_ERROR(refuse_if_read_only());
    if (text.size() > kMaxSampleBytes) return invalid("a sample text that is too long");
    const MutexLock lock(mutex_);
    return database_->query("UPDATE merges SET sample = ? WHERE block = ?", text, block).run();
}

}  // namespace cairn::store
