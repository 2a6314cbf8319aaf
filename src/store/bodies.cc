#include "store/file_format.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

namespace {

// A folder for each two digits, so that no folder grows too large to work with. The digits are the
// last two, because proof of work makes the first ones zeros.
std::string body_file(const Hash256& hash) {
    const std::string name = to_hex(hash);
    return "bodies/" + name.substr(name.size() - 2) + "/" + name;
}

}  // namespace

Status Store::put_body(const Hash256& hash, ByteView body) {
    RETURN_IF_ERROR(refuse_if_read_only());
    if (body.size() > kMaxBodyBytes) return invalid("a block body that is too long");
    RETURN_IF_ERROR(header(hash));
    RETURN_IF_ERROR(write_checked(*disk_, body_file(hash), FileKind::kBody, body));
    const MutexLock lock(mutex_);
    return database_
        ->query("UPDATE headers SET status = ? WHERE hash = ? AND status = ?",
                static_cast<int>(BlockStatus::kBody), hash, static_cast<int>(BlockStatus::kHeader))
        .run();
}

Result<Bytes> Store::body(const Hash256& hash) const {
    return read_checked(*disk_, body_file(hash), FileKind::kBody, kMaxBodyBytes);
}

bool Store::has_body(const Hash256& hash) const { return disk_->exists(body_file(hash)); }

Status Store::discard_body(const Hash256& hash) {
    RETURN_IF_ERROR(refuse_if_read_only());
    {
        // The database first: it must never promise a file that is gone.
        const MutexLock lock(mutex_);
        RETURN_IF_ERROR(database_
                            ->query("UPDATE headers SET status = ? WHERE hash = ? AND status = ?",
                                    static_cast<int>(BlockStatus::kHeader), hash,
                                    static_cast<int>(BlockStatus::kBody))
                            .run());
    }
    const Status removed = disk_->remove(body_file(hash));
    if (!removed.ok() && removed.error().code != ErrorCode::kNotFound) return removed;
    return ok_status();
}

}  // namespace cairn::store
