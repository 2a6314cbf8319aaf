#include "store/sqlite.h"
#include "store/store.h"

namespace cairn::store {

Status Store::put_peer(const PeerRecord& peer) {
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const auto transaction, Transaction::begin(*database_));
    RETURN_IF_ERROR(database_
                        ->query("INSERT OR REPLACE INTO peers (address, key, last_seen_ms, "
                                "failures) VALUES (?, ?, ?, ?)",
                                peer.address, peer.key, peer.last_seen_ms, peer.failures)
                        .run());
    RETURN_IF_ERROR(database_
                        ->query("DELETE FROM peers WHERE address IN (SELECT address FROM peers "
                                "ORDER BY last_seen_ms DESC, address LIMIT -1 OFFSET ?)",
                                kMaxPeers)
                        .run());
    return transaction->commit();
}

Result<std::vector<PeerRecord>> Store::peers() const {
    std::vector<PeerRecord> found;
    const MutexLock lock(mutex_);
    Statement rows = database_->query(
        "SELECT address, key, last_seen_ms, failures FROM peers "
        "ORDER BY last_seen_ms DESC, address");
    for (;;) {
        ASSIGN_OR_RETURN(const bool row, rows.step());
        if (!row) return found;
        PeerRecord peer;
        peer.address = rows.text(0);
        peer.key = rows.fixed<32>(1);
        peer.last_seen_ms = rows.u64(2);
        peer.failures = rows.u32(3);
        found.push_back(std::move(peer));
    }
}

}  // namespace cairn::store
