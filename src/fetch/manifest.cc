#include "fetch/manifest.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cairn::fetch {

namespace {

using tensor::WeightType;

constexpr auto kLastType = static_cast<std::uint8_t>(WeightType::kQ5_1);

Status check_type(const model::TensorInfo& tensor, WeightType type) {
    if (!tensor.is_matrix && type != WeightType::kF32)
        return invalid("tensor " + tensor.name + " is a norm or bias, and those are f32");
    if (tensor.cols % tensor::weight_group(type) != 0)
        return invalid("a row of tensor " + tensor.name + " is no whole number of groups");
    return ok_status();
}

void write_shape(const Manifest& manifest, Writer& writer) {
    model::encode(manifest.config, writer);
    for (const WeightType type : manifest.types) writer.u8(static_cast<std::uint8_t>(type));
    writer.fixed(manifest.root);
}

}  // namespace

Hash256 chain_model_name(const model::ModelConfig& config, const Hash256& model_root) {
    return Manifest{Form::kChain, config, {}, model_root}.name();
}

Hash256 Manifest::name() const {
    Writer writer;
    write_shape(*this, writer);
    return crypto::tagged_hash(form == Form::kFile ? "cairn/model/2" : "cairn/chain-model/1",
                               writer.out());
}

Bytes encode(const Manifest& manifest) {
    Writer writer;
    writer.u8(static_cast<std::uint8_t>(manifest.form));
    write_shape(manifest, writer);
    return std::move(writer).take();
}

Result<Manifest> decode_manifest(ByteView bytes) {
    if (bytes.size() > kMaxManifestBytes) return invalid("a manifest that is too long");
    Reader reader(bytes);
    Manifest manifest;
    const std::uint8_t form = reader.u8();
    if (form > 1) reader.fail("a model of an unknown form");
    manifest.form = static_cast<Form>(form);
    // Layers of an encoder-decoder's decoder are fetched and served like others; a chain's model
    // is none.
    const bool may_cross = manifest.form == Form::kFile;
    ASSIGN_OR_RETURN(manifest.config,
                     model::decode_config(
                         reader, may_cross ? model::Crossing::kTaken : model::Crossing::kRefused));
    if (manifest.form == Form::kFile) {
        const model::ParameterLayout layout(manifest.config);
        for (const model::TensorInfo& tensor : layout.tensors()) {
            const std::uint8_t type = reader.u8();
            if (type > kLastType) return invalid("a tensor of an unknown type");
            manifest.types.push_back(static_cast<WeightType>(type));
            RETURN_IF_ERROR(check_type(tensor, manifest.types.back()));
        }
    }
    manifest.root = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return manifest;
}

LeafPlan::LeafPlan(const Manifest& manifest) {
    const model::ParameterLayout layout(manifest.config);
    const bool is_file = manifest.form == Form::kFile;
    CHECK(!is_file || manifest.types.size() == layout.tensors().size());
    for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
        const model::TensorInfo& info = layout.tensors()[i];
        const std::uint64_t bytes =
            is_file ? info.rows * tensor::weight_row_bytes(manifest.types[i], info.cols)
                    : info.size() * sizeof(std::int32_t);
        const std::uint64_t count = (bytes + kLeafBytes - 1) / kLeafBytes;
        tensors_.push_back({leaves_, count, is_file ? bytes : count * kLeafBytes});
        leaves_ += count;
    }
}

std::size_t LeafPlan::tensor_of(std::uint64_t leaf) const {
    CHECK(leaf < leaves_);
    const auto after = std::ranges::upper_bound(tensors_, leaf, {}, &TensorLeaves::first);
    return static_cast<std::size_t>(after - tensors_.begin()) - 1;
}

std::uint64_t LeafPlan::bytes(std::uint64_t first, std::uint64_t count) const {
    const TensorLeaves& tensor = tensors_[tensor_of(first)];
    CHECK(count > 0 && first + count <= tensor.first + tensor.count);
    const std::uint64_t begin = (first - tensor.first) * kLeafBytes;
    return std::min(tensor.bytes, begin + count * kLeafBytes) - begin;
}

std::vector<Hash256> leaf_hashes(Form form, ByteView bytes) {
    static const crypto::TaggedHasher file("cairn/weights-leaf");
    static const crypto::TaggedHasher tile("cairn/theta-tile");
    const crypto::TaggedHasher& hasher = form == Form::kFile ? file : tile;
    std::vector<Hash256> leaves;
    leaves.reserve((bytes.size() + kLeafBytes - 1) / kLeafBytes);
    for (std::size_t at = 0; at < bytes.size(); at += kLeafBytes)
        leaves.push_back(hasher(bytes.subspan(at, std::min(kLeafBytes, bytes.size() - at))));
    return leaves;
}

NamedModel name_model(const model::ModelConfig& config, const model::Weights& weights) {
    CHECK(weights.layers.size() == config.layers);
    NamedModel named;
    named.manifest.config = config;
    const model::ParameterLayout layout(config);
    for (const model::TensorInfo& info : layout.tensors()) {
        const tensor::Weight& weight = model::tensor_at(weights, info.kind, info.layer);
        named.manifest.types.push_back(weight.type);
        const std::vector<Hash256> leaves = leaf_hashes(Form::kFile, weight.canonical());
        named.leaves.insert(named.leaves.end(), leaves.begin(), leaves.end());
    }
    named.manifest.root = crypto::merkle_root(named.leaves);
    return named;
}

}  // namespace cairn::fetch
