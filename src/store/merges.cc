#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

/// Of a row with all columns, in the order of the table.
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
    return merge;
}

}  // namespace

Status Store::insert_merge(const MergeRecord& merge) {
    return database_
        ->query(
            "INSERT INTO merges (height, block, time_ms, report_loss, judge_loss_before, "
            "judge_loss_after, contributions, minted, state_root, sample) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            merge.height, merge.block, merge.time_ms, merge.report_loss, merge.judge_loss_before,
            merge.judge_loss_after, merge.contributions, merge.minted, merge.state_root,
            merge.sample)
        .run();
}

Result<std::vector<MergeRecord>> Store::merges(std::uint64_t from_height, std::size_t max) const {
    std::vector<MergeRecord> found;
    const MutexLock lock(mutex_);
    Statement all = database_->query(
        "SELECT height, block, time_ms, report_loss, judge_loss_before, judge_loss_after, "
        "contributions, minted, state_root, sample FROM merges WHERE height >= ? "
        "ORDER BY height LIMIT ?",
        from_height, max);
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, all.step());
        if (!row) return found;
        found.push_back(merge_of(all));
    }
}

Result<std::optional<MergeRecord>> Store::best_merge() const {
    const MutexLock lock(mutex_);
    Statement best = database_->query(
        "SELECT height, block, time_ms, report_loss, judge_loss_before, judge_loss_after, "
        "contributions, minted, state_root, sample FROM merges WHERE report_loss IS NOT NULL "
        "ORDER BY report_loss, height LIMIT 1");
    ASSIGN_OR_RETURN(const bool row, best.step());
    if (!row) return std::optional<MergeRecord>();
    return std::optional(merge_of(best));
}

Status Store::set_report_loss(const Hash256& block, double nats_per_token) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    return database_
        ->query("UPDATE merges SET report_loss = ? WHERE block = ?",
                std::optional<double>(nats_per_token), block)
        .run();
}

Status Store::set_sample(const Hash256& block, std::string_view text) {
    RETURN_IF_ERROR(refuse_if_read_only());
    if (text.size() > kMaxSampleBytes) return invalid("a sample text that is too long");
    const MutexLock lock(mutex_);
    return database_->query("UPDATE merges SET sample = ? WHERE block = ?", text, block).run();
}

}  // namespace cairn::store
