// A thin wrapper of SQLite: a Database that keeps its prepared statements, a Statement that binds
// and reads our types, a Transaction that rolls back unless committed. Failures are Results: kFull
// for a full disk, kTimeout for another's lock, kRefused for writing to what is read-only,
// kNotFound for a file that cannot be opened, kIo for the rest.
//
//   Statement find = database.query("SELECT height FROM headers WHERE hash = ?", hash);
//   ASSIGN_OR_RETURN(bool row, find.step());
//   if (row) height = find.u64(0);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cairn::store {

class Database;

/// A query and its rows. The first step() returns errors of preparing and binding, too. Text and
/// blobs are bound without a copy: they must outlive the Statement.
class Statement {
  public:
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// True: a row is there to be read. False: done.
    Result<bool> step();
    /// For statements that give no rows.
    Status run();

    bool is_null(int column) const;
    std::int64_t i64(int column) const;
    std::uint64_t u64(int column) const { return static_cast<std::uint64_t>(i64(column)); }
    std::uint32_t u32(int column) const { return static_cast<std::uint32_t>(i64(column)); }
    double real(int column) const;
    std::optional<double> maybe_real(int column) const;
    /// Views into the row; valid until the next step().
    std::string_view text(int column) const;
    ByteView blob(int column) const;
    /// All zero when the blob has another size.
    template <std::size_t N>
    FixedBytes<N> fixed(int column) const {
        FixedBytes<N> value;
        const ByteView bytes = blob(column);
        if (bytes.size() == N) std::memcpy(value.data(), bytes.data(), N);
        return value;
    }

  private:
    friend class Database;
    Statement(Database& database, const char* sql);
    template <typename... Values>
    Statement(Database& database, const char* sql,
              const Values&... values) requires(sizeof...(values) > 0)
        : Statement(database, sql) {
        (bind_one(values), ...);
    }

    void bind_i64(std::int64_t value);
    void bind_one(std::int64_t value) { bind_i64(value); }
    void bind_one(std::uint64_t value) { bind_i64(static_cast<std::int64_t>(value)); }
    void bind_one(std::uint32_t value) { bind_i64(value); }
    void bind_one(int value) { bind_i64(value); }
    void bind_one(bool value) { bind_i64(value ? 1 : 0); }
    void bind_one(std::optional<double> value);
    void bind_one(std::string_view value);
    void bind_one(const std::string& value) { bind_one(std::string_view(value)); }
    void bind_one(const char* value) { bind_one(std::string_view(value)); }
    void bind_one(ByteView value);
    void bind_one(const Bytes& value) { bind_one(ByteView(value)); }
    template <std::size_t N>
    void bind_one(const FixedBytes<N>& value) {
        bind_one(value.view());
    }
    void note(int result);

    Database& database_;
    std::string sql_;
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
    std::optional<Error> failure_;
};

class Database {
  public:
    struct Options {
        bool durable = true;
        bool read_only = false;
        int busy_timeout_ms = 5'000;
    };
    /// `path` may be ":memory:".
    static Result<std::unique_ptr<Database>> open(const std::string& path, Options options);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs statements that take no values and give no rows.
    Status exec(const std::string& sql);
    /// Prepares (or takes from the cache) and binds the values in order.
    template <typename... Values>
    Statement query(const char* sql, const Values&... values) {
        return Statement(*this, sql, values...);
    }
    /// Rows changed by the latest statement.
    std::int64_t changes() const;

  private:
    friend class Statement;
    Database() = default;
    Result<sqlite3_stmt*> borrow(const std::string& sql);
    void give_back(const std::string& sql, sqlite3_stmt* statement);
    Error error(int result, const std::string& what) const;

    std::string path_;
    sqlite3* handle_ = nullptr;
    std::unordered_map<std::string, sqlite3_stmt*> idle_;
};

/// All of its statements or none. It takes the write lock when it begins, so that no later
/// statement has to wait for the lock.
class Transaction {
  public:
    static Result<std::unique_ptr<Transaction>> begin(Database& database);
    /// Rolls back what was not committed.
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    Status commit();

  private:
    explicit Transaction(Database& database) : database_(database) {}
    Database& database_;
    bool open_ = true;
};

}  // namespace cairn::store
