#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

Result<std::optional<TipRecord>> read_tip(Database& database) {
    Statement find = database.query("SELECT height, hash FROM active ORDER BY height DESC LIMIT 1");
    ASSIGN_OR_RETURN(const bool row, find.step());
    if (!row) return std::optional<TipRecord>();
    return std::optional<TipRecord>(TipRecord{find.fixed<32>(1), find.u64(0)});
}

}  // namespace

Result<std::optional<TipRecord>> Store::tip() const {
    const MutexLock lock(mutex_);
    return read_tip(*database_);
}

Result<Hash256> Store::active_block(std::uint64_t height) const {
    const MutexLock lock(mutex_);
    Statement find = database_->query("SELECT hash FROM active WHERE height = ?", height);
    ASSIGN_OR_RETURN(const bool row, find.step());
    if (!row) return not_found("the chain has no block " + std::to_string(height) + " yet");
    return find.fixed<32>(0);
}

Status Store::advance_tip(const TipChange& change) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(*database_));
    for (const Hash256& hash : change.disconnected) RETURN_IF_ERROR(disconnect(hash));
    for (const BlockRecords& records : change.connected) RETURN_IF_ERROR(connect(records));
    ASSIGN_OR_RETURN(const std::optional<TipRecord> tip, read_tip(*database_));
    if (tip && (tip->hash != change.tip.hash || tip->height != change.tip.height))
        return invalid("the change of tip ends at block " + short_hex(tip->hash) + ", not at " +
                       short_hex(change.tip.hash));
    return transaction->commit();
}

// Only the tip can be disconnected: a caller with a wrong order must not leave a hole in the chain.
Status Store::disconnect(const Hash256& hash) {
    ASSIGN_OR_RETURN(const std::optional<TipRecord> tip, read_tip(*database_));
    if (!tip || tip->hash != hash)
        return invalid("block " + short_hex(hash) + " is not the tip: it cannot be disconnected");
    const std::uint64_t height = tip->height;
    RETURN_IF_ERROR(database_->query("DELETE FROM active WHERE height = ?", height).run());
    RETURN_IF_ERROR(database_->query("DELETE FROM payments WHERE height = ?", height).run());
    RETURN_IF_ERROR(database_->query("DELETE FROM parties WHERE height = ?", height).run());
    RETURN_IF_ERROR(database_->query("DELETE FROM merges WHERE height = ?", height).run());
    return database_->query("DELETE FROM contributions WHERE block = ?", hash).run();
}

Status Store::connect(const BlockRecords& records) {
    ASSIGN_OR_RETURN(const std::optional<TipRecord> tip, read_tip(*database_));
    if (tip && records.height != tip->height + 1)
        return invalid("block " + std::to_string(records.height) + " cannot follow block " +
                       std::to_string(tip->height));
    RETURN_IF_ERROR(
        database_
            ->query("INSERT INTO active (height, hash) VALUES (?, ?)", records.height, records.hash)
            .run());
    RETURN_IF_ERROR(database_
                        ->query("UPDATE headers SET status = ?, reason = '' WHERE hash = ?",
                                static_cast<int>(BlockStatus::kValid), records.hash)
                        .run());
    if (database_->changes() == 0)
        return invalid("block " + short_hex(records.hash) + " joins the chain without a header");
    RETURN_IF_ERROR(insert_payments(records));
    for (const ContributionRecord& record : records.contributions)
        RETURN_IF_ERROR(insert_contribution(record));
    if (records.merge) RETURN_IF_ERROR(insert_merge(*records.merge));
    return ok_status();
}

}  // namespace cairn::store
