#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

HeaderRecord read_header(const Statement& row) {
    HeaderRecord record;
    record.arrival = row.u64(0);
    record.hash = row.fixed<32>(1);
    record.previous = row.fixed<32>(2);
    record.height = row.u64(3);
    const ByteView header = row.blob(4);
    record.header.assign(header.begin(), header.end());
    record.work = row.fixed<32>(5);
    record.status = static_cast<BlockStatus>(row.i64(6));
    record.reason = row.text(7);
    return record;
}

}  // namespace

Status Store::add_headers(std::span<const HeaderRecord> headers) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(*database_));
    for (const HeaderRecord& record : headers) {
        if (record.header.size() > kMaxHeaderBytes) return invalid("a header that is too long");
        RETURN_IF_ERROR(database_
                            ->query("INSERT INTO headers (hash, previous, height, header, work, "
                                    "status, reason) VALUES (?, ?, ?, ?, ?, ?, ?) "
                                    "ON CONFLICT (hash) DO NOTHING",
                                    record.hash, record.previous, record.height, record.header,
                                    record.work, static_cast<int>(record.status), record.reason)
                            .run());
    }
    return transaction->commit();
}

Result<HeaderRecord> Store::header(const Hash256& hash) const {
    const MutexLock lock(mutex_);
    Statement find = database_->query(
        "SELECT arrival, hash, previous, height, header, work, status, reason FROM headers "
        "WHERE hash = ?",
        hash);
    ASSIGN_OR_RETURN(const bool row, find.step());
    if (!row) return not_found("no header of block " + short_hex(hash));
    return read_header(find);
}

Status Store::for_each_header(const std::function<void(const HeaderRecord&)>& visit) const {
    const MutexLock lock(mutex_);
    Statement all = database_->query(
        "SELECT arrival, hash, previous, height, header, work, status, reason FROM headers "
        "ORDER BY arrival");
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, all.step());
        if (!row) return ok_status();
        visit(read_header(all));
    }
}

Status Store::mark_invalid(const Hash256& hash, const std::string& reason) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    RETURN_IF_ERROR(database_
                        ->query("UPDATE headers SET status = ?, reason = ? WHERE hash = ?",
                                static_cast<int>(BlockStatus::kInvalid), reason, hash)
                        .run());
    if (database_->changes() == 0) return not_found("no header of block " + short_hex(hash));
    return ok_status();
}

}  // namespace cairn::store
