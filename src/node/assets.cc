#include "node/assets.h"

#include <algorithm>

#include "base/disk.h"
#include "base/encoding.h"
#include "base/foreign_file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "node/messages.h"
#include "worth/network_rules.h"

namespace cairn::node {

Result<chain::NetworkDefinition> read_network(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_checked_file(path, chain::kMaxNetworkJsonBytes));
    auto network = chain::network_from_json(as_text(bytes));
    if (!network.ok()) return network.error().with_prefix(path);
    return network;
}

bool names_asset(const chain::NetworkDefinition& network, const Hash256& hash) {
    return !hash.is_zero() && (hash == network.tokenizer_hash || hash == network.judge_hash ||
                               hash == network.report_hash);
}

std::string asset_name(const Hash256& hash) {
    return std::string(kAssetFolder) + "/" + to_hex(hash);
}

Hash256 tokenizer_hash(ByteView serialised) { return crypto::sha256(serialised); }

Bytes token_text_bytes(std::span<const std::uint32_t> tokens) {
    Writer writer;
    for (const std::uint32_t token : tokens) writer.u32(token);
    return std::move(writer).take();
}

Result<std::vector<std::uint32_t>> token_text_from_bytes(ByteView bytes) {
    if (bytes.size() % 4 != 0) return invalid("a token text has four bytes for each token");
    Reader reader(bytes);
    std::vector<std::uint32_t> tokens(bytes.size() / 4);
    for (std::uint32_t& token : tokens) token = reader.u32();
    RETURN_IF_ERROR(reader.finish());
    return tokens;
}

bool is_asset(const Hash256& hash, ByteView bytes) {
    if (tokenizer_hash(bytes) == hash) return true;
    const auto tokens = token_text_from_bytes(bytes);
    return tokens.ok() && worth::token_text_hash(*tokens) == hash;
}

Result<Hash256> write_tokenizer_asset(const std::string& folder, ByteView serialised) {
    const Hash256 hash = tokenizer_hash(serialised);
    RETURN_IF_ERROR(Assets(folder).put(hash, serialised));
    return hash;
}

Result<Hash256> write_text_asset(const std::string& folder, std::span<const std::uint32_t> tokens) {
    const Hash256 hash = worth::token_text_hash(tokens);
    RETURN_IF_ERROR(Assets(folder).put(hash, token_text_bytes(tokens)));
    return hash;
}

Result<std::shared_ptr<const Bytes>> Assets::get(const Hash256& hash) {
    const auto known = known_.find(hash);
    if (known != known_.end()) return known->second;
    ASSIGN_OR_RETURN(Bytes bytes, PosixDisk(folder_).read(asset_name(hash), kMaxAssetBytes));
    if (!is_asset(hash, bytes))
        return invalid("the file " + folder_ + "/" + asset_name(hash) +
                       " is damaged; remove it and it will be fetched again");
    return known_[hash] = std::make_shared<const Bytes>(std::move(bytes));
}

Status Assets::put(const Hash256& hash, ByteView bytes) {
    if (!is_asset(hash, bytes)) return invalid("bytes that are not asset " + short_hex(hash));
    return PosixDisk(folder_).write_atomic(asset_name(hash), bytes);
}

std::vector<Hash256> Assets::missing(const chain::NetworkDefinition& network) {
    std::vector<Hash256> hashes;
    for (const Hash256& hash : {network.tokenizer_hash, network.judge_hash, network.report_hash}) {
        if (hash.is_zero() || std::find(hashes.begin(), hashes.end(), hash) != hashes.end())
            continue;
        if (!get(hash).ok()) hashes.push_back(hash);
    }
    return hashes;
}

void Assets::copy_from(Assets& other, const chain::NetworkDefinition& network) {
    for (const Hash256& hash : missing(network)) {
        const auto bytes = other.get(hash);
        if (!bytes.ok()) continue;
        const Status put_here = put(hash, **bytes);
        if (!put_here.ok()) log_warn("{}", put_here.error().message);
    }
}

}  // namespace cairn::node
