// The store: everything a node must find again after kill -9. Headers, the tip, and what is known
// about blocks live in one SQLite file (WAL; synchronous FULL when durable); bodies and snapshots
// of the state are plain files beside it, each with a checksum. Two things keep it safe: a file is
// complete before the database names it, and everything that one step of the chain changes is one
// transaction. A crash therefore leaves the state before a step or the state after it; and a
// flipped bit or a short read is an error, never a wrong state.
//
// A step of the chain:  put_body(hash, bytes) ... advance_tip(change) ... now and then
// put_snapshot(height, hash, state). A start: tip(), snapshots(), then it replays the bodies
// between them.
//
// Calls are safe from any thread. Files: FORMAT.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/mutex.h"
#include "store/records.h"

namespace cairn::store {

inline constexpr std::size_t kMaxHeaderBytes = 1024;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{256} << 20;
/// Of a state: what the largest model that a payload can carry takes with its window of merges
/// (worth::kMaxSavedBytes), and coins.
inline constexpr std::size_t kMaxSnapshotBytes = std::size_t{128} << 30;
inline constexpr std::size_t kMaxModelBytes = std::size_t{16} << 30;
inline constexpr std::size_t kKeptSnapshots = 3;
/// Records about contributions that are in no block; when there are more, the oldest go.
inline constexpr std::size_t kMaxRefused = 10'000;
inline constexpr std::size_t kMaxPeers = 1'000;
inline constexpr std::size_t kMaxSampleBytes = 16'384;

struct StoreOptions {
    /// false: SQLite does not wait for the disk (for simulations and tests that are never killed).
    bool durable = true;
    /// Looks at the directory of a node that may be running; every write is refused.
    bool read_only = false;
    /// How long a step waits while another program holds the database locked. The simulator, whose
    /// time stands still meanwhile, waits not at all.
    int busy_timeout_ms = 5'000;
};

class Database;

class Store {
  public:
    /// Opens or creates the store in a directory. kRefused when another process has it open for
    /// writing; kUnsupported when a newer version wrote it; kNotFound for read_only without one.
    static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                               StoreOptions options = {});
    /// A store whose database is in memory and whose files are on `disk` (which must outlive it).
    static Result<std::unique_ptr<Store>> in_memory(Disk& disk);
    /// The database in `directory`, the files on `disk`: for tests of failing disks.
    static Result<std::unique_ptr<Store>> open_on(const std::string& directory, Disk& disk,
                                                  StoreOptions options = {});
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// The first call remembers the network; later ones refuse another (kRefused).
    Status bind_network(const Hash256& genesis_id);
    /// kNotFound before bind_network.
    Result<Hash256> network() const;

    // Headers and bodies (headers.cc, bodies.cc).

    /// Adds headers in one transaction; known ones stay as they are.
    Status add_headers(std::span<const HeaderRecord> headers);
    Status add_header(const HeaderRecord& header) { return add_headers({&header, 1}); }
    Result<HeaderRecord> header(const Hash256& hash) const;
    /// All headers in the order in which they arrived. `visit` must not call the store.
    Status for_each_header(const std::function<void(const HeaderRecord&)>& visit) const;
    /// Marks a block as breaking a rule. The caller marks its descendants.
    Status mark_invalid(const Hash256& hash, const std::string& reason);

    /// Writes the body, then says so in the header's status. kNotFound without the header.
    Status put_body(const Hash256& hash, ByteView body);
    /// The body as it was put; kNotFound if there is none, kIo if the file is damaged.
    Result<Bytes> body(const Hash256& hash) const;
    bool has_body(const Hash256& hash) const;
    /// Forgets a damaged or pruned body, so that it can be fetched again.
    Status discard_body(const Hash256& hash);

    // The active chain (chain.cc).

    /// nullopt before the first advance_tip.
    Result<std::optional<TipRecord>> tip() const;
    /// In one transaction: the records of disconnected blocks go, those of connected ones come,
    /// connected blocks become kValid, the tip moves.
    Status advance_tip(const TipChange& change);
    /// The block of the active chain at a height; kNotFound above the tip.
    Result<Hash256> active_block(std::uint64_t height) const;

    // Snapshots of the state after a block (snapshots.cc).

    /// Writes the file, then the row, then removes all but the newest kKeptSnapshots.
    Status put_snapshot(std::uint64_t height, const Hash256& block, ByteView state);
    /// The one put last comes first. Includes those of blocks that have left the active chain.
    Result<std::vector<SnapshotRecord>> snapshots() const;
    /// kIo when the file is damaged: take the next older one.
    Result<Bytes> snapshot(const SnapshotRecord& which) const;

    // The model of one merge block, the best one (models.cc).

    /// Keeps a model's weights under the block, instead of those kept before.
    Status keep_model(std::uint64_t height, const Hash256& block, ByteView weights);
    /// kNotFound if it is not the block whose model is kept, kIo if the file is damaged.
    Result<Bytes> kept_model(std::uint64_t height, const Hash256& block) const;

    // What is known about blocks (merges.cc, contributions.cc, payments.cc).

    /// Merge blocks of the active chain from a height on, ascending.
    Result<std::vector<MergeRecord>> merges(std::uint64_t from_height, std::size_t max) const;
    /// The one with the lowest report loss, the earlier of two equal ones; nullopt where none is
    /// known.
    Result<std::optional<MergeRecord>> best_merge() const;
    /// What takes time to compute and comes after the block.
    /// Nats per token; where there are several report texts their losses too, `by_source`.
    Status set_report_loss(const Hash256& block, double loss,
                           std::span<const double> by_source = {});
    Status set_sample(const Hash256& block, std::string_view text);

    /// Remembers why a contribution is in no block (at most kMaxRefused of them). A later record of
    /// the same commitment replaces it; once a block of the active chain has merged it, the call
    /// does nothing.
    Status put_refused(const ContributionRecord& record);
    /// Records of a commitment, of a contributor, or in a block: whichever the hash names; newest
    /// first.
    Result<std::vector<ContributionRecord>> contributions(const Hash256& id, std::size_t max) const;
    /// Those aimed at a merge height, merged ones first.
    Result<std::vector<ContributionRecord>> contributions_at(std::uint64_t height,
                                                             std::size_t max) const;
    /// Commitments, contributors, blocks and payments whose hexadecimal name begins with `prefix`
    /// (at least 4 digits): for people who type.
    Result<std::vector<Hash256>> find_by_prefix(std::string_view prefix, std::size_t max) const;

    Result<PaymentPlace> payment(const Hash256& id) const;
    /// Newest first.
    Result<std::vector<HistoryEntry>> history(const crypto::PublicKey& key, std::size_t max) const;
    /// The first payment by which the key received something, however many came after it.
    Result<std::optional<HistoryEntry>> first_received(const crypto::PublicKey& key) const;

    Result<Earnings> earnings(const crypto::PublicKey& key) const;

    // Peers (peers.cc).

    /// Adds a peer or replaces the one of its address; above kMaxPeers the longest unseen goes.
    Status put_peer(const PeerRecord& peer);
    /// Latest seen first.
    Result<std::vector<PeerRecord>> peers() const;

  private:
    Store();
    static Result<std::unique_ptr<Store>> open_database(const std::string& path, Disk* disk,
                                                        StoreOptions options);
    Status refuse_if_read_only() const;
    Status sweep_snapshots();
    Status disconnect(const Hash256& hash) REQUIRES(mutex_);
    Status connect(const BlockRecords& records) REQUIRES(mutex_);
    Status insert_payments(const BlockRecords& records) REQUIRES(mutex_);
    Status insert_merge(const MergeRecord& merge) REQUIRES(mutex_);
    Status insert_contribution(const ContributionRecord& record) REQUIRES(mutex_);

    StoreOptions options_;
    std::unique_ptr<Disk> own_disk_;
    Disk* disk_ = nullptr;
    int lock_file_ = -1;
    mutable Mutex mutex_;  // of the database; never held while a file of disk_ is read or written
    std::unique_ptr<Database> database_ PT_GUARDED_BY(mutex_);
};

}  // namespace cairn::store
