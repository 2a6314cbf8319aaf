// The wallet file in a data directory, and where its password comes from: a file, the environment
// variable CAIRN_WALLET_PASSWORD, or the terminal.
#pragma once

#include <string>

#include "wallet/wallet.h"

namespace cairn::cli {

struct WalletFile {
    std::string directory;
    std::string name = "wallet.cairn";
    std::string password_file;  ///< empty: environment, else terminal
};

/// `twice`: a new password, which a terminal is asked to repeat.
Result<std::string> read_password(const WalletFile& file, bool twice);

/// The wallet keeps using a Disk of the process's lifetime.
Result<wallet::Wallet> open_wallet(const WalletFile& file);
/// A new one; from `seed` if that is not null.
Result<wallet::Wallet> create_wallet(const WalletFile& file, const wallet::Seed* seed);

}  // namespace cairn::cli
