#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/disk.h"
#include "base/foreign_file.h"
#include "base/shell_word.h"

namespace cairn {

namespace fs = std::filesystem;

namespace {

constexpr int kMaxLinks = 40;  // as many as Linux follows

const char* advice_for(const std::error_code& code) {
    if (code == std::errc::no_space_on_device || code.value() == EDQUOT)
        return "; make room on the disk";
    if (code == std::errc::permission_denied || code == std::errc::operation_not_permitted ||
        code == std::errc::read_only_file_system)
        return "; give your account leave to use it, or name another place";
    return "";
}

Error failed(const std::string& what, const std::error_code& code) {
    const bool full = code == std::errc::no_space_on_device || code.value() == EDQUOT ||
                      code == std::errc::file_too_large;
    const bool absent = code == std::errc::no_such_file_or_directory;
    return Error{full     ? ErrorCode::kFull
                 : absent ? ErrorCode::kNotFound
                          : ErrorCode::kIo,
                 what + ": " + code.message() + advice_for(code)};
}

Status done_unless(const std::error_code& code, const std::string& what) {
    if (code) return failed(what, code);
    return ok_status();
}

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

Error file_error(const std::string& what) {
    return failed(what, std::error_code(errno, std::generic_category()));
}

Error not_a_file(const std::string& path, unsigned mode) {
    if (S_ISDIR(mode)) return io_error(path + " is a folder; name a file in it");
    if (S_ISFIFO(mode) || S_ISSOCK(mode))
        return io_error(path + " is a pipe; write what comes out of it to a file, and name that");
    return io_error(path + " is a device, not a file");
}

Status sync_folder(const std::string& path) {
    const Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder.fd < 0 || ::fsync(folder.fd) != 0) return file_error("cannot sync " + path);
    return ok_status();
}

Result<FileKind> file_kind(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return FileKind::kNone;
        return file_error("cannot look at " + path);
    }
    if (S_ISREG(info.st_mode)) return FileKind::kFile;
    return S_ISDIR(info.st_mode) ? FileKind::kFolder : FileKind::kOther;
}

bool is_file(const std::string& path) {
    const auto kind = file_kind(path);
    return kind.ok() && *kind == FileKind::kFile;
}

bool is_folder(const std::string& path) {
    const auto kind = file_kind(path);
    return kind.ok() && *kind == FileKind::kFolder;
}

bool exists(const std::string& path) {
    const auto kind = file_kind(path);
    return kind.ok() && *kind != FileKind::kNone;
}

bool same_file(const std::string& a, const std::string& b) {
    struct stat first {};
    struct stat second {};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

Result<std::string> absolute_path(const std::string& path) {
    std::error_code code;
    const fs::path absolute = fs::absolute(path, code);
    if (code) return failed("cannot find the folder that " + path + " is in", code);
    return absolute.lexically_normal().string();
}

bool is_planted_link(const std::string& path) {
    struct stat link {};
    struct stat folder {};
    if (::lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return false;
    if (::stat(folder_of(path).c_str(), &folder) != 0) return false;
    const bool for_all = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
    return for_all && link.st_uid != ::geteuid() && link.st_uid != folder.st_uid;
}

std::string follow_links(const std::string& path) {
    std::string at = path;
    for (int i = 0; i < kMaxLinks; ++i) {
        if (is_planted_link(at)) return at;
        std::error_code code;
        const fs::path target = fs::read_symlink(at, code);
        if (code) return at;
        at = target.is_absolute() ? target.string() : folder_of(at) + "/" + target.string();
    }
    return path;  // a ring of links: opening it will fail with that reason
}

std::string with_lost_target(const std::string& path) {
    const std::string target = follow_links(path);
    return target == path || exists(target)
               ? path
               : path + " (a link to " + target + ", which is not there)";
}

Status check_no_lost_link(const std::string& path) {
    const std::string shown = with_lost_target(path);
    if (shown == path) return ok_status();
    return Error{ErrorCode::kRefused, shown + ": bring that back, or remove the link"};
}

Result<Bytes> read_file(const std::string& path, std::size_t max_bytes) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.fd < 0) {
        const std::error_code code(errno, std::generic_category());
        return failed("cannot open " + with_lost_target(path), code);
    }
    struct stat info {};
    if (::fstat(file.fd, &info) != 0) return file_error("cannot read " + path);
    if (!S_ISREG(info.st_mode)) return not_a_file(path, info.st_mode);
    if (static_cast<std::uint64_t>(info.st_size) > max_bytes)
        return Error{ErrorCode::kFull,
                     path + " is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
    Bytes bytes(static_cast<std::size_t>(info.st_size));
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::read(file.fd, bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error("cannot read " + path);
        if (got == 0) return io_error(path + " became shorter while it was read");
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

Status check_secret(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return file_error("cannot open " + path);
    if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return ok_status();
    return Error{ErrorCode::kRefused, path + " holds a secret and others can open it; make it " +
                                          "yours alone: chmod 600 " + path};
}

Result<std::string> read_text_file(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxTextBytes));
    RETURN_IF_ERROR(check_text(path, bytes));
    return std::string(as_text(bytes));
}

Status write_file(const std::string& path, ByteView bytes) {
    return PosixDisk(folder_of(path)).write_atomic(name_of(path), bytes);
}

Result<std::uint64_t> file_size(const std::string& path) {
    std::error_code code;
    const std::uintmax_t size = fs::file_size(path, code);
    if (code) return failed("cannot look at " + path, code);
    return static_cast<std::uint64_t>(size);
}

Result<std::int64_t> changed_at_s(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return file_error("cannot look at " + path);
    return static_cast<std::int64_t>(about.st_mtime);
}

Status make_folders(const std::string& path) {
    std::error_code code;
    fs::create_directories(path, code);
    return done_unless(code, "cannot make the folder " + path);
}

std::string open_folder_warning(const std::string& folder) {
    std::error_code code;
    fs::path at = fs::canonical(folder, code);
    if (code) return "";
    for (; at.has_relative_path(); at = at.parent_path())
        if ((fs::status(at, code).permissions() & fs::perms::others_exec) == fs::perms::none)
            return "";
    return "every user of this machine may enter " + folder +
           ", and hold up what is locked there: chmod 700 " + shell_word(folder);
}

Status make_private_folder(const std::string& path) {
    std::string folder = path;
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    if (exists(folder)) return make_folders(folder);
    RETURN_IF_ERROR(make_folders(folder_of(folder)));
    if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        return file_error("cannot make the folder " + folder);
    return make_folders(folder);  // unless it was no folder that somebody made meanwhile
}

Result<std::string> make_temporary_folder(const std::string& prefix) {
    std::error_code code;
    const fs::path place = fs::temp_directory_path(code);
    if (code) return failed("there is no place for temporary files (TMPDIR)", code);
    std::string pattern = (place / (prefix + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) return file_error("cannot make a folder " + pattern);
    return pattern;
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
    std::vector<std::string> names;
    std::error_code code;
    fs::directory_iterator entry(path, code);
    if (code) return failed("cannot list " + path, code);
    for (; entry != fs::directory_iterator(); entry.increment(code)) {
        names.push_back(entry->path().filename().string());
        if (code) return failed("cannot list " + path, code);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Status copy_tree(const std::string& from, const std::string& to) {
    std::error_code code;
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, code);
    return done_unless(code, "cannot copy " + from + " to " + to);
}

Status remove_file(const std::string& path) {
    std::error_code code;
    fs::remove(path, code);
    return done_unless(code, "cannot remove " + path);
}

Status remove_tree(const std::string& path) {
    std::error_code code;
    fs::remove_all(path, code);
    return done_unless(code, "cannot remove " + path);
}

Result<DiskSpace> disk_space(const std::string& path) {
    std::error_code code;
    const fs::space_info space = fs::space(path, code);
    if (code) return failed("cannot ask how full the disk of " + path + " is", code);
    return DiskSpace{space.capacity, space.available};
}

}  // namespace cairn
