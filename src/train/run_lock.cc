#include "train/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/files.h"
#include "base/text.h"

namespace cairn::train {

namespace {

constexpr int kTries = 10;

// Whether the path still names the opened file: the lock's last holder may just have removed it.
bool is_still(int fd, const std::string& path) {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

Error taken(int fd, const std::string& out) {
    std::array<char, 16> number{};
    const ssize_t got = ::pread(fd, number.data(), number.size(), 0);
    std::string who = got > 0 ? std::string(number.data(), static_cast<std::size_t>(got)) : "";
    while (who.ends_with('\n')) who.pop_back();
    const bool known = parse_whole(who, "it").ok();
    return Error{ErrorCode::kRefused, "another cairn train " +
                                          (known ? "(process " + who + ") " : "") + "is writing " +
                                          out + "; wait for it, or name another file"};
}

}  // namespace

Result<RunLock> RunLock::take(const std::string& out) {
    const std::string path = follow_links(out) + ".lock";
    for (int i = 0; i < kTries; ++i) {
        // Who may open it may lock it.
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return io_error("cannot write " + path + ": " + std::generic_category().message(errno));
        RunLock lock(path, fd);
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            const Error error = taken(fd, out);
            lock.fd_ = -1;
            ::close(fd);
            return error;
        }
        if (!is_still(fd, path)) {
            lock.fd_ = -1;
            ::close(fd);
            continue;
        }
        const std::string number = std::to_string(::getpid()) + "\n";
        if (::ftruncate(fd, 0) == 0) (void)!::write(fd, number.data(), number.size());
        return lock;
    }
    return Error{ErrorCode::kRefused, path + " keeps changing; is another cairn train starting?"};
}

RunLock::~RunLock() {
    if (fd_ < 0) return;
    ::unlink(path_.c_str());
    ::close(fd_);
}

}  // namespace cairn::train
