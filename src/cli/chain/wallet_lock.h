// Who may change a wallet's file. Two commands at once would give out one address twice, or make
// two wallets of which only the later is kept: the second waits for the first.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace cairn::cli {

class WalletLock {
  public:
    static constexpr std::uint64_t kPatienceMs = 60'000;

    /// Waits while another command has it; kTimeout after `patience_ms`. The lock lies on the
    /// file's folder, which must be there, and goes with the process that took it.
    static Result<WalletLock> take(const std::string& wallet_file,
                                   std::uint64_t patience_ms = kPatienceMs);

    WalletLock(WalletLock&& other) noexcept;
    WalletLock& operator=(WalletLock&& other) noexcept;
    ~WalletLock();

  private:
    explicit WalletLock(int folder) : folder_(folder) {}
    int folder_ = -1;
};

}  // namespace cairn::cli
