// A node's data directory, seen from outside: which network it is for, and its store opened for
// reading only, beside a node that may be running.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chain/block.h"
#include "store/store.h"

namespace cairn::cli {

class Option;

/// $CAIRN_DIR, else ~/.cairn.
std::string default_directory();

/// " --dir DIR" behind a command that somebody is told to type next; nothing where that is the
/// default.
std::string dir_words(const std::string& directory);

/// Makes the option refuse an empty folder name, which an unset shell variable would give: files
/// would be looked for in the root, and created in the current folder.
Option named_folder(Option option);

/// DIR/network.json.
Result<chain::NetworkDefinition> read_network(const std::string& directory);

/// Reads how people refer to something on the chain: a height (up to ten digits), or nullopt if it
/// is the beginning of a hash. kMisused if it is neither, or empty, which would match every hash.
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

}  // namespace cairn::cli
