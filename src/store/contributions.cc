#include "store/int128_text.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

// A macro, because only literals can be joined to the literals of the queries.
#define CAIRN_CONTRIBUTION_COLUMNS                                                        \
    "commitment, block, contributor, round, height, merged, reason, score, norm, worth, " \
    "worth_reference, reward"

Result<std::vector<ContributionRecord>> read_contributions(Statement& rows) {
    std::vector<ContributionRecord> found;
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, rows.step());
        if (!row) return found;
        ContributionRecord record;
        record.commitment_id = rows.fixed<32>(0);
        record.block = rows.fixed<32>(1);
        record.contributor = rows.fixed<32>(2);
        record.round = rows.u64(3);
        record.height = rows.u64(4);
        record.merged = rows.i64(5) != 0;
        record.reason = rows.text(6);
        ASSIGN_OR_RETURN(record.score, int128_from_decimal(rows.text(7)));
        record.norm = rows.u64(8);
        ASSIGN_OR_RETURN(record.worth, int128_from_decimal(rows.text(9)));
        ASSIGN_OR_RETURN(record.worth_reference, int128_from_decimal(rows.text(10)));
        record.reward = rows.u64(11);
        found.push_back(std::move(record));
    }
}

}  // namespace

Status Store::insert_contribution(const ContributionRecord& record) {
    const std::string score = to_decimal(record.score);
    const std::string worth = to_decimal(record.worth);
    const std::string reference = to_decimal(record.worth_reference);
    // A contribution that was refused before may be merged now, on another branch or by another
    // miner: its record of being in no block goes.
    RETURN_IF_ERROR(database_
                        ->query("DELETE FROM contributions WHERE commitment = ? AND block = ?",
                                record.commitment_id, Hash256{})
                        .run());
    return database_
        ->query("INSERT OR REPLACE INTO contributions (" CAIRN_CONTRIBUTION_COLUMNS
                ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                record.commitment_id, record.block, record.contributor, record.round, record.height,
                record.merged, record.reason, score, record.norm, worth, reference, record.reward)
        .run();
}

Status Store::put_refused(const ContributionRecord& record) {
    RETURN_IF_ERROR(refuse_if_read_only());
    ContributionRecord refused = record;
    refused.block = Hash256{};
    refused.merged = false;
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(*database_));
    {
        Statement merged =
            database_->query("SELECT 1 FROM contributions WHERE commitment = ? AND merged = 1",
                             record.commitment_id);
        ASSIGN_OR_RETURN(const bool row, merged.step());
        if (row) return ok_status();
    }
    RETURN_IF_ERROR(insert_contribution(refused));
    RETURN_IF_ERROR(database_
                        ->query("DELETE FROM contributions WHERE block = ? AND number <= "
                                "(SELECT number FROM contributions WHERE block = ? "
                                "ORDER BY number DESC LIMIT 1 OFFSET ?)",
                                Hash256{}, Hash256{}, kMaxRefused)
                        .run());
    return transaction->commit();
}

Result<std::vector<ContributionRecord>> Store::contributions(const Hash256& id,
                                                             std::size_t max) const {
    const MutexLock lock(mutex_);
    Statement rows =
        database_->query("SELECT " CAIRN_CONTRIBUTION_COLUMNS
                         " FROM contributions WHERE commitment = ? OR contributor = ? OR block = ? "
                         "ORDER BY number DESC LIMIT ?",
                         id, id, id, max);
    return read_contributions(rows);
}

Result<std::vector<ContributionRecord>> Store::contributions_at(std::uint64_t height,
                                                                std::size_t max) const {
    const MutexLock lock(mutex_);
    Statement rows = database_->query("SELECT " CAIRN_CONTRIBUTION_COLUMNS
                                      " FROM contributions WHERE height = ? "
                                      "ORDER BY merged DESC, number LIMIT ?",
                                      height, max);
    return read_contributions(rows);
}

Result<std::vector<Hash256>> Store::find_by_prefix(std::string_view prefix, std::size_t max) const {
    constexpr std::size_t kDigits = 2 * Hash256::kSize;
    if (prefix.size() < 4 || prefix.size() > kDigits)
        return invalid("give 4 to 64 hexadecimal digits of the name");
    const std::string rest(kDigits - prefix.size(), '0');
    std::string last_rest = rest;
    for (char& digit : last_rest) digit = 'f';
    ASSIGN_OR_RETURN(const Hash256 first, fixed_from_hex<32>(std::string(prefix) + rest));
    ASSIGN_OR_RETURN(const Hash256 last, fixed_from_hex<32>(std::string(prefix) + last_rest));
    std::vector<Hash256> found;
    const MutexLock lock(mutex_);
    Statement rows = database_->query(
        "SELECT commitment FROM contributions WHERE commitment BETWEEN ?1 AND ?2 "
        "UNION SELECT contributor FROM contributions WHERE contributor BETWEEN ?1 AND ?2 "
        "UNION SELECT hash FROM headers WHERE hash BETWEEN ?1 AND ?2 "
        "UNION SELECT id FROM payments WHERE id BETWEEN ?1 AND ?2 LIMIT ?3",
        first, last, max);
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, rows.step());
        if (!row) return found;
        found.push_back(rows.fixed<32>(0));
    }
}

}  // namespace cairn::store
