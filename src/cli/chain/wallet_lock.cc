#include "cli/chain/wallet_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.h"
#include "cli/chain/open_wallet.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kLookMs = 20;
constexpr std::uint64_t kSayAfterMs = 3'000;  // longer than any command without a prompt takes

}  // namespace

Result<WalletLock> WalletLock::take(const std::string& wallet_file, std::uint64_t patience_ms) {
    const std::string folder = folder_of(follow_links(wallet_file));
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // If the folder cannot be opened, reading the wallet will fail, too, and report the reason.
    WalletLock lock(descriptor);
    if (descriptor < 0) return lock;
    for (std::uint64_t waited_ms = 0; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0;
         waited_ms += kLookMs) {
        if (errno != EWOULDBLOCK && errno != EINTR) return lock;  // no locks on this file system
        if (waited_ms >= patience_ms)
            return Error{ErrorCode::kTimeout,
                         "another command is at work on " + wallet_file +
                             ", or waits for its password: end it, then try again; nothing was "
                             "done"};
        if (waited_ms == kSayAfterMs)
            say("another command is at work on " + wallet_file + ": waiting for it");
        ::usleep(kLookMs * 1000);
    }
    return lock;
}

WalletLock::WalletLock(WalletLock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

WalletLock& WalletLock::operator=(WalletLock&& other) noexcept {
    std::swap(folder_, other.folder_);
    return *this;
}

WalletLock::~WalletLock() {
    if (folder_ >= 0) ::close(folder_);
}

}  // namespace cairn::cli
