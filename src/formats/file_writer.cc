#include "formats/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/core.h>

#include "base/files.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr mode_t kMode = 0666;

// By errno.
Error failure(const std::string& what) {
    Error error = file_error(what);
    if (error.code == ErrorCode::kFull)
        error.message += "; nothing was left behind, free some room and run it again";
    return error;
}

std::string temporary_name(const std::string& path) {
    return fmt::format("{}.partial-{}", path, ::getpid());
}

}  // namespace

Status check_target(const std::string& path, Replace replace) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return ok_status();
    if (replace == Replace::kNo)
        return Error{ErrorCode::kRefused, path + " is already there; --force replaces it"};
    // stat() follows symbolic links.
    if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
        return Error{ErrorCode::kRefused, path + " is not a file, so it is not replaced"};
    return ok_status();
}

Result<std::unique_ptr<FileWriter>> FileWriter::create(const std::string& named,
                                                       std::uint64_t expected_bytes) {
    const std::string path = follow_links(named);
    if (is_planted_link(path))
        return refused(path + " is a link of somebody else, and may lead anywhere");
    const std::string folder = folder_of(path);
    std::string temporary;
    int fd = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
    if (fd < 0) {
        temporary = temporary_name(path);
        // What lies there is no file of ours, or one that a crash left behind.
        ::unlink(temporary.c_str());
        fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    }
    if (fd < 0) return failure("cannot write " + path);
    std::unique_ptr<FileWriter> writer(new FileWriter(named, path, fd, std::move(temporary)));
    if (expected_bytes > 0 &&
        ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(expected_bytes)) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return failure(
            fmt::format("{} needs {:.1f} MB", path, static_cast<double>(expected_bytes) / 1e6));
    return writer;
}

FileWriter::~FileWriter() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status FileWriter::write(ByteView bytes) {
    CHECK(!synced_);
    written_ += bytes.size();
    while (!bytes.empty()) {
        const std::size_t n = std::min(bytes.size(), kBufferBytes - buffer_.size());
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<long>(n));
        bytes = bytes.subspan(n);
        if (buffer_.size() == kBufferBytes) RETURN_IF_ERROR(flush());
    }
    return ok_status();
}

Status FileWriter::flush() {
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const ssize_t wrote = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failure("cannot write " + path_);
        done += static_cast<std::size_t>(wrote);
    }
    buffer_.clear();
    return ok_status();
}

Status FileWriter::sync() {
    if (synced_) return ok_status();
    RETURN_IF_ERROR(flush());
    if (::fsync(fd_) != 0) return failure("cannot write " + path_);
    synced_ = true;
    return ok_status();
}

Status FileWriter::commit(Replace replace) {
    RETURN_IF_ERROR(sync());
    RETURN_IF_ERROR(check_target(named_, replace));
    if (temporary_.empty()) {
        // A nameless file cannot replace another: it gets a name beside it first.
        const std::string own = fmt::format("/proc/self/fd/{}", fd_);
        const std::string name = temporary_name(path_);
        ::unlink(name.c_str());
        if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
            return failure("cannot name " + path_);
        temporary_ = name;
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("cannot name " + path_);
    temporary_.clear();
    return sync_folder(folder_of(path_));
}

}  // namespace cairn::formats
