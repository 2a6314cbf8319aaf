#include "cli/chain/open_wallet.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/random.h"
#include "cli/terminal.h"
#include "model/files/source.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxPasswordFile = 4096;

// Wallets keep a pointer to their disk; a process opens few.
Disk& disk_of(const std::string& directory) {
    static std::vector<std::unique_ptr<PosixDisk>> disks;
    disks.push_back(std::make_unique<PosixDisk>(directory));
    return *disks.back();
}

// Without showing what is typed.
Result<std::string> ask(const std::string& question) {
    if (!is_terminal(STDIN_FILENO))
        return Error{ErrorCode::kRefused,
                     "the wallet has a password: give --password-file FILE, or set "
                     "CAIRN_WALLET_PASSWORD"};
    return read_hidden(question);
}

}  // namespace

Result<std::string> read_password(const WalletFile& file, bool twice) {
    if (!file.password_file.empty()) {
        ASSIGN_OR_RETURN(const Bytes bytes, read_file(file.password_file, kMaxPasswordFile));
        const std::string_view text = as_text(bytes);
        return std::string(text.substr(0, text.find_first_of("\r\n")));
    }
    if (const char* password = std::getenv("CAIRN_WALLET_PASSWORD")) return std::string(password);
    ASSIGN_OR_RETURN(std::string password, ask("Password of the wallet: "));
    if (twice) {
        ASSIGN_OR_RETURN(const std::string again, ask("Once more: "));
        if (password != again) return invalid("the two passwords differ: nothing was written");
    }
    return password;
}

Result<wallet::Wallet> open_wallet(const WalletFile& file) {
    Disk& disk = disk_of(file.directory);
    if (!disk.exists(file.name))
        return not_found(file.directory +
                         " has no wallet: make one with `cairn wallet create --dir " +
                         file.directory + "`");
    ASSIGN_OR_RETURN(const std::string password, read_password(file, false));
    return wallet::Wallet::open(disk, file.name, password);
}

Result<wallet::Wallet> create_wallet(const WalletFile& file, const wallet::Seed* seed) {
    Disk& disk = disk_of(file.directory);
    if (disk.exists(file.name))
        return Error{ErrorCode::kRefused,
                     file.directory + " has a wallet already; a wallet is never overwritten"};
    ASSIGN_OR_RETURN(const std::string password, read_password(file, true));
    SystemRandom random;
    return seed != nullptr ? wallet::Wallet::restore(disk, file.name, password, *seed, random)
                           : wallet::Wallet::create(disk, file.name, password, random);
}

}  // namespace cairn::cli
