// A node's data directory, seen from outside: which network it is for, and its store opened for
// reading only, beside a node that may be running.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chain/block.h"
#include "store/store.h"

namespace CLI {
class Option;
}

namespace cairn::cli {

/// $CAIRN_DIR, else ~/.cairn.
std::string default_directory();

/// Refuses an empty name of a folder, as a variable that is not set gives one: the files of ""
/// would be sought in the root and made wherever one stands.
CLI::Option* named_folder(CLI::Option* option);

/// DIR/network.json.
Result<chain::NetworkDefinition> read_network(const std::string& directory);

/// What people write to name something of the chain: its height (up to ten digits), or nullopt for
/// the first digits of a name. kMisused for what is neither, and for an empty text: it would be the
/// beginning of all.
Result<std::optional<std::uint64_t>> height_in(const std::string& text);

struct ChainReader {
    chain::NetworkDefinition network;
    std::unique_ptr<store::Store> store;

    /// The block of the active chain at a height, from its body.
    Result<chain::Block> block_at(std::uint64_t height) const;
    /// Any block whose body is here.
    Result<chain::Block> block(const Hash256& hash) const;
};

/// kNotFound, with what to do, where there is no network or no chain.
Result<ChainReader> open_chain(const std::string& directory);

/// "2026-11-21 21:40:05 UTC".
std::string time_text(std::uint64_t time_ms);

}  // namespace cairn::cli
