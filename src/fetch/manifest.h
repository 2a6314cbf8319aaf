// What a model's weights are, so that any part of them can be fetched and checked alone: shape,
// types, and the root of a Merkle tree whose leaves are pieces of at most 16 KiB of its tensors, in
// the canonical order, each tensor beginning with a leaf of its own (S19). A file's model is named
// by the hash of all that. A chain's model is named by shape and model root (chain.md, section 6),
// whose tiles are the leaves: so whoever has a header's state root can check any of them.
//
//   const LeafPlan plan(manifest);
//   plan.tensor(3).first ...   // where the fourth tensor's leaves are
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "model/layout.h"
#include "model/weights.h"
#include "tensor/weight.h"

namespace cairn::fetch {

inline constexpr std::size_t kLeafBytes = 16'384;
/// Of an encoded manifest.
inline constexpr std::size_t kMaxManifestBytes = 32'768;

/// What the leaves hold.
enum class Form : std::uint8_t {
    kFile = 0,   ///< a tensor's bytes (N44); its last leaf is shorter
    kChain = 1,  ///< 4096 parameters as i32, unit 2^-24; zeros behind a tensor's last
};

struct Manifest {
    Form form = Form::kFile;
    model::ModelConfig config;
    std::vector<tensor::WeightType> types;  ///< of each tensor in the order of N29; kChain: none
    Hash256 root;                           ///< over all leaves

    /// What the model is called.
    Hash256 name() const;
};

Bytes encode(const Manifest& manifest);
/// kInvalid unless types and shapes fit each other: whole groups in a row, norms and biases f32.
Result<Manifest> decode_manifest(ByteView bytes);

/// The name of the chain's model with this model root.
Hash256 chain_model_name(const model::ModelConfig& config, const Hash256& model_root);

/// The leaves of one tensor.
struct TensorLeaves {
    std::uint64_t first = 0;  ///< among all leaves
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;  ///< of all of them together
};

class LeafPlan {
  public:
    explicit LeafPlan(const Manifest& manifest);

    std::size_t tensors() const { return tensors_.size(); }
    const TensorLeaves& tensor(std::size_t number) const { return tensors_[number]; }
    std::uint64_t leaves() const { return leaves_; }
    /// Which tensor a leaf belongs to; CHECKs that there is such a leaf.
    std::size_t tensor_of(std::uint64_t leaf) const;
    /// Of leaves [first, first + count) of one tensor.
    std::uint64_t bytes(std::uint64_t first, std::uint64_t count) const;

  private:
    std::vector<TensorLeaves> tensors_;
    std::uint64_t leaves_ = 0;
};

/// What stands in the tree for each leaf of the bytes, which begin with a leaf. Of a chain they are
/// a multiple of kLeafBytes.
std::vector<Hash256> leaf_hashes(Form form, ByteView bytes);

/// A model in memory, all tensors there and none packed, and what stands for its leaves.
struct NamedModel {
    Manifest manifest;
    std::vector<Hash256> leaves;
};
NamedModel name_model(const model::ModelConfig& config, const model::Weights& weights);

}  // namespace cairn::fetch
