// `cairn wallet create|restore|address|balance|send|history`. Balance and history are read from
// the chain on this disk, so they need no running node; sending does.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/chain/open_wallet.h"

namespace cairn::cli {

struct WalletRequest {
    WalletFile file;
    bool fresh = false;     ///< address: a new one
    std::string seed;       ///< restore: 64 hexadecimal digits
    std::string to;         ///< send: an address
    std::string amount;     ///< send: in coins
    std::string fee = "0";  ///< send: in coins, to the miner
    std::size_t max = 50;   ///< history
    bool json = false;
};

Status run_wallet_create(const WalletRequest& request, std::ostream& out);
Status run_wallet_restore(const WalletRequest& request, std::ostream& out);
Status run_wallet_address(const WalletRequest& request, std::ostream& out);
Status run_wallet_balance(const WalletRequest& request, std::ostream& out);
Status run_wallet_history(const WalletRequest& request, std::ostream& out);
/// wallet_send.cc
Status run_wallet_send(const WalletRequest& request, std::ostream& out);

}  // namespace cairn::cli
