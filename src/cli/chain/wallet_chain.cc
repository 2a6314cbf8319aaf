#include "cli/chain/wallet_chain.h"

namespace cairn::cli {

Result<std::optional<ChainReader>> open_chain_if_there(const std::string& directory) {
    auto chain = open_chain(directory);
    if (chain.ok()) return std::optional<ChainReader>(std::move(*chain));
    if (chain.error().code == ErrorCode::kNotFound) return std::optional<ChainReader>();
    return chain.error();
}

wallet::Wallet::Used used_on_chain(const ChainReader& chain) {
    return [&store = *chain.store](const crypto::PublicKey& key) -> Result<bool> {
        ASSIGN_OR_RETURN(const auto found, store.history(key, 1));
        return !found.empty();
    };
}

wallet::Wallet::Used used_on_chain(const std::optional<ChainReader>& chain) {
    if (chain) return used_on_chain(*chain);
    return [](const crypto::PublicKey&) -> Result<bool> { return false; };
}

Result<std::uint64_t> height_of(const ChainReader& chain) {
    ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
    return tip ? tip->height : std::uint64_t{0};
}

}  // namespace cairn::cli
