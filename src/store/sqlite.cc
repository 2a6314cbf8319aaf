#include "store/sqlite.h"

#include <sqlite3.h>

namespace cairn::store {

namespace {

ErrorCode kind_of(int result) {
    switch (result & 0xff) {
        case SQLITE_FULL:
            return ErrorCode::kFull;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorCode::kTimeout;
        case SQLITE_READONLY:
            return ErrorCode::kRefused;
        case SQLITE_CANTOPEN:
            return ErrorCode::kNotFound;
        default:
            return ErrorCode::kIo;
    }
}

}  // namespace

Statement::Statement(Database& database, const char* sql) : database_(database), sql_(sql) {
    auto statement = database_.borrow(sql_);
    if (statement.ok())
        statement_ = *statement;
    else
        failure_ = statement.error();
}

Statement::~Statement() {
    if (statement_ != nullptr) database_.give_back(sql_, statement_);
}

void Statement::note(int result) {
    if (result != SQLITE_OK && !failure_) failure_ = database_.error(result, "cannot bind " + sql_);
}

void Statement::bind_i64(std::int64_t value) {
    if (!failure_) note(sqlite3_bind_int64(statement_, ++bound_, value));
}

void Statement::bind_one(std::optional<double> value) {
    if (failure_) return;
    ++bound_;
    note(value ? sqlite3_bind_double(statement_, bound_, *value)
               : sqlite3_bind_null(statement_, bound_));
}

void Statement::bind_one(std::string_view value) {
    if (failure_) return;
    // The data of an empty view may be null, which SQLite would bind as NULL instead of ''.
    note(sqlite3_bind_text64(statement_, ++bound_, value.empty() ? "" : value.data(), value.size(),
                             SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_one(ByteView value) {
    if (failure_) return;
    ++bound_;
    note(value.empty()
             ? sqlite3_bind_zeroblob(statement_, bound_, 0)
             : sqlite3_bind_blob64(statement_, bound_, value.data(), value.size(), SQLITE_STATIC));
}

Result<bool> Statement::step() {
    if (failure_) return *failure_;
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    return database_.error(result, "the chain's database fails");
}

Status Statement::run() {
    ASSIGN_OR_RETURN(const bool row, step());
    CHECK(!row);
    return ok_status();
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::i64(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::optional<double> Statement::maybe_real(int column) const {
    if (is_null(column)) return std::nullopt;
    return real(column);
}

std::string_view Statement::text(int column) const {
    const ByteView bytes = blob(column);
    return as_text(bytes);
}

ByteView Statement::blob(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Options options) {
    std::unique_ptr<Database> database(new Database);
    database->path_ = path;
    const int flags =
        SQLITE_OPEN_NOMUTEX |
        (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    const int result = sqlite3_open_v2(path.c_str(), &database->handle_, flags, nullptr);
    if (result != SQLITE_OK) return database->error(result, "cannot open it");
    sqlite3_extended_result_codes(database->handle_, 1);
    sqlite3_busy_timeout(database->handle_, options.busy_timeout_ms);
    RETURN_IF_ERROR(database->exec("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"));
    if (!options.read_only) {
        RETURN_IF_ERROR(database->exec("PRAGMA journal_mode = WAL;"));
        RETURN_IF_ERROR(database->exec(options.durable ? "PRAGMA synchronous = FULL;"
                                                       : "PRAGMA synchronous = OFF;"));
    }
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

Status Database::exec(const std::string& sql) {
    const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) return error(result, "the chain's database fails");
    return ok_status();
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Result<sqlite3_stmt*> Database::borrow(const std::string& sql) {
    const auto found = idle_.find(sql);
    if (found != idle_.end()) {
        sqlite3_stmt* statement = found->second;
        idle_.erase(found);
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(handle_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                          &statement, nullptr);
    if (result != SQLITE_OK) return error(result, "cannot prepare " + sql);
    return statement;
}

void Database::give_back(const std::string& sql, sqlite3_stmt* statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    // If the same query ran twice at once (one in the loop over the other's rows), there are two
    // statements for it; one is enough.
    if (!idle_.emplace(sql, statement).second) sqlite3_finalize(statement);
}

Error Database::error(int result, const std::string& what) const {
    const char* reason = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(result);
    std::string message = path_ + ": " + what + ": " + reason;
    if ((result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB)
        message += "; the file is damaged: move it away, with " + path_ + "-wal if there is one, " +
                   "and start `cairn node`, which fetches the chain again (the wallet is a file " +
                   "of its own)";
    if ((result & 0xff) == SQLITE_FULL) message += "; make room on the disk";
    if ((result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED)
        message += "; another program holds it locked: end that program";
    if ((result & 0xff) == SQLITE_READONLY || (result & 0xff) == SQLITE_CANTOPEN ||
        (result & 0xff) == SQLITE_PERM)
        message += "; give your account leave to write to it and to its folder";
    return Error{kind_of(result), std::move(message)};
}

Result<std::unique_ptr<Transaction>> Transaction::begin(Database& database) {
    RETURN_IF_ERROR(database.exec("BEGIN IMMEDIATE;"));
    return std::unique_ptr<Transaction>(new Transaction(database));
}

Transaction::~Transaction() {
    // After some errors SQLite has rolled back by itself; a second rollback then fails harmlessly.
    if (open_) (void)database_.exec("ROLLBACK;");
}

Status Transaction::commit() {
    RETURN_IF_ERROR(database_.exec("COMMIT;"));
    open_ = false;
    return ok_status();
}

}  // namespace cairn::store
