#include "base/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/files.h"

namespace cairn {

namespace fs = std::filesystem;

namespace {

// Closes its descriptor on every way out.
struct File {
    int fd;
    ~File() {
        if (fd >= 0) ::close(fd);
    }
};

Status write_all(int fd, ByteView bytes, const std::string& path) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
        if (wrote < 0) {
            if (errno == EINTR) continue;
            return file_error("cannot write " + path);
        }
        done += static_cast<std::size_t>(wrote);
    }
    return ok_status();
}

// A new folder is on disk for good only once the folder above it has been synced too.
Status make_folder(const fs::path& folder) {
    std::error_code failure;
    if (folder.empty() || fs::is_directory(folder, failure)) return ok_status();
    RETURN_IF_ERROR(make_folder(folder.parent_path()));
    fs::create_directory(folder, failure);
    if (failure == std::errc::file_exists)
        return io_error(folder.string() + " is no folder: choose another, or move it away");
    if (failure) {
        errno = failure.value();
        return file_error("cannot create " + folder.string());
    }
    const fs::path above = folder.parent_path();
    return sync_folder(above.empty() ? "." : above.string());
}

// The kernel gives the lock up with the last descriptor of the open file.
class PosixLock final : public DiskLock {
  public:
    explicit PosixLock(int fd) : file_{fd} {}

  private:
    File file_;
};

class MemoryLock final : public DiskLock {
  public:
    MemoryLock(std::shared_ptr<std::set<std::string>> locked, std::string name)
        : locked_(std::move(locked)), name_(std::move(name)) {}
    ~MemoryLock() override { locked_->erase(name_); }

  private:
    std::shared_ptr<std::set<std::string>> locked_;
    std::string name_;
};

}  // namespace

Result<Bytes> PosixDisk::read(const std::string& name, std::size_t max_bytes) const {
    return read_file(root_ + "/" + name, max_bytes);
}

Status PosixDisk::write_atomic(const std::string& name, ByteView bytes) {
    return write(name, bytes, false);
}

Status PosixDisk::write_secret(const std::string& name, ByteView bytes) {
    return write(name, bytes, true);
}

Result<Bytes> PosixDisk::read_secret(const std::string& name, std::size_t max_bytes) const {
    const std::string path = root_ + "/" + name;
    RETURN_IF_ERROR(check_secret(path));
    return read(name, max_bytes);
}

Status PosixDisk::write(const std::string& name, ByteView bytes, bool secret) {
    const fs::path path = follow_links((fs::path(root_) / name).string());
    if (is_planted_link(path.string()))
        return refused(path.string() + " is a link of somebody else, and may lead anywhere");
    RETURN_IF_ERROR(make_folder(path.parent_path()));
    // A rename would put a file in the place of a device or pipe that a link leads to.
    struct stat there {};
    if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
        return not_a_file(path.string(), there.st_mode);
    const std::string temporary = path.string() + ".tmp";
    // One that a crash left behind may be readable by everybody.
    ::unlink(temporary.c_str());
    {
        const File file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                               secret ? 0600 : 0644)};
        if (file.fd < 0) return file_error("cannot create " + temporary);
        const Status written = write_all(file.fd, bytes, temporary);
        if (!written.ok() || ::fsync(file.fd) != 0) {
            const Error error =
                written.ok() ? file_error("cannot sync " + temporary) : written.error();
            ::unlink(temporary.c_str());
            return error;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const Error error = file_error("cannot replace " + path.string());
        ::unlink(temporary.c_str());
        return error;
    }
    const fs::path folder = path.parent_path();
    return sync_folder(folder.empty() ? "." : folder.string());
}

Status PosixDisk::remove(const std::string& name) {
    const std::string path = root_ + "/" + name;
    if (::unlink(path.c_str()) != 0) return file_error("cannot remove " + path);
    return ok_status();
}

bool PosixDisk::exists(const std::string& name) const {
    std::error_code failure;
    return fs::is_regular_file(fs::path(root_) / name, failure);
}

std::vector<std::string> PosixDisk::list(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(fs::path(root_) / folder, failure)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file(failure) && !name.ends_with(".tmp")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::unique_ptr<DiskLock>> PosixDisk::lock(const std::string& name, bool wait) {
    const fs::path path = fs::path(root_) / name;
    RETURN_IF_ERROR(make_folder(path.parent_path()));
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return file_error("cannot open " + path.string());
    auto lock = std::make_unique<PosixLock>(fd);
    while (::flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
        if (errno == EINTR) continue;
        if (errno == EWOULDBLOCK)
            return Error{ErrorCode::kRefused, path.string() + " is held by another program"};
        return file_error("cannot lock " + path.string());
    }
    return std::unique_ptr<DiskLock>(std::move(lock));
}

Result<std::unique_ptr<DiskLock>> MemoryDisk::lock(const std::string& name, bool) {
    if (!locked_->insert(name).second)
        return Error{ErrorCode::kRefused, name + " is held by another program"};
    return std::unique_ptr<DiskLock>(std::make_unique<MemoryLock>(locked_, name));
}

Result<Bytes> MemoryDisk::read(const std::string& name, std::size_t max_bytes) const {
    const auto found = files_.find(name);
    if (found == files_.end()) return not_found("no file " + name);
    if (found->second.size() > max_bytes) return Error{ErrorCode::kFull, name + " is too large"};
    return found->second;
}

Status MemoryDisk::write_atomic(const std::string& name, ByteView bytes) {
    if (full_) return Error{ErrorCode::kFull, "cannot write " + name + ": no space left"};
    files_[name] = Bytes(bytes.begin(), bytes.end());
    return ok_status();
}

Status MemoryDisk::remove(const std::string& name) {
    if (files_.erase(name) == 0) return not_found("no file " + name);
    return ok_status();
}

bool MemoryDisk::exists(const std::string& name) const { return files_.contains(name); }

std::vector<std::string> MemoryDisk::list(const std::string& folder) const {
    const std::string prefix = folder + "/";
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_)
        if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos)
            names.push_back(name.substr(prefix.size()));
    return names;
}

void MemoryDisk::flip_bit(const std::string& name, std::size_t bit) {
    Bytes& bytes = files_.at(name);
    CHECK(bit / 8 < bytes.size());
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
}

}  // namespace cairn
