// `cairn wallet ...`: make, restore and look at a wallet, and pay from it. Balance and history are
// read from the chain on this disk, so they need no running node; sending does. User's guide:
// docs/wallet.md.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/chain/open_wallet.h"
#include "wallet/words.h"

namespace cairn::cli {

struct WalletRequest {
    WalletFile file;
    bool fresh = false;                          ///< address: a new one
    bool force = false;                          ///< address: also beyond where a restore looks
    bool all = false;                            ///< address: every one that was handed out
    std::size_t length = wallet::kDefaultWords;  ///< create: words
    std::string seed;             ///< restore: words, or an old wallet's 64 hexadecimal digits
    std::string words;            ///< restore: words
    std::string words_file;       ///< restore: a file with either
    std::string passphrase_file;  ///< create, restore: BIP39's passphrase
    std::string xpub;             ///< watch
    std::uint32_t gap = 0;        ///< rescan: unused keys in a row that end the search; 0: as usual
    std::string to;               ///< send: an address
    std::string amount;           ///< send: in coins
    std::string payment;          ///< bump: the id of a payment that waits
    std::string fee;        ///< send, bump: in coins, to the miner; empty: what the pool asks for
    bool high_fee = false;  ///< send: a fee above a tenth is meant
    std::size_t max = 50;   ///< history
    std::uint32_t blocks = 0;  ///< channel open: until it expires; 0: about a day
    std::string note;          ///< channel open: what for; empty: the payee's address
    std::string channel;       ///< channel pay, close, refund: its name or how that begins
    std::string voucher;       ///< channel accept
    bool json = false;
};

// wallet_make.cc
Status run_wallet_create(const WalletRequest& request, std::ostream& out);
Status run_wallet_restore(const WalletRequest& request, std::ostream& out);
Status run_wallet_watch(const WalletRequest& request, std::ostream& out);
Status run_wallet_rescan(const WalletRequest& request, std::ostream& out);
// wallet_show.cc
Status run_wallet_address(const WalletRequest& request, std::ostream& out);
Status run_wallet_xpub(const WalletRequest& request, std::ostream& out);
Status run_wallet_balance(const WalletRequest& request, std::ostream& out);
Status run_wallet_history(const WalletRequest& request, std::ostream& out);
// wallet_send.cc
Status run_wallet_send(const WalletRequest& request, std::ostream& out);

// wallet_bump.cc
Status run_wallet_bump(const WalletRequest& request, std::ostream& out);

// wallet_channel.cc
Status run_channel_open(const WalletRequest& request, std::ostream& out);
Status run_channel_close(const WalletRequest& request, std::ostream& out);
Status run_channel_refund(const WalletRequest& request, std::ostream& out);
// wallet_voucher.cc
Status run_channel_list(const WalletRequest& request, std::ostream& out);
Status run_channel_pay(const WalletRequest& request, std::ostream& out);
Status run_channel_accept(const WalletRequest& request, std::ostream& out);

}  // namespace cairn::cli
