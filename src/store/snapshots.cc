#include <algorithm>

#include "store/file_format.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

std::string snapshot_file(const SnapshotRecord& which) {
    return "snapshots/" + std::to_string(which.height) + "-" + to_hex(which.block);
}

Result<std::vector<SnapshotRecord>> read_snapshots(Database& database) {
    std::vector<SnapshotRecord> found;
    Statement all = database.query("SELECT height, hash FROM snapshots ORDER BY number DESC");
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, all.step());
        if (!row) return found;
        found.push_back({all.u64(0), all.fixed<32>(1)});
    }
}

}  // namespace

Status Store::put_snapshot(std::uint64_t height, const Hash256& block, ByteView state) {
    RETURN_IF_ERROR(refuse_if_read_only());
    if (state.size() > kMaxSnapshotBytes) return invalid("a snapshot that is too large");
    const SnapshotRecord record{height, block};
    RETURN_IF_ERROR(write_checked(*disk_, snapshot_file(record), FileKind::kSnapshot, state));
    std::vector<SnapshotRecord> surplus;
    {
        const MutexLock lock(mutex_);
        ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(*database_));
        RETURN_IF_ERROR(database_
                            ->query("INSERT OR REPLACE INTO snapshots (height, hash) VALUES (?, ?)",
                                    height, block)
                            .run());
        ASSIGN_OR_RETURN(surplus, read_snapshots(*database_));
        surplus.erase(surplus.begin(), surplus.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                             surplus.size(), kKeptSnapshots)));
        for (const SnapshotRecord& old : surplus)
            RETURN_IF_ERROR(
                database_->query("DELETE FROM snapshots WHERE hash = ?", old.block).run());
        RETURN_IF_ERROR(transaction->commit());
    }
    // Files after their rows: a crash in between leaves a file too many, never a row without one.
    for (const SnapshotRecord& old : surplus) {
        const Status removed = disk_->remove(snapshot_file(old));
        if (!removed.ok() && removed.error().code != ErrorCode::kNotFound) return removed;
    }
    return ok_status();
}

// A crash may leave a file that no row names. A row without its file is left only by a disk that
// lost writes after it had confirmed them, or by a store that is not durable; the next older
// snapshot then serves.
Status Store::sweep_snapshots() {
    ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> kept, snapshots());
    for (const SnapshotRecord& record : kept) {
        if (disk_->exists(snapshot_file(record))) continue;
        const MutexLock lock(mutex_);
        RETURN_IF_ERROR(
            database_->query("DELETE FROM snapshots WHERE hash = ?", record.block).run());
    }
    for (const std::string& name : disk_->list("snapshots")) {
        const bool known = std::any_of(kept.begin(), kept.end(), [&](const SnapshotRecord& record) {
            return snapshot_file(record) == "snapshots/" + name;
        });
        if (!known) RETURN_IF_ERROR(disk_->remove("snapshots/" + name));
    }
    return ok_status();
}

Result<std::vector<SnapshotRecord>> Store::snapshots() const {
    const MutexLock lock(mutex_);
    return read_snapshots(*database_);
}

Result<Bytes> Store::snapshot(const SnapshotRecord& which) const {
    return read_checked(*disk_, snapshot_file(which), FileKind::kSnapshot, kMaxSnapshotBytes);
}

}  // namespace cairn::store
