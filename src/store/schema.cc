#include "store/schema.h"

namespace cairn::store {

namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE headers (
    arrival  INTEGER PRIMARY KEY AUTOINCREMENT,
    hash     BLOB NOT NULL UNIQUE,
    previous BLOB NOT NULL,
    height   INTEGER NOT NULL,
    header   BLOB NOT NULL,
    work     BLOB NOT NULL,
    status   INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    reason   TEXT NOT NULL);

-- The active chain; its highest row is the tip.
CREATE TABLE active (height INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);

CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    height INTEGER NOT NULL,
    hash   BLOB NOT NULL UNIQUE);

CREATE TABLE contributions (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    commitment  BLOB NOT NULL,
    block       BLOB NOT NULL,
    contributor BLOB NOT NULL,
    round       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    merged      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    score       TEXT NOT NULL,
    norm        INTEGER NOT NULL,
    worth       TEXT NOT NULL,
    worth_reference TEXT NOT NULL,
    reward      INTEGER NOT NULL,
    UNIQUE (commitment, block));
CREATE INDEX contributions_by_contributor ON contributions (contributor);
CREATE INDEX contributions_by_block ON contributions (block);
CREATE INDEX contributions_by_height ON contributions (height);

CREATE TABLE merges (
    height INTEGER PRIMARY KEY,
    block  BLOB NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    report_loss REAL,
    judge_loss_before REAL,
    judge_loss_after REAL,
    contributions INTEGER NOT NULL,
    minted INTEGER NOT NULL,
    state_root BLOB NOT NULL,
    sample TEXT NOT NULL);

CREATE TABLE payments (
    height   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    id       BLOB NOT NULL UNIQUE,
    block    BLOB NOT NULL,
    coinbase INTEGER NOT NULL,
    PRIMARY KEY (height, position)) WITHOUT ROWID;

CREATE TABLE parties (
    key      BLOB NOT NULL,
    height   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    received INTEGER NOT NULL,
    spent    INTEGER NOT NULL,
    PRIMARY KEY (key, height, position)) WITHOUT ROWID;
CREATE INDEX parties_by_height ON parties (height);

CREATE TABLE peers (
    address TEXT PRIMARY KEY,
    key BLOB NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL) WITHOUT ROWID;

PRAGMA user_version = 1;
)sql";

constexpr const char* kVersion2 = R"sql(
-- Doubles, one for each source of the report text, where it has several.
ALTER TABLE merges ADD COLUMN source_losses BLOB NOT NULL DEFAULT x'';

PRAGMA user_version = 2;
)sql";

// kSteps[v] takes a database of version v to v + 1.
constexpr const char* kSteps[] = {kVersion1, kVersion2};
static_assert(std::size(kSteps) == kSchemaVersion);

Result<std::int64_t> version_of(Database& database) {
    Statement find = database.query("PRAGMA user_version");
    ASSIGN_OR_RETURN(const bool row, find.step());
    return row ? find.i64(0) : 0;
}

}  // namespace

Status prepare_schema(Database& database, bool read_only) {
    ASSIGN_OR_RETURN(std::int64_t version, version_of(database));
    if (version < 0 || version > kSchemaVersion)
        return Error{ErrorCode::kUnsupported,
                     "a newer version of cairn wrote this store (schema " +
                         std::to_string(version) + ", this program knows " +
                         std::to_string(kSchemaVersion) + "): update cairn"};
    if (read_only && version < kSchemaVersion)
        return Error{ErrorCode::kUnsupported,
                     "the store is of schema " + std::to_string(version) +
                         ": start `cairn node` on this directory once to bring it up to date"};
    for (; version < kSchemaVersion; ++version) {
        ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(database));
        RETURN_IF_ERROR(database.exec(kSteps[version]));
        RETURN_IF_ERROR(transaction->commit());
    }
    return ok_status();
}

}  // namespace cairn::store
