// What the chain on this disk says about a wallet's keys. A wallet may be older than the chain
// here, or come from another machine, so every command that needs its coins looks again.
#pragma once

#include <optional>
#include <string>

#include "cli/chain/data_directory.h"
#include "wallet/wallet.h"

namespace cairn::cli {

/// nullopt where no node has fetched one yet.
Result<std::optional<ChainReader>> open_chain_if_there(const std::string& directory);

/// A function that tells whether a payment to or from a key is on the chain (without a chain:
/// never). The chain must outlive the function.
wallet::Wallet::Used used_on_chain(const std::optional<ChainReader>& chain);
wallet::Wallet::Used used_on_chain(const ChainReader& chain);

/// Of the tip; 0 at genesis.
Result<std::uint64_t> height_of(const ChainReader& chain);

}  // namespace cairn::cli
