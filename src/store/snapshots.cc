#include <algorithm>
#include <functional>

#include "store/file_format.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

std::string snapshot_file(const SnapshotRecord& which) {
    return "snapshots/" + std::to_string(which.height) + "-" + to_hex(which.block);
}

Result<std::vector<SnapshotRecord>> read_snapshots(Database& database,
                                                   const std::string& which = "1") {
    std::vector<SnapshotRecord> found;
    const std::string sql =
        "SELECT height, hash FROM snapshots WHERE " + which + " ORDER BY number DESC";
    Statement all = database.query(sql.c_str());
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, all.step());
        if (!row) return found;
        found.push_back({all.u64(0), all.fixed<32>(1)});
    }
}

/// How far below the newest one snapshots are kept besides the latest: four hours of blocks of 2 s.
constexpr std::uint64_t kMaxDistance = std::uint64_t{1} << 13;
/// Of two that are kept one after the other the lower one is at most so many times as far from the
/// newest: whoever goes back some blocks replays a few times as many, and the files are few (twice
/// the logarithm to this base of the distances' range).
constexpr std::uint64_t kFurther = 4;

/// Of the snapshots, in the order of their putting, those to be removed: all but the latest and,
/// of the active chain, ever fewer further down.
std::vector<SnapshotRecord> surplus_of(std::vector<SnapshotRecord> all,
                                       std::vector<SnapshotRecord> active) {
    if (all.size() <= kKeptSnapshots) return {};
    const std::uint64_t newest = all.front().height;
    std::vector<Hash256> kept;
    std::uint64_t distance = 1;  // of the last that is kept
    for (std::size_t i = 0; i < kKeptSnapshots; ++i) {
        kept.push_back(all[i].block);
        if (all[i].height < newest) distance = std::max(distance, newest - all[i].height);
    }
    std::erase_if(active, [&](const SnapshotRecord& each) {
        return each.height + distance >= newest || each.height + kMaxDistance < newest;
    });
    std::ranges::sort(active, std::greater(), &SnapshotRecord::height);
    for (std::size_t i = 0; i < active.size(); ++i) {
        const std::uint64_t below = i + 1 < active.size() ? active[i + 1].height : 0;
        if (newest - below <= kFurther * distance) continue;
        kept.push_back(active[i].block);
        distance = newest - active[i].height;
    }
    std::erase_if(all, [&kept](const SnapshotRecord& each) {
        return std::ranges::find(kept, each.block) != kept.end();
    });
    return all;
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
        ASSIGN_OR_RETURN(auto all, read_snapshots(*database_));
        ASSIGN_OR_RETURN(auto active,
                         read_snapshots(*database_, "hash IN (SELECT hash FROM active)"));
        surplus = surplus_of(std::move(all), std::move(active));
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
