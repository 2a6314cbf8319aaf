#include "formats/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>

#include <fmt/core.h>

#include "base/files.h"
#include "base/foreign_file.h"

namespace cairn::formats {

// Floats are read straight into memory.
static_assert(std::endian::native == std::endian::little);

Status Source::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset > size() || out.size() > size() - offset)
        return invalid(fmt::format("{} ends too early: wants {} bytes at {}, has {} in all", name(),
                                   out.size(), offset, size()));
    return read_within(offset, out);
}

Status Source::read_floats(std::uint64_t offset, std::span<float> out) const {
    return read(offset, {reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()});
}

Result<Bytes> Source::head(std::size_t size_wanted) const {
    Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size_wanted, size())));
    RETURN_IF_ERROR(read(0, bytes));
    return bytes;
}

Result<FileSource> FileSource::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const int code = errno;
        return Error{
            code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
            "cannot open " + with_lost_target(path) + ": " + std::generic_category().message(code)};
    }
    FileSource source(path, fd);
    struct stat info {};
    if (::fstat(fd, &info) != 0) return file_error("cannot read " + path);
    if (!S_ISREG(info.st_mode)) return not_a_file(path, info.st_mode);
    source.size_ = static_cast<std::uint64_t>(info.st_size);
    RETURN_IF_ERROR(check_download(path));
    ASSIGN_OR_RETURN(const Bytes head, source.head(kForeignHead));
    RETURN_IF_ERROR(check_foreign(path, head, source.size_));
    return source;
}

FileSource::~FileSource() {
    if (fd_ >= 0) ::close(fd_);
}

FileSource::FileSource(FileSource&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

FileSource& FileSource::operator=(FileSource&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    std::swap(size_, other.size_);
    return *this;
}

Status FileSource::read_within(std::uint64_t offset, std::span<std::uint8_t> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got =
            ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return io_error("short read of " + path_);
        done += static_cast<std::size_t>(got);
    }
    return ok_status();
}

Status MemorySource::read_within(std::uint64_t offset, std::span<std::uint8_t> out) const {
    const ByteView from = bytes_.subspan(static_cast<std::size_t>(offset), out.size());
    std::copy(from.begin(), from.end(), out.begin());
    return ok_status();
}

}  // namespace cairn::formats
