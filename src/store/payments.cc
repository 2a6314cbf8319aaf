#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

std::string entries(const std::string& which) {
    return "SELECT payments.id, payments.height, payments.block, payments.position, "
           "payments.coinbase, parties.received, parties.spent FROM parties "
           "JOIN payments ON payments.height = parties.height "
           "AND payments.position = parties.position WHERE parties.key = ? " +
           which;
}

HistoryEntry entry_of(const Statement& row) {
    HistoryEntry entry;
    entry.payment = row.fixed<32>(0);
    entry.place = {row.u64(1), row.fixed<32>(2), row.u32(3)};
    entry.coinbase = row.i64(4) != 0;
    entry.received = row.u64(5);
    entry.spent = row.u64(6);
    return entry;
}

}  // namespace

Status Store::insert_payments(const BlockRecords& records) {
    std::uint32_t position = 0;
    for (const PaymentRecord& payment : records.payments) {
        RETURN_IF_ERROR(database_
                            ->query("INSERT INTO payments (height, position, id, block, coinbase) "
                                    "VALUES (?, ?, ?, ?, ?)",
                                    records.height, position, payment.id, records.hash,
                                    payment.coinbase)
                            .run());
        for (const PaymentParty& party : payment.parties)
            RETURN_IF_ERROR(
                database_
                    ->query("INSERT INTO parties (key, height, position, received, spent) "
                            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (key, height, position) "
                            "DO UPDATE SET received = received + excluded.received, "
                            "spent = spent + excluded.spent",
                            party.key, records.height, position, party.received, party.spent)
                    .run());
        ++position;
    }
    return ok_status();
}

Result<PaymentPlace> Store::payment(const Hash256& id) const {
    const MutexLock lock(mutex_);
    Statement find =
        database_->query("SELECT height, block, position FROM payments WHERE id = ?", id);
    ASSIGN_OR_RETURN(const bool row, find.step());
    if (!row) return not_found("no payment " + short_hex(id) + " on the active chain");
    return PaymentPlace{find.u64(0), find.fixed<32>(1), find.u32(2)};
}

Result<std::vector<HistoryEntry>> Store::history(const crypto::PublicKey& key,
                                                 std::size_t max) const {
    std::vector<HistoryEntry> found;
    const MutexLock lock(mutex_);
    Statement rows = database_->query(
        entries("ORDER BY parties.height DESC, parties.position DESC LIMIT ?").c_str(), key, max);
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, rows.step());
        if (!row) return found;
        found.push_back(entry_of(rows));
    }
}

Result<std::optional<HistoryEntry>> Store::first_received(const crypto::PublicKey& key) const {
    const MutexLock lock(mutex_);
    Statement rows = database_->query(
        entries("AND parties.received > 0 ORDER BY parties.height, parties.position LIMIT 1")
            .c_str(),
        key);
    ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return std::optional<HistoryEntry>();
    return std::optional(entry_of(rows));
}

Result<Earnings> Store::earnings(const crypto::PublicKey& key) const {
    const MutexLock lock(mutex_);
    // Position 0 of a block is its coinbase.
    Statement find = database_->query(
        "SELECT (SELECT COALESCE(SUM(received), 0) FROM parties WHERE key = ? AND position = 0), "
        "(SELECT COUNT(*) FROM contributions WHERE contributor = ? AND merged = 1)",
        key, key);
    ASSIGN_OR_RETURN(const bool row, find.step());
    CHECK(row);
    return Earnings{find.u64(0), find.u64(1)};
}

}  // namespace cairn::store
