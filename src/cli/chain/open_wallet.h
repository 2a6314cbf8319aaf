// The wallet file in a data directory, and where its password comes from: a file that only its
// owner can read, the environment variable CAIRN_WALLET_PASSWORD, or the terminal.
#pragma once

#include <string>

#include "cli/chain/wallet_lock.h"
#include "console/shown_stream.h"
#include "wallet/wallet.h"

namespace cairn::cli {

struct WalletFile {
    std::string directory;
    std::string name = "wallet.cairn";
    std::string password_file;  ///< empty: environment, else terminal
    bool no_password = false;
};

using console::say;

/// How much of a file is the secret.
enum class SecretIs { kFirstLine, kWholeText };
/// What a file with a secret holds, or its first line. kRefused for a file that group or others can
/// read; a pipe (/dev/fd/3) is fine.
Result<std::string> read_secret_text(const std::string& path, SecretIs secret_is);

/// A line from the terminal, which shows it as it is typed; else all of standard input.
Result<std::string> ask_for_words(const std::string& question);

/// kRefused if there is one: it is never overwritten.
Status check_no_wallet(const WalletFile& file);

/// A command that changes a wallet must take this lock before it reads the wallet.
Result<WalletLock> lock_wallet(const WalletFile& file);

/// What opening did to the file goes to standard error. The wallet keeps using a Disk of the
/// process's lifetime.
Result<wallet::Wallet> open_wallet(const WalletFile& file);
Result<wallet::Wallet> create_wallet(const WalletFile& file, const wallet::Origin& origin,
                                     const wallet::Wallet::Announce& announce);

}  // namespace cairn::cli
