// What a LightClient fetches as files: the network's definition, and the tokenizer that it names.
#include <algorithm>
#include <utility>

#include "base/files.h"
#include "fetch/fetch_weights.h"
#include "node/assets.h"
#include "node/light_client.h"
#include "text/tokenizer.h"
#include "worth/model_state.h"
#include "worth/network_rules.h"

namespace cairn::node {

namespace {

/// The first model is hashed to know the first block: that of more takes too long.
constexpr std::uint64_t kMaxParameters = std::uint64_t{1} << 33;
/// A tensor is proved as a whole, in memory.
constexpr std::uint64_t kMaxTensorBytes = std::uint64_t{2} << 30;

}  // namespace

Hash256 LightClient::wanted_file() const {
    if (!has_definition_) return found_.genesis_id;
    return has_tokenizer_ ? Hash256{} : found_.network.tokenizer_hash;
}

void LightClient::ask_file() {
    if (file_from_ != 0) return;
    const Hash256 wanted = wanted_file();
    // What an earlier run kept.
    const std::string kept = in_folder(has_definition_ ? "tokenizer" : "network");
    if (file_.empty() && exists(kept)) {
        if (auto bytes = read_file(kept, kMaxAssetBytes);
            bytes.ok() && take_file(wanted, *std::move(bytes)).ok())
            return;
    }
    for (const auto& [peer, node] : nodes_) {
        if (!node.greeted) continue;
        if (!send(network_, peer, MessageKind::kGetAsset, encode(GetAsset{wanted, file_.size()})))
            continue;
        file_from_ = peer;
        file_ms_ = now_ms();
        return;
    }
}

Status LightClient::on_asset(net::PeerId peer, ByteView body) {
    if (peer != file_from_) return ok_status();
    ASSIGN_OR_RETURN(AssetChunk piece, decode_asset_chunk(body));
    const std::size_t most = has_definition_ ? text::kMaxTokenizerBytes : chain::kMaxNetworkBytes;
    if (piece.hash != wanted_file() || piece.offset != file_.size())
        return invalid("it sent another piece than it was asked for");
    if (piece.total == 0 || piece.bytes.empty())
        return invalid(has_definition_ ? "it does not have the tokenizer"
                                       : "it does not give the network's definition: its program "
                                         "may be older");
    if (piece.total > most) return invalid("it says a file that is too long");
    if (piece.bytes.size() != std::min<std::uint64_t>(kAssetChunkBytes, piece.total - piece.offset))
        return invalid("it sent a piece that is neither full nor the last");
    const std::size_t come = file_.size() + piece.bytes.size();
    if (come > file_most_) new_ms_ = now_ms();
    file_most_ = std::max(file_most_, come);
    file_.insert(file_.end(), piece.bytes.begin(), piece.bytes.end());
    // The next piece of the same node, so that it is to blame if the file is not the one.
    if (file_.size() < piece.total) {
        send(network_, peer, MessageKind::kGetAsset, encode(GetAsset{piece.hash, file_.size()}));
        file_ms_ = now_ms();
        return ok_status();
    }
    file_from_ = 0;
    file_most_ = 0;
    return take_file(piece.hash, std::exchange(file_, {}));
}

Status LightClient::take_file(const Hash256& hash, Bytes bytes) {
    if (has_definition_) {
        if (tokenizer_hash(bytes) != hash) return invalid("it sent another tokenizer");
        RETURN_IF_ERROR(write_file(in_folder("tokenizer"), bytes));
        found_.tokenizer = std::move(bytes);
        has_tokenizer_ = true;
        return ok_status();
    }
    ASSIGN_OR_RETURN(chain::NetworkDefinition definition, chain::decode_network(bytes));
    if (chain::genesis_id(definition) != hash)
        return invalid("it sent the definition of another network");
    RETURN_IF_ERROR(make_folders(in_folder("weights")));
    RETURN_IF_ERROR(write_file(in_folder("network"), bytes));
    if (const Status taken = take_definition(std::move(definition)); !taken.ok()) {
        finish(taken.error());  // whoever gave it: this network is not for us
    }
    return ok_status();
}

Status LightClient::take_definition(chain::NetworkDefinition definition) {
    found_.network = std::move(definition);
    has_definition_ = true;
    const auto unsupported = [this](const std::string& why) {
        return Error{ErrorCode::kUnsupported, "network " + found_.network.name + " " + why};
    };
    if (found_.network.is_private())
        return unsupported("is private: its members run a node, others are not let in");
    if (found_.network.tokenizer_hash.is_zero())
        return unsupported("names no tokenizer: its model does not write text");
    config_ = worth::model_config(found_.network);
    Writer shape;
    model::encode(config_, shape);
    Reader reader(shape.out());
    if (!model::decode_config(reader).ok())
        return unsupported("has a model of an impossible shape");
    const fetch::LeafPlan plan({fetch::Form::kChain, config_, {}, {}});
    std::uint64_t bytes = 0;
    for (const std::size_t tensor : tensors_of_clients(config_)) bytes += plan.tensor(tensor).bytes;
    found_.bytes_model = plan.leaves() * fetch::kLeafBytes;
    std::uint64_t largest = 0;
    for (std::size_t i = 0; i < plan.tensors(); ++i)
        largest = std::max(largest, plan.tensor(i).bytes);
    if (found_.bytes_model > kMaxParameters * sizeof(std::int32_t) || largest > kMaxTensorBytes)
        return unsupported("has a model too large for this");
    RETURN_IF_ERROR(fetch::check_room(in_folder("weights"), bytes, options_.max_bytes));
    const auto known = read_file(in_folder("first-model"), Hash256::kSize);
    if (known.ok() && known->size() == Hash256::kSize) {
        take_first_root(Reader(*known).fixed<32>());
        return ok_status();
    }
    hashing_ = true;
    offload(
        loop_, Lane::kServe,
        [config = config_, seed = found_.network.weights_seed] {
            return worth::initial_model_root(
                model::ParameterLayout(config, fetch::kLeafBytes / sizeof(std::int32_t)), seed);
        },
        alive_.guard([this](const Hash256& root) {
            hashing_ = false;
            new_ms_ = now_ms();
            const Status kept = write_file(in_folder("first-model"), root.view());
            if (!kept.ok()) return finish(kept.error());
            take_first_root(root);
            advance();
        }));
    return ok_status();
}

void LightClient::take_first_root(const Hash256& model_root) {
    first_root_ = model_root;
    headers_ = std::make_unique<LightHeaders>(found_.network, model_root, options_.max_headers);
    headers_->load(in_folder("headers"), clock_.wall_ms());
}

}  // namespace cairn::node
