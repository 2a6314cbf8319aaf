// The option --pay of commands that have layers computed by servers with a price: a wallet's
// payment channels pay them (serve/purse.h), and --open makes the channels that are missing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/chain/open_wallet.h"
#include "serve/purse.h"
#include "serve/route.h"

namespace cairn::cli {

class Command;

struct PayOptions {
    WalletFile wallet;      ///< its directory: --pay; empty: nothing is paid
    std::string max_price;  ///< coins for 1,000 tokens through one layer; empty: any
    std::string spend;      ///< coins in all; empty: what the channels hold
    std::string open;       ///< coins for each channel that is missing; empty: none is opened

    bool any() const { return !wallet.directory.empty(); }
};

void add_pay_options(const Command& command, PayOptions& options);

/// Null without --pay. Errors of the options, and of opening the wallet, which asks for its
/// password.
Result<std::shared_ptr<serve::Purse>> open_purse(const PayOptions& options);

/// Those of the servers to which --open opens a channel. kRefused where one of them is too dear:
/// then none is opened, since what goes over all of them would not be sent.
Result<std::vector<serve::Hop>> channels_to_open(
    const PayOptions& options, const std::vector<serve::Hop>& hops,
    const std::function<bool(const serve::Hop&)>& needs_none);

/// With --open: opens a channel to each of these servers that has a price and none yet, and waits
/// until the blocks that servers ask for are on it, with progress on standard error.
Status open_missing_channels(const PayOptions& options, const std::vector<serve::Hop>& hops);

/// "0.000002 coins a token: 0.0000008 for layers 0-2 at a:1, ..."; empty where all is free.
std::string price_sentence(const std::vector<serve::Hop>& hops);

}  // namespace cairn::cli
