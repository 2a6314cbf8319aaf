#include "cli/chain/data_directory.h"

#include <cstdlib>

#include "base/files.h"
#include "base/shell_word.h"
#include "base/text.h"
#include "cli/options.h"
#include "node/assets.h"

namespace cairn::cli {

std::string default_directory() {
    if (const char* chosen = std::getenv("CAIRN_DIR"); chosen != nullptr && *chosen != '\0')
        return chosen;
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr && *home != '\0' ? home : ".") + "/.cairn";
}

std::string dir_words(const std::string& directory) {
    return directory == default_directory() ? "" : " --dir " + shell_word(directory);
}

Option named_folder(Option option) {
    return option.check(Check(
        [](const std::string& name) {
            return std::string(name.empty() ? "the name of the folder is empty; is a variable not "
                                              "set? `.` is the folder that you stand in"
                                            : "");
        },
        ""));
}

Result<chain::NetworkDefinition> read_network(const std::string& directory) {
    const std::string path = directory + "/" + std::string(node::kNetworkFile);
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind == FileKind::kNone)
        return not_found(directory +
                         " has no network.json: make a network with `cairn network create --dir " +
                         shell_word(directory) + "`, or name another --dir");
    return node::read_network(path);
}

Result<std::optional<std::uint64_t>> height_in(const std::string& text) {
    constexpr std::size_t kMostDigits = 10;
    if (text.empty())
        return misused("name a height, or at least 4 hexadecimal digits of a hash or key");
    if (text.size() > kMostDigits || text.find_first_not_of("0123456789") != std::string::npos) {
        if (text.size() < 4 || text.size() > 64 ||
            text.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
            return misused("'" + printable_line(text.substr(0, 64)) +
                           "' is neither a height nor 4 to 64 hexadecimal digits of a name");
        return std::optional<std::uint64_t>();
    }
    ASSIGN_OR_RETURN(const std::uint64_t height, parse_whole(text, "a height"));
    return std::optional(height);
}

Result<chain::Block> ChainReader::block(const Hash256& hash) const {
    ASSIGN_OR_RETURN(const Bytes body, store->body(hash));
    ASSIGN_OR_RETURN(chain::Block found, chain::decode_block(body));
    if (chain::block_hash(found.header) != hash)
        return io_error("the file of block " + short_hex(hash) + " holds another block");
    return found;
}

Result<chain::Block> ChainReader::block_at(std::uint64_t height) const {
    ASSIGN_OR_RETURN(const Hash256 hash, store->active_block(height));
    return block(hash);
}

Result<ChainReader> open_chain(const std::string& directory) {
    ChainReader chain;
    ASSIGN_OR_RETURN(chain.network, read_network(directory));
    ASSIGN_OR_RETURN(chain.store, store::Store::open(directory, {.read_only = true}));
    return chain;
}

}  // namespace cairn::cli
