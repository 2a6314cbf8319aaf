// The tables of the store's database and how older versions become the present one.
#pragma once

#include "store/sqlite.h"

namespace cairn::store {

/// The version of the tables, kept in SQLite's user_version. Whoever raises it adds a step in
/// schema.cc.
inline constexpr std::int64_t kSchemaVersion = 2;

/// Brings the database to kSchemaVersion, one transaction per step. kUnsupported when a newer
/// program wrote it; with `read_only`, also when it is older.
Status prepare_schema(Database& database, bool read_only);

}  // namespace cairn::store
