// The files that a network definition names by hash: tokenizer, judge text, report text. They lie
// in a folder `assets` beside network.json, each named by its hash in hexadecimal, and peers give
// them to those who lack them. A file counts only if its bytes have the hash.
//
//   tokenizer       Tokenizer::serialise(), named by SHA-256 of the file
//   judge, report   token ids as u32 little-endian, named by worth::token_text_hash
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chain/network.h"

namespace cairn::node {

inline constexpr std::string_view kNetworkFile = "network.json";
inline constexpr std::string_view kAssetFolder = "assets";

/// Reads a network.json. The path comes first in what an error says.
Result<chain::NetworkDefinition> read_network(const std::string& path);

bool names_asset(const chain::NetworkDefinition& network, const Hash256& hash);

/// "assets/<hex>", relative to the folder of network.json.
std::string asset_name(const Hash256& hash);
Hash256 tokenizer_hash(ByteView serialised);
Bytes token_text_bytes(std::span<const std::uint32_t> tokens);
Result<std::vector<std::uint32_t>> token_text_from_bytes(ByteView bytes);
/// Whether the bytes are what `hash` names, in either of the two ways.
bool is_asset(const Hash256& hash, ByteView bytes);

/// Writes one asset into `folder`/assets and gives its hash.
Result<Hash256> write_tokenizer_asset(const std::string& folder, ByteView serialised);
Result<Hash256> write_text_asset(const std::string& folder, std::span<const std::uint32_t> tokens);

/// The assets of one node's directory, kept in memory once read.
class Assets {
  public:
    explicit Assets(std::string folder) : folder_(std::move(folder)) {}

    /// kNotFound if it is absent, kInvalid if the file has another hash.
    Result<std::shared_ptr<const Bytes>> get(const Hash256& hash);
    /// Writes the file; kInvalid unless is_asset(hash, bytes).
    Status put(const Hash256& hash, ByteView bytes);
    /// The assets that the network names and this folder lacks, each once.
    std::vector<Hash256> missing(const chain::NetworkDefinition& network);
    /// Copies what `other` has of the network's assets and this folder lacks.
    void copy_from(Assets& other, const chain::NetworkDefinition& network);

  private:
    std::string folder_;
    std::map<Hash256, std::shared_ptr<const Bytes>> known_;
};

}  // namespace cairn::node
