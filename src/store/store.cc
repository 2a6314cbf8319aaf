#include "store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/files.h"
#include "base/log.h"
#include "base/shell_word.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace cairn::store {

namespace {

// The lock is held while the store is open; if the process is killed, the kernel frees it.
Result<int> lock_directory(const std::string& directory) {
    const std::string path = directory + "/store.lock";
    // Who may open it may lock it.
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return file_error("cannot create " + path);
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
    const int reason = errno;
    ::close(file);
    if (reason == EWOULDBLOCK)
        return Error{ErrorCode::kRefused, "another cairn node is using " + directory +
                                              ": stop it, or give this one its own --dir"};
    return io_error("cannot lock " + path + ": " + std::generic_category().message(reason));
}

// A write that a crash interrupted leaves NAME.tmp behind, which for a snapshot is large.
void remove_unfinished(const std::string& folder) {
    const auto names = list_folder(folder);
    if (!names.ok()) return;  // no folder yet
    for (const std::string& name : *names)
        if (name.ends_with(".tmp")) (void)remove_file(folder + "/" + name);
}

}  // namespace

Store::Store() = default;

Store::~Store() {
    database_.reset();
    if (lock_file_ >= 0) ::close(lock_file_);
}

Result<std::unique_ptr<Store>> Store::open_database(const std::string& path, Disk* disk,
                                                    StoreOptions options) {
    std::unique_ptr<Store> store(new Store);
    store->options_ = options;
    store->disk_ = disk;
    if (path != ":memory:") {
        const std::string directory = folder_of(path);
        if (options.read_only) {
            ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
            if (kind == FileKind::kNone)
                return not_found("there is no chain in " + directory +
                                 ": start `cairn node --dir " + shell_word(directory) + "` first");
        } else {
            RETURN_IF_ERROR(make_private_folder(directory));
            if (const std::string open = open_folder_warning(directory); !open.empty())
                log_warn("{}", open);
            ASSIGN_OR_RETURN(store->lock_file_, lock_directory(directory));
        }
    }
    ASSIGN_OR_RETURN(store->database_, Database::open(path, {options.durable, options.read_only,
                                                             options.busy_timeout_ms}));
    {
        const MutexLock lock(store->mutex_);
        RETURN_IF_ERROR(prepare_schema(*store->database_, options.read_only));
    }
    if (!options.read_only) RETURN_IF_ERROR(store->sweep_snapshots());
    return store;
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, StoreOptions options) {
    auto disk = std::make_unique<PosixDisk>(directory);
    ASSIGN_OR_RETURN(auto store, open_on(directory, *disk, options));
    if (!options.read_only) remove_unfinished(directory + "/snapshots");
    store->own_disk_ = std::move(disk);
    return store;
}

Result<std::unique_ptr<Store>> Store::open_on(const std::string& directory, Disk& disk,
                                              StoreOptions options) {
    return open_database(directory + "/chain.sqlite", &disk, options);
}

Result<std::unique_ptr<Store>> Store::in_memory(Disk& disk) {
    return open_database(":memory:", &disk, {.durable = false, .read_only = false});
}

Status Store::refuse_if_read_only() const {
    if (!options_.read_only) return ok_status();
    return Error{ErrorCode::kRefused, "the store was opened for reading only"};
}

Status Store::bind_network(const Hash256& genesis_id) {
    auto known = network();
    if (known.ok()) {
        if (*known == genesis_id) return ok_status();
        return Error{ErrorCode::kRefused, "this directory holds the chain of network " +
                                              short_hex(*known) + ", not of " +
                                              short_hex(genesis_id) + ": give another --dir"};
    }
    if (known.error().code != ErrorCode::kNotFound) return known.error();
    RETURN_IF_ERROR(refuse_if_read_only());
    const MutexLock lock(mutex_);
    return database_->query("INSERT INTO meta (key, value) VALUES ('network', ?)", genesis_id)
        .run();
}

Result<Hash256> Store::network() const {
    const MutexLock lock(mutex_);
    Statement find = database_->query("SELECT value FROM meta WHERE key = 'network'");
    ASSIGN_OR_RETURN(const bool row, find.step());
    if (!row) return not_found("the store belongs to no network yet");
    return find.fixed<32>(0);
}

}  // namespace cairn::store
