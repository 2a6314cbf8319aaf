#include "cli/chain/open_wallet.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/random.h"
#include "base/shell_word.h"
#include "base/text.h"
#include "console/terminal.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxSecretText = 4096;

// Wallets keep a pointer to their disk; a process opens few.
Disk& disk_of(const std::string& directory) {
    static std::vector<std::unique_ptr<PosixDisk>> disks;
    disks.push_back(std::make_unique<PosixDisk>(directory));
    return *disks.back();
}

// Asks on the terminal, which does not show what is typed.
Result<std::string> ask(const std::string& question) {
    if (!console::is_terminal(STDIN_FILENO))
        return Error{ErrorCode::kRefused,
                     "a wallet has a password, and here is no terminal to ask for it: give "
                     "--password-file FILE, set CAIRN_WALLET_PASSWORD, or say --no-password if it "
                     "has none"};
    return console::read_hidden(question);
}

std::string path_of(const WalletFile& file) { return file.directory + "/" + file.name; }

Error empty_password() {
    return Error{ErrorCode::kRefused,
                 "the password is empty: whoever can read the wallet's file would have its coins. "
                 "Give one (on the terminal, with --password-file, or in CAIRN_WALLET_PASSWORD), "
                 "or say --no-password"};
}

Result<std::string> ask_for_new() {
    ASSIGN_OR_RETURN(const std::string password, ask("A password for the wallet: "));
    ASSIGN_OR_RETURN(const std::string again, ask("Once more: "));
    if (password != again) return invalid("the two passwords differ: nothing was written");
    if (password.empty()) say("without a password, whoever can read the file has the coins");
    return password;
}

// Whose password is asked for.
enum class PasswordOf { kWallet, kNewWallet };

// That of a new wallet must be repeated on a terminal. kRefused for an empty one, unless it was
// typed twice there or no_password is set.
Result<std::string> read_password(const WalletFile& file, PasswordOf whose) {
    const bool is_new = whose == PasswordOf::kNewWallet;
    if (file.no_password) return std::string();
    if (!file.password_file.empty()) {
        ASSIGN_OR_RETURN(std::string password,
                         read_secret_text(file.password_file, SecretIs::kFirstLine));
        if (is_new && password.empty()) return empty_password();
        return password;
    }
    if (const char* password = std::getenv("CAIRN_WALLET_PASSWORD")) {
        if (is_new && *password == '\0') return empty_password();
        return std::string(password);
    }
    if (is_new) return ask_for_new();
    return ask("Password of the wallet: ");
}

// An error if the file cannot be examined, or its disk is missing: then no new wallet may be made.
Result<bool> has_wallet(const WalletFile& file) {
    const std::string path = path_of(file);
    auto kind = file_kind(path);
    if (!kind.ok()) return kind.error();
    if (*kind == FileKind::kFile) return true;
    if (*kind != FileKind::kNone)
        return Error{ErrorCode::kRefused,
                     path + " is no file: move it away, or name another --dir"};
    RETURN_IF_ERROR(check_no_lost_link(file.directory));
    RETURN_IF_ERROR(check_no_lost_link(path));
    return false;
}

}  // namespace

Result<std::string> read_secret_text(const std::string& path, SecretIs secret_is) {
    RETURN_IF_ERROR(check_secret(path));
    std::ifstream file(path, std::ios::binary);
    std::string text;
    for (char letter = 0; file.get(letter);) {
        if (secret_is == SecretIs::kFirstLine && (letter == '\n' || letter == '\r')) break;
        if (text.size() == kMaxSecretText) return invalid("what " + path + " holds is too long");
        text += letter;
    }
    if (!file.is_open() || file.bad() || is_folder(path)) return io_error("cannot read " + path);
    return text;
}

namespace {

bool more_is_there() {
    constexpr int kPasteMs = 100;
    if (std::cin.rdbuf()->in_avail() > 0) return true;
    pollfd look{STDIN_FILENO, POLLIN, 0};
    return ::poll(&look, 1, kPasteMs) > 0;
}

}  // namespace

Result<std::string> ask_for_words(const std::string& question) {
    std::string text;
    if (console::is_terminal(STDIN_FILENO)) {
        std::cerr << question << std::flush;
        std::getline(std::cin, text);
        // What was pasted in several lines is there at once.
        for (std::string line; text.size() < kMaxSecretText && more_is_there(); text += " " + line)
            if (!std::getline(std::cin, line)) break;
    } else {
        for (char letter = 0; text.size() < kMaxSecretText && std::cin.get(letter);) text += letter;
    }
    if (text.empty())
        return Error{ErrorCode::kCancelled,
                     "no words were given: type them, or name a "
                     "file that has them by --words-file"};
    return text;
}

Status check_no_wallet(const WalletFile& file) {
    ASSIGN_OR_RETURN(const bool there, has_wallet(file));
    if (!there) return ok_status();
    return Error{ErrorCode::kRefused,
                 file.directory + " has a wallet already; a wallet is never overwritten"};
}

Result<WalletLock> lock_wallet(const WalletFile& file) { return WalletLock::take(path_of(file)); }

Result<wallet::Wallet> open_wallet(const WalletFile& file) {
    ASSIGN_OR_RETURN(const bool there, has_wallet(file));
    if (!there)
        return not_found(file.directory +
                         " has no wallet: make one with `cairn wallet create --dir " +
                         shell_word(file.directory) + "`");
    ASSIGN_OR_RETURN(const std::string password, read_password(file, PasswordOf::kWallet));
    auto wallet = wallet::Wallet::open(disk_of(file.directory), file.name, password);
    if (!wallet.ok() && wallet.error().code == ErrorCode::kInvalid)
        return invalid(path_of(file) + ": " + wallet.error().message);
    if (wallet.ok() && !wallet->notice().empty()) say(wallet->notice());
    return wallet;
}

Result<wallet::Wallet> create_wallet(const WalletFile& file, const wallet::Origin& origin,
                                     const wallet::Wallet::Announce& announce) {
    RETURN_IF_ERROR(check_no_wallet(file));
    ASSIGN_OR_RETURN(const std::string password, read_password(file, PasswordOf::kNewWallet));
    RETURN_IF_ERROR(make_private_folder(file.directory));
    if (const std::string open = open_folder_warning(file.directory); !open.empty()) say(open);
    ASSIGN_OR_RETURN(const WalletLock lock, lock_wallet(file));
    RETURN_IF_ERROR(check_no_wallet(file));  // while we waited, another may have made one
    SystemRandom random;
    return wallet::Wallet::create(disk_of(file.directory), file.name, password, origin, random,
                                  announce);
}

}  // namespace cairn::cli
